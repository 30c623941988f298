//! How a call is encoded, as a pack says it: as a form, in the query, as JSON, or as JSON within one parameter.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::call::{Argument, HttpMethod};
use super::signing::WireParameter;
use super::template::Template;

/// `[call]` of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallForm {
    /// `http`.
    pub http: HttpMethod,
    /// `system`: where the parameters of every call are sent.
    pub system: Carrier,
    /// `business`: where the parameters of the method are sent.
    pub business: BusinessCarrier,
    /// `[call.parameters]`: the parameters of every call. One with a nonce or token is left out when there is none.
    pub parameters: Vec<(String, Template)>,
    /// `[call.headers]`: the headers of every call.
    pub headers: Vec<(String, Template)>,
    /// `path`: what follows the URL of the endpoint.
    pub path: Option<Template>,
    /// `version`: the version of methods that state no other.
    pub version: String,
    /// `reserved`: parameter names that no method may use; with `*` at its end, a prefix of such names.
    pub reserved: Vec<String>,
}

/// Where parameters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `form`: in the body, `application/x-www-form-urlencoded`.
    Form,
    /// `query`: in the query of the address.
    Query,
    /// `json`: as members of the body, a JSON object.
    Json,
}

/// Where the parameters of a method are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusinessCarrier {
    /// Each by itself.
    Each(Carrier),
    /// `json_in`: as one JSON object within the parameter of this name.
    JsonIn(String),
}

impl BusinessCarrier {
    /// Where the method's parameters are sent; for `json_in`, where the parameter that holds them is.
    pub const fn carrier(&self, system: Carrier) -> Carrier {
        match self {
            Self::Each(carrier) => *carrier,
            Self::JsonIn(_) => system,
        }
    }
}

impl CallForm {
    /// Whether the name is that of a parameter of every call, which a method may not use.
    pub fn is_reserved(&self, name: &str) -> bool {
        let is_it = |reserved: &String| match reserved.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == reserved,
        };
        self.reserved.iter().any(is_it) || self.parameters.iter().any(|(own, _)| own == name)
    }

    /// Whether calls have a body that is a JSON object.
    pub fn has_body(&self) -> bool {
        self.system == Carrier::Json || self.has_json_body()
    }

    /// Whether the body is a JSON object of the method's parameters.
    pub fn has_json_body(&self) -> bool {
        self.business == BusinessCarrier::Each(Carrier::Json)
    }
}

/// Encodes the parameters as `application/x-www-form-urlencoded`, in their order.
pub fn form_encoded<'a>(parameters: impl Iterator<Item = &'a WireParameter<'a>>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(256));
    for (name, value) in parameters {
        form.append_pair(name, value);
    }
    form.finish()
}

/// The characters that a path must encode: all that RFC 3986 §3.3 does not allow there; slashes separate the segments.
const NOT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Percent-encodes a value within a path; its slashes stay.
pub fn path_encoded(value: &str) -> String {
    utf8_percent_encode(value, NOT_IN_PATHS).to_string()
}

/// A JSON object that is written member by member.
#[derive(Debug)]
pub struct JsonObject(Vec<u8>);

impl Default for JsonObject {
    fn default() -> Self {
        Self(b"{".to_vec())
    }
}

impl JsonObject {
    /// Adds a member that is a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.json(value);
    }

    /// Adds an argument as JSON: a text, or the number, `true` or `false` that it holds.
    pub fn argument(&mut self, argument: &Argument) {
        self.name(&argument.name);
        match argument.is_json {
            true => self.0.extend_from_slice(argument.value.as_bytes()),
            false => self.json(&argument.value),
        }
    }

    /// The object so far; more members may be added afterwards.
    pub fn closed(&self) -> Bytes {
        let mut object = self.0.clone();
        object.push(b'}');
        object.into()
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.json(name);
        self.0.push(b':');
    }

    /// Writes a JSON string; writing into a vector never fails.
    fn json(&mut self, text: &str) {
        let _written = serde_json::to_writer(&mut self.0, text);
    }
}
