//! Reads the parameters of one request and collects every error, including unknown names.

use std::borrow::Cow;
use std::fmt::Display;

use actix_web::dev::{Path, Url};
use actix_web::http::header::HeaderMap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use utoipa::openapi::path::Parameter as Documented;

use super::parameter::{LONGEST_LIST, Location, Parameter, ParameterDocument, ParameterKind, Presence};
use crate::directory::{Directory, StoreId};
use crate::http::form_pairs::{self, Pair};
use crate::http::problem::ParameterErrorCode::{self, Malformed, Missing, OutOfRange, Unknown};
use crate::http::problem::{ParameterError, Problem};
use crate::http::redacted_path;
use crate::settings::nearest;

/// The parameters that a [`ParameterReader`] has read.
pub struct Parsed<T> {
    /// The parameters, or 400 with every parameter that is malformed, repeated or unknown.
    pub result: Result<T, Problem>,
    /// Whether the result depends on the time of the request.
    pub is_for_now: bool,
    /// All stores that the query names, even if another parameter is wrong.
    pub stores: Vec<StoreId>,
}

/// The parameters of one request.
pub struct ParameterReader<'a> {
    path: &'a Path<Url>,
    query: Vec<Pair<'a>>,
    headers: &'a HeaderMap,
    /// The parameters that were looked for, whether present or not.
    known: Vec<(&'static dyn ParameterDocument, Presence)>,
    errors: Vec<ParameterError>,
    /// The stores that the query names, as the caller wrote them.
    stores: Vec<StoreId>,
    /// The tenant's store directory.
    directory: &'a Directory,
    zone: &'a TimeZone,
    now: Timestamp,
    is_for_now: bool,
}

impl<'a> ParameterReader<'a> {
    /// Creates a reader for a request of a tenant with this store directory; dates are read in `zone`.
    pub fn new(
        path: &'a Path<Url>,
        query: &'a str,
        headers: &'a HeaderMap,
        directory: &'a Directory,
        zone: &'a TimeZone,
        now: Timestamp,
    ) -> Self {
        let query = form_pairs::pairs(query.as_bytes()).collect();
        let (known, errors, stores) = (Vec::new(), Vec::new(), Vec::new());
        Self { path, query, headers, known, errors, stores, directory, zone, now, is_for_now: false }
    }

    /// Documents the parameters that `read` looks for.
    pub fn document<T>(read: impl FnOnce(&mut ParameterReader<'_>) -> Option<T>) -> Vec<Documented> {
        let (path, headers) = (Path::new(Url::default()), HeaderMap::new());
        let (directory, zone) = (Directory::default(), TimeZone::UTC);
        let mut reader = ParameterReader::new(&path, "", &headers, &directory, &zone, Timestamp::UNIX_EPOCH);
        read(&mut reader);
        reader.known.into_iter().map(|(parameter, presence)| parameter.document(presence)).collect()
    }

    /// Reads the parameters of a request with `read`. It must read every parameter before it decides, so that all
    /// errors are found and all parameters are documented, and returns `None` when one of them is wrong.
    pub fn parse<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Parsed<T> {
        let value = read(&mut self);
        self.refuse_unknown();
        let result = value.filter(|_| self.errors.is_empty());
        let result = result.ok_or_else(|| Problem::invalid_parameters(self.errors));
        Parsed { result, is_for_now: self.is_for_now, stores: self.stores }
    }

    /// Reads a parameter of the path.
    pub fn in_path<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<K::Value> {
        self.values(parameter, Presence::IN_PATH).pop()
    }

    /// Reads an optional parameter of the query, or its default. Repeating it is an error.
    pub fn optional<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<K::Value> {
        self.values(parameter, Presence::OPTIONAL).pop().or_else(|| parameter.kind.default())
    }

    /// Reads a list in the query; empty when it is not given.
    pub fn list<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Vec<K::Value> {
        self.values(parameter, Presence::LIST)
    }

    /// Reads a required list in the query.
    pub fn required_list<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<Vec<K::Value>> {
        Some(self.values(parameter, Presence::REQUIRED_LIST)).filter(|values| !values.is_empty())
    }

    /// Reads the last value of a query parameter that libraries add by themselves in different spellings: in any case,
    /// with dashes, underscores or nothing between its words.
    pub fn last_in_any_spelling<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<K::Value> {
        self.known.push((parameter, Presence::OPTIONAL));
        let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
        for (key, _) in &mut self.query {
            if plain(key) == plain(&parameter.name) {
                *key = Cow::Borrowed(&*parameter.name);
            }
        }
        let last = self.texts(&parameter.name).pop();
        self.parsed(parameter, last).pop()
    }

    /// Reads the values of a parameter, in their order; empty if one of them is wrong.
    pub fn values<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>, presence: Presence) -> Vec<K::Value> {
        let name = &*parameter.name;
        self.known.push((parameter, presence));
        let texts = match presence.location {
            Location::Path => self.path_text(name),
            Location::Query if presence.is_list => self.members(name),
            Location::Query => self.text(name),
            Location::Header => {
                self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned).into_iter().collect()
            }
        };
        if presence.location == Location::Query && parameter.kind.names_stores() {
            self.name_stores(name);
        }
        if texts.is_empty() && presence.is_required && !self.has_error(name) {
            let example = if presence.is_list { format!(": {name}=A&{name}=B") } else { String::new() };
            self.error(name, Missing, format!("this parameter must be given{example}"));
        }
        self.parsed(parameter, texts)
    }

    fn parsed<K: ParameterKind>(
        &mut self,
        parameter: &Parameter<K>,
        texts: impl IntoIterator<Item = String>,
    ) -> Vec<K::Value> {
        let directory = self.directory;
        let values: Result<Vec<_>, _> = texts.into_iter().map(|text| parameter.kind.parse(&text, directory)).collect();
        values.map_err(|error| self.error(&parameter.name, error.code, error.message)).unwrap_or_default()
    }

    /// The text of a path parameter. The router leaves some characters percent-encoded, and none of our ids and words
    /// contains one of them.
    fn path_text(&mut self, name: &str) -> Vec<String> {
        let text = self.path.get(name).unwrap_or_default();
        if text.contains(['%', '/', '\u{FFFD}']) {
            self.error(name, Malformed, "slashes, percent signs and what is not UTF-8 are not taken in the path");
            return Vec::new();
        }
        vec![text.to_owned()]
    }

    /// The text of a query parameter that must not be repeated.
    fn text(&mut self, name: &str) -> Vec<String> {
        let texts = self.texts(name);
        if texts.len() > 1 {
            self.error(name, Malformed, "this parameter is given more than once");
            return Vec::new();
        }
        texts
    }

    /// The members of a list, repeated or separated by commas, because generated clients write either.
    fn members(&mut self, name: &'static str) -> Vec<String> {
        // Axios, jQuery, qs and PHP write lists as `name[]` and `name[0]`.
        for (key, _) in &mut self.query {
            if key.strip_prefix(name).is_some_and(is_place_in_a_list) {
                *key = Cow::Borrowed(name);
            }
        }
        let texts = self.texts(name);
        let members: Vec<String> =
            texts.iter().flat_map(|text| text.split(',')).map(|member| member.trim().to_owned()).collect();
        if members.len() > LONGEST_LIST {
            self.error(name, OutOfRange, format!("at most {LONGEST_LIST} values are taken at once"));
            return Vec::new();
        }
        members
    }

    /// All values of this name in the query; empty when one is not UTF-8, which is reported.
    fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        let texts: Result<Vec<String>, _> = values.map(|(_, value)| value.clone().map(Cow::into_owned)).collect();
        texts.map_err(|error| self.error(name, Malformed, error)).unwrap_or_default()
    }

    /// Records the stores that a query parameter names.
    fn name_stores(&mut self, name: &str) {
        let values = self.query.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.as_ref().ok());
        let members = values.flat_map(|value| value.split(','));
        self.stores.extend(members.filter_map(|member| self.directory.read(member.trim()).ok()));
    }

    /// Whether a parameter has had an error so far.
    pub fn has_error(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.parameter == name)
    }

    /// Reports a problem of a parameter.
    pub fn error(&mut self, name: &str, code: ParameterErrorCode, message: impl Display) {
        self.errors.push(ParameterError { parameter: name.to_owned(), code, message: message.to_string() });
    }

    /// The zone in which dates are read.
    pub const fn zone(&self) -> &'a TimeZone {
        self.zone
    }

    /// The current time. Reading it makes the lookup depend on the time of the request.
    pub const fn now(&mut self) -> Timestamp {
        self.is_for_now = true;
        self.now
    }

    fn refuse_unknown(&mut self) {
        let mut names: Vec<String> = self.query.iter().map(|(name, _)| name.clone().into_owned()).collect();
        names.sort();
        names.dedup();
        let in_query = self.known.iter().filter(|(_, presence)| presence.location == Location::Query);
        let known: Vec<&str> = in_query.map(|&(parameter, _)| parameter.name()).collect();
        for name in names.into_iter().filter(|name| !known.contains(&name.as_str())) {
            let message = match nearest(&name, known.iter().copied()) {
                Some(known) => format!("there is no such parameter; did you mean {known}?"),
                None if known.is_empty() => "this path takes no query parameters".to_owned(),
                None => format!("there is no such parameter; this path takes {}", known.join(", ")),
            };
            self.error(&shown(&name), Unknown, message);
        }
    }
}

/// Whether this suffix of a list's name only marks it as a list.
fn is_place_in_a_list(text: &str) -> bool {
    let place = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    place.is_some_and(|place| place.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An unknown name from the request, shortened so that it can be shown.
fn shown(name: &str) -> String {
    const LONGEST: usize = 64;
    let shown: String =
        redacted_path::of(name).chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    if shown.is_empty() { "(a parameter without name)".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Parameter, ParameterKind, ParameterReader};
    use crate::gateway::endpoint::china_standard_time;
    use crate::http::public_url::PublicUrl;
    use crate::resources::params::InvalidValue;
    use crate::resources::params::kinds::{IntegerKind, text};
    use actix_web::dev::{Path, Url};
    use actix_web::http::header::HeaderMap;
    use jiff::Timestamp;
    use utoipa::openapi::schema::ObjectBuilder;

    static SIZE: Parameter<IntegerKind> = Parameter::new("size", "", IntegerKind { range: 1..=10, default: Some(5) });
    static CODES: Parameter<Code> = Parameter::new("codes", "", Code);

    struct Code;

    impl ParameterKind for Code {
        type Value = u8;

        fn parse(&self, text: &str, _: &Directory) -> Result<u8, InvalidValue> {
            text.parse().map_err(|_| "write a code".into())
        }

        fn schema(&self) -> ObjectBuilder {
            text()
        }
    }

    #[derive(Debug, PartialEq)]
    struct Probe {
        size: u32,
        codes: Vec<u8>,
    }

    impl Probe {
        fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
            let (size, codes) = (reader.optional(&SIZE), reader.list(&CODES));
            Some(Self { size: size?, codes })
        }
    }

    fn ask(query: &str) -> Result<Probe, Vec<(String, String)>> {
        let path = Path::new(Url::new("/".parse().unwrap()));
        let zone = china_standard_time();
        let (headers, directory) = (HeaderMap::new(), Directory::default());
        let reader = ParameterReader::new(&path, query, &headers, &directory, &zone, Timestamp::UNIX_EPOCH);
        reader.parse(Probe::read).result.map_err(|problem| {
            let document = problem.document(&PublicUrl::default(), "/", "r");
            document.errors.into_iter().map(|error| (error.parameter, error.message)).collect()
        })
    }

    #[test]
    fn defaults_and_lists_are_read() {
        assert_eq!(ask(""), Ok(Probe { size: 5, codes: vec![] }));
        for codes in [
            "codes=1,2,3",
            "codes=1&codes=2&codes=3",
            "codes=1,2&codes=3",
            "codes[]=1&codes[]=2&codes[]=3",
            "codes%5B%5D=1&codes%5b%5d=2,3",
            "codes[0]=1&codes[1]=2&codes[2]=3",
            "codes=1&codes[]=2&codes[17]=3",
        ] {
            assert_eq!(ask(&format!("size=7&{codes}")), Ok(Probe { size: 7, codes: vec![1, 2, 3] }), "{codes}");
        }
    }

    #[test]
    fn what_is_no_list_takes_no_brackets() {
        for query in
            ["size[]=7", "codes[a]=1", "codes[0][]=1", "codes[-1]=1", "codes[=1", "codes]=1", "[]=1", "code[]=1"]
        {
            assert!(ask(query).is_err(), "{query}");
        }
    }

    #[test]
    fn every_error_is_reported_at_once() {
        let errors = ask("size=99&codes=1,x&siz=3&page=1").unwrap_err();
        let names: Vec<&str> = errors.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["size", "codes", "page", "siz"]);
        assert!(errors[3].1.contains("did you mean size?"));
    }

    #[test]
    fn a_value_that_is_not_utf8_is_reported_by_its_name() {
        for query in ["size=%FF", "size=7%C4", "codes=1,%FF", "codes=1&codes[1]=%C4%BE%FF", "codes[]=%ED%A0%80"] {
            let errors = ask(query).unwrap_err();
            let name = if query.starts_with("size") { "size" } else { "codes" };
            assert!(
                errors.len() == 1 && errors[0].0 == name && errors[0].1.contains("not UTF-8"),
                "{query}: {errors:?}"
            );
        }
        assert!(ask("siz%FF=1").unwrap_err()[0].1.contains("no such parameter"));
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert!(ask("size=1&size=2").unwrap_err()[0].1.contains("more than once"));
    }

    #[test]
    fn a_list_beyond_the_bound_is_refused() {
        let list = vec!["1"; 201].join(",");
        assert!(ask(&format!("codes={list}")).is_err());
    }
}
