//! Parameters of the query as the document describes them, where a derived description says too little.
//! Filters have no example: Swagger UI would fill it in, and a newcomer would wonder where the other answers are.

use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::Array;
use utoipa::openapi::{RefOr, Required, Schema};

/// An optional parameter.
pub fn optional(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    builder(name, description, schema).build()
}

/// An optional list, its members as a parameter each; commas are taken, too.
pub fn optional_list(name: &str, description: &str, schema: Array) -> Parameter {
    let list = builder(name, description, schema);
    list.style(Some(ParameterStyle::Form)).explode(Some(true)).build()
}

/// A list that must be given, its members as a parameter each, and an example that answers.
pub fn required_list(name: &str, description: &str, schema: Array, example: &[&str]) -> Parameter {
    let list = builder(name, description, schema).required(Required::True).example(Some(json!(example)));
    list.style(Some(ParameterStyle::Form)).explode(Some(true)).build()
}

fn builder(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}
