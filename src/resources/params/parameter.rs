//! The description of one parameter: requests are parsed by it, and the API document is written from it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter as Documented, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};

use crate::directory::Directory;

/// Longer lists are refused, so that one request cannot become a storm.
pub const LONGEST_LIST: usize = 200;

/// What the values of a parameter are: how one is parsed, and how the API document describes it.
pub trait ParameterKind {
    /// A value that was parsed.
    type Value;

    /// Parses a value as a caller writes it.
    ///
    /// # Errors
    /// What is to be written instead.
    fn parse(&self, text: &str, directory: &Directory) -> Result<Self::Value, String>;

    /// The schema of a value.
    fn schema(&self) -> ObjectBuilder;

    /// The schema of a list of values.
    fn list_schema(&self) -> ArrayBuilder {
        ArrayBuilder::new().items(self.schema()).min_items(Some(1)).max_items(Some(LONGEST_LIST))
    }

    /// The value of a parameter that is not given.
    fn default(&self) -> Option<Self::Value> {
        None
    }

    /// The JSON of an example.
    fn example(&self, text: &str) -> Value {
        json!(text)
    }

    /// Whether the values are ids of stores.
    fn names_stores(&self) -> bool {
        false
    }
}

/// Where a parameter stands, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Where it stands.
    pub location: Location,
    /// Whether it must be given.
    pub is_required: bool,
    /// Whether it may have several values: a parameter for each, or separated by commas.
    pub is_list: bool,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Location {
    /// The path.
    Path,
    /// The query.
    Query,
    /// The header fields.
    Header,
}

impl Presence {
    /// One value in the path.
    pub const IN_PATH: Self = Self { location: Location::Path, is_required: true, is_list: false };
    /// At most one value in the query.
    pub const OPTIONAL: Self = Self { location: Location::Query, is_required: false, is_list: false };
    /// Any number of values in the query.
    pub const LIST: Self = Self { location: Location::Query, is_required: false, is_list: true };
    /// At least one value in the query.
    pub const REQUIRED_LIST: Self = Self { location: Location::Query, is_required: true, is_list: true };
    /// At most one header field.
    pub const HEADER: Self = Self { location: Location::Header, is_required: false, is_list: false };
}

/// A parameter of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter<K> {
    /// Its name for callers.
    pub name: Cow<'static, str>,
    /// What people should know of it.
    #[serde(skip)]
    pub description: Cow<'static, str>,
    /// A value that answers. Swagger UI fills it in: an optional filter has none, or a newcomer would wonder where the other answers are.
    #[serde(skip)]
    pub example: Option<Cow<'static, str>>,
    /// What its values are.
    pub kind: K,
}

impl<K> Parameter<K> {
    /// A parameter without an example.
    pub const fn new(name: &'static str, description: &'static str, kind: K) -> Self {
        Self { name: Cow::Borrowed(name), description: Cow::Borrowed(description), example: None, kind }
    }

    /// A parameter with a value that answers.
    pub const fn with_example(name: &'static str, description: &'static str, example: &'static str, kind: K) -> Self {
        let example = Some(Cow::Borrowed(example));
        Self { name: Cow::Borrowed(name), description: Cow::Borrowed(description), example, kind }
    }
}

/// A parameter of whatever kind, for the API document.
pub trait ParameterDocument {
    /// Its name for callers.
    fn name(&self) -> &str;

    /// Its description in the API document.
    fn document(&self, presence: Presence) -> Documented;
}

impl<K: ParameterKind> ParameterDocument for Parameter<K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn document(&self, presence: Presence) -> Documented {
        let Presence { location, is_required, is_list } = presence;
        let location = match location {
            Location::Path => ParameterIn::Path,
            Location::Query => ParameterIn::Query,
            Location::Header => ParameterIn::Header,
        };
        let example = self.example.as_deref();
        let example = example.map(|text| if is_list { json!([text]) } else { self.kind.example(text) });
        let builder = ParameterBuilder::new()
            .name(&*self.name)
            .parameter_in(location)
            .required(if is_required { Required::True } else { Required::False })
            .description(Some(&*self.description))
            .example(example);
        if is_list {
            let list = builder.schema(Some(self.kind.list_schema()));
            return list.style(Some(ParameterStyle::Form)).explode(Some(true)).build();
        }
        builder.schema(Some(self.kind.schema())).build()
    }
}
