//! The description of one parameter, by which requests are parsed and the API document is written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter as Documented, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};

use crate::directory::Directory;
use crate::http::problem::ParameterErrorCode;

/// The longest list that is accepted, so that one request cannot cause a flood of calls.
pub const LONGEST_LIST: usize = 200;

/// Why a value is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidValue {
    /// What kind of mistake it is.
    pub code: ParameterErrorCode,
    /// What to write instead.
    pub message: String,
}

impl InvalidValue {
    /// A value that can be read, and is too small, too large or too long.
    pub const fn out_of_range(message: String) -> Self {
        Self { code: ParameterErrorCode::OutOfRange, message }
    }
}

impl From<String> for InvalidValue {
    fn from(message: String) -> Self {
        Self { code: ParameterErrorCode::Malformed, message }
    }
}

impl From<&str> for InvalidValue {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// The type of a parameter's values: how one is parsed, and how the API document describes it.
pub trait ParameterKind {
    /// A value that was parsed.
    type Value;

    /// Parses a value as a caller writes it.
    ///
    /// # Errors
    /// What to write instead.
    fn parse(&self, text: &str, directory: &Directory) -> Result<Self::Value, InvalidValue>;

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

    /// The JSON form of an example.
    fn example(&self, text: &str) -> Value {
        json!(text)
    }

    /// Whether the values are store ids.
    fn names_stores(&self) -> bool {
        false
    }
}

/// Where a parameter is in the request, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// The part of the request.
    pub location: Location,
    /// Whether it must be given.
    pub is_required: bool,
    /// Whether it may have several values, repeated or separated by commas.
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
    /// The name that callers write.
    pub name: Cow<'static, str>,
    /// The description in the API document.
    #[serde(skip)]
    pub description: Cow<'static, str>,
    /// An example that works. Swagger UI fills it in, so an optional filter has none: it would hide responses from new
    /// users.
    #[serde(skip)]
    pub example: Option<Cow<'static, str>>,
    /// The type of its values.
    pub kind: K,
}

impl<K> Parameter<K> {
    /// Creates a parameter without an example.
    pub const fn new(name: &'static str, description: &'static str, kind: K) -> Self {
        Self { name: Cow::Borrowed(name), description: Cow::Borrowed(description), example: None, kind }
    }

    /// Creates a parameter with an example that works.
    pub const fn with_example(name: &'static str, description: &'static str, example: &'static str, kind: K) -> Self {
        let example = Some(Cow::Borrowed(example));
        Self { name: Cow::Borrowed(name), description: Cow::Borrowed(description), example, kind }
    }
}

/// The documentation of a parameter of any type.
pub trait ParameterDocument {
    /// The name that callers write.
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
