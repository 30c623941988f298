//! A declared resource in the API document.

use serde_json::{Value, json};
use utoipa::IntoParams as _;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter as Documented, ParameterBuilder, ParameterIn, ParameterStyle,
};
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{RefOr, Required, ResponseBuilder};

use super::Declaration;
use super::answer::{Field, FieldKind, Shape};
use super::parameter::{Kind, MOST_MEMBERS, Parameter};
use crate::gateway::vendor::{NumberForm, Vendor};
use crate::resources::params::{PeriodQuery, STORE_ID_PATTERN};

/// The operation.
pub(super) fn operation(declaration: &Declaration) -> Operation {
    let response = ResponseBuilder::new()
        .description("The answer")
        .content("application/json", ContentBuilder::new().schema(Some(answer(&declaration.answer.shape))).build());
    let operation = OperationBuilder::new()
        .tag(&declaration.tag)
        .operation_id(Some(format!("read_{}", declaration.name)))
        .summary(Some(&declaration.summary))
        .description(Some(described(declaration)))
        .response("200", response);
    let parameters = declaration.parameters.iter().map(parameter);
    let period = declaration.period.iter().flat_map(|_| PeriodQuery::into_params(|| None));
    parameters.chain(period).fold(operation, OperationBuilder::parameter).build()
}

fn described(declaration: &Declaration) -> String {
    let method = &declaration.method;
    let usual = || format!("What the {} gateway answers to its `{}`.", method.vendor, method.name);
    declaration.description.clone().unwrap_or_else(usual)
}

fn parameter(parameter: &Parameter) -> Documented {
    let place = if parameter.is_in_path { ParameterIn::Path } else { ParameterIn::Query };
    let required = if parameter.is_required { Required::True } else { Required::False };
    let builder = ParameterBuilder::new()
        .name(&parameter.name)
        .parameter_in(place)
        .required(required)
        .description(Some(description(parameter)));
    // Swagger UI fills examples in, and a filter that nobody asked for would surprise.
    let example = parameter.example.as_ref().filter(|_| parameter.is_required);
    let example =
        example.map(|example| if parameter.is_list { json!([example]) } else { value(&parameter.kind, example) });
    let builder = builder.example(example);
    if parameter.is_list {
        let items = ArrayBuilder::new().items(schema(&parameter.kind)).min_items(Some(1)).max_items(Some(MOST_MEMBERS));
        return builder.schema(Some(items)).style(Some(ParameterStyle::Form)).explode(Some(true)).build();
    }
    builder.schema(Some(schema(&parameter.kind))).build()
}

fn description(parameter: &Parameter) -> String {
    let what = match &parameter.kind {
        Kind::Store(_) => "The store, by any of its ids.".to_owned(),
        Kind::Organization(vendor) => organization(*vendor),
        _ => return parameter.description.clone().unwrap_or_else(|| format!("The gateway's `{}`.", parameter.wire)),
    };
    parameter.description.clone().unwrap_or(what)
}

fn organization(vendor: Vendor) -> String {
    let pack = vendor.pack();
    let prefix = pack.organization_ids.as_ref().map_or("", |ids| ids.form.prefix.as_str());
    let written = if prefix.is_empty() { String::new() } else { format!(" with or without `{prefix}`") };
    format!("The organization: {}'s number{written}.", pack.title)
}

/// What [`NumberForm::number`] takes.
fn pattern(form: &NumberForm) -> String {
    let letters = if form.is_digits { "[0-9]" } else { "[A-Za-z0-9_.-]" };
    let may_be_left_out = if form.is_digits { "?" } else { "" };
    let prefix = match form.prefix.replace('.', "\\.") {
        prefix if prefix.is_empty() => prefix,
        prefix => format!("({prefix}){may_be_left_out}"),
    };
    let most = form.longest.map_or_else(String::new, |longest| longest.to_string());
    format!("^{prefix}{letters}{{1,{most}}}$")
}

fn value(kind: &Kind, example: &str) -> Value {
    match kind {
        Kind::Integer(..) => example.parse::<u32>().map_or(Value::Null, |number| json!(number)),
        Kind::Boolean => json!(example == "true"),
        _ => json!(example),
    }
}

fn schema(kind: &Kind) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    match kind {
        Kind::Store(_) => text.pattern(Some(STORE_ID_PATTERN)).max_length(Some(32)),
        Kind::Organization(vendor) => {
            text.pattern(vendor.pack().organization_ids.as_ref().map(|ids| pattern(&ids.form)))
        }
        Kind::Text(longest) => text.min_length(Some(1)).max_length(Some(*longest)),
        Kind::Integer(least, most) => {
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(*least)).maximum(Some(*most))
        }
        Kind::Boolean => ObjectBuilder::new().schema_type(Type::Boolean),
        Kind::Date => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))),
        Kind::OneOf(words) => text.enum_values(Some(words.keys().cloned().collect::<Vec<_>>())),
    }
}

fn answer(shape: &Shape) -> RefOr<Schema> {
    match shape {
        Shape::AsGiven => RefOr::T(anything("What the gateway gives, as it is.").into()),
        Shape::Object(fields) => RefOr::T(object(fields).into()),
        Shape::List(fields) => {
            let items: Array = ArrayBuilder::new().items(object(fields)).build();
            let list = ObjectBuilder::new().schema_type(Type::Object).property("items", items).required("items");
            RefOr::T(list.description(Some("The objects of the list.")).build().into())
        }
    }
}

fn object(fields: &[Field]) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(Type::Object);
    fields.iter().fold(object, |object, field| object.property(&field.name, property(field)).required(&field.name))
}

/// Every field may be `null`: the gateway may not give it.
fn property(field: &Field) -> ObjectBuilder {
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
