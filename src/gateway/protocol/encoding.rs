//! How a call is encoded, as a pack says it: as a form, in the query, as JSON, or as JSON within one parameter.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::call::{Argument, HttpMethod};
use super::login::LoginCall;
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
    /// `json_form`: whether a JSON body is a list with the one object in it.
    pub json_is_list: bool,
    /// `json_sorted`: whether the members of JSON objects are sorted by name.
    pub json_is_sorted: bool,
    /// `system_also`: the parameters of methods that are sent where those of every call are.
    pub system_also: Vec<String>,
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

    /// Whether the body is a JSON object of the method's parameters.
    pub fn has_json_body(&self) -> bool {
        self.business == BusinessCarrier::Each(Carrier::Json)
    }

    /// Where the parameters of a call are sent: all in the query for a GET, and those of a bare login, which has no
    /// others, where it says.
    pub fn carriers(&self, http: HttpMethod, login: Option<&LoginCall>) -> Carriers<'_> {
        let bare = login.filter(|login| login.is_bare);
        let own = bare.and_then(|login| login.carrier);
        let json_in = match &self.business {
            BusinessCarrier::JsonIn(name) => Some(name.as_str()).filter(|_| own.is_none()),
            BusinessCarrier::Each(_) => None,
        };
        let business = own.unwrap_or(self.business.carrier(self.system));
        let system = if bare.is_some() { business } else { self.system };
        let (system, business) = match http {
            HttpMethod::Get => (Carrier::Query, Carrier::Query),
            HttpMethod::Post => (system, business),
        };
        let system_also = if bare.is_some() { &[] } else { self.system_also.as_slice() };
        let (json_is_list, json_is_sorted) = (self.json_is_list && own.is_none(), self.json_is_sorted);
        Carriers { system, business, json_in, json_is_list, json_is_sorted, system_also }
    }
}

/// Where the parameters of one call are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carriers<'a> {
    /// The carrier of the parameters of every call.
    pub system: Carrier,
    /// The carrier of the method's parameters, or of the one parameter that holds them.
    pub business: Carrier,
    /// The parameter that holds the method's parameters as a JSON object.
    pub json_in: Option<&'a str>,
    /// Whether a JSON body is a list with the one object in it.
    pub json_is_list: bool,
    /// Whether the members of JSON objects are sorted by name.
    pub json_is_sorted: bool,
    /// The parameters of the method that are sent where those of every call are.
    system_also: &'a [String],
}

impl Carriers<'_> {
    /// Whether the method's parameters are members of a JSON object.
    pub fn has_members(&self) -> bool {
        self.has_body() || self.json_in.is_some()
    }

    /// Whether the call has a body that is JSON.
    pub fn has_body(&self) -> bool {
        self.business == Carrier::Json
    }

    /// Whether a parameter of the method is a member of the JSON body.
    pub fn is_in_body(&self, name: &str) -> bool {
        self.has_body() && self.json_in.is_none() && !self.system_also.iter().any(|own| own == name)
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

/// A JSON object whose members are written in their order, or sorted by name.
#[derive(Debug, Default)]
pub struct JsonObject<'a>(Vec<(&'a str, JsonMember<'a>)>);

#[derive(Debug)]
enum JsonMember<'a> {
    Text(&'a str),
    /// A value that is written as it is.
    Json(&'a str),
    Object(JsonObject<'a>),
}

/// The names of the members that lead to a value: those of a JSON pointer, or the one name that it is.
pub fn member_names(name: &str) -> impl Iterator<Item = &str> {
    name.strip_prefix('/').unwrap_or(name).split(move |letter| letter == '/' && name.starts_with('/'))
}

impl<'a> JsonObject<'a> {
    /// Adds a member that is a text.
    pub fn text(&mut self, name: &'a str, value: &'a str) {
        self.0.push((name, JsonMember::Text(value)));
    }

    /// Adds an argument as JSON: a text, or the JSON that it holds. One that is named by a pointer is a member of members.
    pub fn argument(&mut self, argument: &'a Argument) {
        let value = argument.value.as_str();
        let member = if argument.is_json { JsonMember::Json(value) } else { JsonMember::Text(value) };
        let names: Vec<&str> = member_names(&argument.name).collect();
        self.add(&names, member);
    }

    fn add(&mut self, names: &[&'a str], member: JsonMember<'a>) {
        match names {
            [] => {}
            [name] => self.0.push((name, member)),
            [name, inner @ ..] => {
                let known = self.0.iter_mut().find_map(|(own, member)| match member {
                    JsonMember::Object(object) if own == name => Some(object),
                    _ => None,
                });
                if let Some(object) = known {
                    return object.add(inner, member);
                }
                let mut object = JsonObject::default();
                object.add(inner, member);
                self.0.push((name, JsonMember::Object(object)));
            }
        }
    }

    /// The object as JSON, in a list where the pack says so, and with sorted members where it says that.
    pub fn written(mut self, is_in_list: bool, is_sorted: bool) -> String {
        if is_sorted {
            self.sort();
        }
        let mut json = Vec::with_capacity(256);
        if is_in_list {
            json.push(b'[');
        }
        self.write(&mut json);
        if is_in_list {
            json.push(b']');
        }
        String::from_utf8(json).unwrap_or_default()
    }

    fn sort(&mut self) {
        self.0.sort_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
        for (_, member) in &mut self.0 {
            if let JsonMember::Object(object) = member {
                object.sort();
            }
        }
    }

    /// Writes the object; writing into a vector never fails.
    fn write(&self, json: &mut Vec<u8>) {
        json.push(b'{');
        for (place, (name, member)) in self.0.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            let _written = serde_json::to_writer(&mut *json, name);
            json.push(b':');
            match member {
                JsonMember::Object(object) => object.write(json),
                JsonMember::Json(value) => json.extend_from_slice(value.as_bytes()),
                JsonMember::Text(text) => {
                    let _written = serde_json::to_writer(&mut *json, text);
                }
            }
        }
        json.push(b'}');
    }
}
