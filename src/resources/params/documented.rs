//! Parameters of the query as the document describes them, where a derived description says too little.

use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::Array;
use utoipa::openapi::{RefOr, Required, Schema};

/// An optional parameter.
pub fn optional(name: &str, description: &str, schema: impl Into<RefOr<Schema>>, example: Value) -> Parameter {
    builder(name, description, schema, example).build()
}

/// An optional list whose members are separated by commas.
pub fn optional_list(name: &str, description: &str, schema: Array, example: Value) -> Parameter {
    let list = builder(name, description, schema, example);
    list.style(Some(ParameterStyle::Form)).explode(Some(false)).build()
}

fn builder(name: &str, description: &str, schema: impl Into<RefOr<Schema>>, example: Value) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example))
}
