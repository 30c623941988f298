//! Reads the parameters of one request and collects every error, unknown names included.

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
use crate::http::problem::{ParameterError, Problem};
use crate::settings::nearest;

/// What a [`ParameterReader`] has read.
pub struct Parsed<T> {
    /// What a caller asks, or 400 with every parameter that is malformed, repeated or unknown.
    pub result: Result<T, Problem>,
    /// Whether that depends on the time of asking.
    pub is_for_now: bool,
    /// Every store that the query names, even if something else in it is wrong.
    pub stores: Vec<StoreId>,
}

/// The parameters of one request.
pub struct ParameterReader<'a> {
    path: &'a Path<Url>,
    query: Vec<Pair<'a>>,
    headers: &'a HeaderMap,
    /// Each parameter that was read, or looked for.
    known: Vec<(&'static dyn ParameterDocument, Presence)>,
    errors: Vec<ParameterError>,
    /// The stores that the query names, as they were written.
    stores: Vec<StoreId>,
    /// The company's stores.
    directory: &'a Directory,
    zone: &'a TimeZone,
    now: Timestamp,
    is_for_now: bool,
}

impl<'a> ParameterReader<'a> {
    /// A reader for a request of a company with these stores; dates are read in `zone`.
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

    /// The parameters that `read` looks for, as the API document describes them.
    pub fn document<T>(read: impl FnOnce(&mut ParameterReader<'_>) -> Option<T>) -> Vec<Documented> {
        let (path, headers) = (Path::new(Url::default()), HeaderMap::new());
        let (directory, zone) = (Directory::default(), TimeZone::UTC);
        let mut reader = ParameterReader::new(&path, "", &headers, &directory, &zone, Timestamp::UNIX_EPOCH);
        read(&mut reader);
        reader.known.into_iter().map(|(parameter, presence)| parameter.document(presence)).collect()
    }

    /// Reads the parameters of a request by `read`, which reads every one before it decides, so that all errors are found and
    /// all parameters documented; it gives `None` when one of them is wrong.
    pub fn parse<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Parsed<T> {
        let value = read(&mut self);
        self.refuse_unknown();
        let result = value.filter(|_| self.errors.is_empty());
        let result = result.ok_or_else(|| Problem::invalid_parameters(self.errors));
        Parsed { result, is_for_now: self.is_for_now, stores: self.stores }
    }

    /// A parameter of the path.
    pub fn in_path<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<K::Value> {
        self.values(parameter, Presence::IN_PATH).pop()
    }

    /// A parameter of the query that may be left out, or its default. Given twice, it is an error.
    pub fn optional<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<K::Value> {
        self.values(parameter, Presence::OPTIONAL).pop().or_else(|| parameter.kind.default())
    }

    /// A list in the query; empty when it is not given.
    pub fn list<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Vec<K::Value> {
        self.values(parameter, Presence::LIST)
    }

    /// A list in the query that must be given.
    pub fn required_list<K: ParameterKind>(&mut self, parameter: &'static Parameter<K>) -> Option<Vec<K::Value>> {
        Some(self.values(parameter, Presence::REQUIRED_LIST)).filter(|values| !values.is_empty())
    }

    /// The last value of a parameter of the query that libraries add by themselves, each in a spelling of its own: in either
    /// case, with dashes, underscores or nothing between its words.
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

    /// The values of a parameter, in their order; none if one of them is wrong.
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
            self.error(name, format!("this parameter must be given{example}"));
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
        values.map_err(|error| self.error(&parameter.name, error)).unwrap_or_default()
    }

    /// A parameter of the path. The router leaves some signs as they were sent, and none of our ids and words has one of them.
    fn path_text(&mut self, name: &str) -> Vec<String> {
        let text = self.path.get(name).unwrap_or_default();
        if text.contains(['%', '/', '\u{FFFD}']) {
            self.error(name, "slashes, percent signs and what is not UTF-8 are not taken in the path");
            return Vec::new();
        }
        vec![text.to_owned()]
    }

    /// A parameter of the query that may be given once.
    fn text(&mut self, name: &str) -> Vec<String> {
        let texts = self.texts(name);
        if texts.len() > 1 {
            self.error(name, "this parameter is given more than once");
            return Vec::new();
        }
        texts
    }

    /// The members of a list, as a parameter for each or separated by commas: clients that are made from the document write
    /// either.
    fn members(&mut self, name: &'static str) -> Vec<String> {
        // `name[]` and `name[0]` are what axios, jQuery, qs and PHP make of a list.
        for (key, _) in &mut self.query {
            if key.strip_prefix(name).is_some_and(is_place_in_a_list) {
                *key = Cow::Borrowed(name);
            }
        }
        let texts = self.texts(name);
        let members: Vec<String> =
            texts.iter().flat_map(|text| text.split(',')).map(|member| member.trim().to_owned()).collect();
        if members.len() > LONGEST_LIST {
            self.error(name, format!("at most {LONGEST_LIST} values are taken at once"));
            return Vec::new();
        }
        members
    }

    /// Each value of this name in the query; none when one is not UTF-8, which is reported.
    fn texts(&mut self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        let texts: Result<Vec<String>, _> = values.map(|(_, value)| value.clone().map(Cow::into_owned)).collect();
        texts.map_err(|error| self.error(name, error)).unwrap_or_default()
    }

    /// Remembers the stores that a parameter of the query names.
    fn name_stores(&mut self, name: &str) {
        let values = self.query.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.as_ref().ok());
        let members = values.flat_map(|value| value.split(','));
        self.stores.extend(members.filter_map(|member| self.directory.read(member.trim()).ok()));
    }

    /// Whether anything was wrong so far.
    pub fn has_error(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.parameter == name)
    }

    /// Reports what is wrong with a parameter.
    pub fn error(&mut self, name: &str, message: impl Display) {
        self.errors.push(ParameterError { parameter: name.to_owned(), message: message.to_string() });
    }

    /// The zone in which dates are read.
    pub const fn zone(&self) -> &'a TimeZone {
        self.zone
    }

    /// Now. Whoever reads it asks something else at another time.
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
            self.error(&shown(&name), message);
        }
    }
}

/// Whether this, behind a list's name, tells no more than that it is a list.
fn is_place_in_a_list(text: &str) -> bool {
    let place = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    place.is_some_and(|place| place.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name that a caller made up, short enough to give back.
fn shown(name: &str) -> String {
    const LONGEST: usize = 64;
    let shown: String = name.chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    if shown.is_empty() { "(a parameter without name)".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Parameter, ParameterKind, ParameterReader};
    use crate::gateway::endpoint::china_standard_time;
    use crate::http::public_url::PublicUrl;
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

        fn parse(&self, text: &str, _: &Directory) -> Result<u8, String> {
            text.parse().map_err(|_| "write a code".to_owned())
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
    fn every_error_is_told_at_once() {
        let errors = ask("size=99&codes=1,x&siz=3&page=1").unwrap_err();
        let names: Vec<&str> = errors.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["size", "codes", "page", "siz"]);
        assert!(errors[3].1.contains("did you mean size?"));
    }

    #[test]
    fn a_value_that_is_not_utf8_is_told_by_its_name() {
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
