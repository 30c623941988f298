//! Documents a declared resource in the API document.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder};
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};

use super::answer::{AnswerShape, DeclaredField, FieldKind};
use super::{Declaration, handler};
use crate::resources::params::ParameterReader;

/// The OpenAPI operation of a declared resource.
pub(super) fn operation(declaration: &'static Declaration) -> Operation {
    let response = ResponseBuilder::new()
        .description("The answer")
        .content("application/json", ContentBuilder::new().schema(Some(answer(declaration))).build());
    let operation = OperationBuilder::new()
        .tag(&declaration.tag)
        .operation_id(Some(format!("read_{}", declaration.name)))
        .summary(Some(&declaration.summary))
        .description(Some(described(declaration)))
        .response("200", response);
    let parameters = ParameterReader::document(|reader| handler::parse(declaration, reader));
    parameters.into_iter().fold(operation, OperationBuilder::parameter).build()
}

fn described(declaration: &Declaration) -> String {
    let method = &declaration.method;
    let usual = || format!("What the {} gateway answers to its `{}`.", method.vendor, method.name);
    declaration.description.clone().unwrap_or_else(usual)
}

fn answer(declaration: &Declaration) -> RefOr<Schema> {
    match &declaration.answer.shape {
        AnswerShape::AsGiven => RefOr::T(anything("What the gateway gives, as it is.").into()),
        AnswerShape::Object(fields) => RefOr::T(object(fields).into()),
        AnswerShape::List(fields) => {
            let items: Array = ArrayBuilder::new().items(object(fields)).build();
            let list = ObjectBuilder::new().schema_type(Type::Object).property("items", items).required("items");
            let list = match declaration.paging {
                Some(_) => list.property("page", Ref::from_schema_name("PageInfo")).required("page"),
                None => list,
            };
            RefOr::T(list.description(Some("The objects of the list.")).build().into())
        }
    }
}

fn object(fields: &[DeclaredField]) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    fields.iter().fold(object, |object, field| object.property(&field.name, property(field)).required(&field.name))
}

/// The schema of a field. Every field may be `null`, because the gateway may omit it.
fn property(field: &DeclaredField) -> ObjectBuilder {
    let nullable = |kind: Type| ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null]));
    let schema = match field.kind {
        FieldKind::Text => nullable(Type::String),
        FieldKind::Number => nullable(Type::Number),
        FieldKind::Integer => nullable(Type::Integer),
        FieldKind::Boolean => nullable(Type::Boolean),
        FieldKind::Time => nullable(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        FieldKind::Any => anything("As the gateway gives it."),
    };
    match &field.description {
        Some(description) => schema.description(Some(description)),
        None => schema,
    }
}

fn anything(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(description))
}
