//! Reads the parameters of one request and collects every error, unknown names included.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::dev::{Path, Url};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::directory::{Directory, OrganizationId, StoreId};
use crate::gateway::vendor::Vendor;
use crate::http::form_pairs::{self, Pair};
use crate::http::problem::{ParameterError, Problem};
use crate::settings::nearest;

/// Longer lists are refused, so that one request cannot become a storm.
pub const LONGEST_LIST: usize = 200;

/// What a caller may ask of a resource.
pub trait Ask: Sized {
    /// Reads every parameter before it decides, so that all errors are found; `None` when one of them is wrong.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// What a [`Reader`] has read.
pub struct Parameters<T> {
    /// What is asked, or 400 with every parameter that is malformed, repeated or unknown.
    pub asked: Result<T, Problem>,
    /// Whether that depends on the time of asking.
    pub is_for_now: bool,
    /// Every store that the query names, even if something else in it is wrong.
    pub stores: Vec<StoreId>,
}

/// The parameters of one request.
pub struct Reader<'a> {
    path: &'a Path<Url>,
    query: Vec<Pair<'a>>,
    asked: Vec<&'static str>,
    errors: Vec<ParameterError>,
    /// The stores that the query names, as they were written.
    stores: Vec<StoreId>,
    /// The company's stores.
    directory: &'a Directory,
    zone: &'a TimeZone,
    now: Timestamp,
    is_for_now: bool,
}

impl<'a> Reader<'a> {
    /// A reader for a request of a company with these stores; dates are read in `zone`.
    pub fn new(
        path: &'a Path<Url>,
        query: &'a str,
        directory: &'a Directory,
        zone: &'a TimeZone,
        now: Timestamp,
    ) -> Self {
        let query = form_pairs::pairs(query.as_bytes()).collect();
        let (asked, errors, stores) = (Vec::new(), Vec::new(), Vec::new());
        Self { path, query, asked, errors, stores, directory, zone, now, is_for_now: false }
    }

    /// Reads all that a resource asks.
    pub fn ask<T: Ask>(self) -> Parameters<T> {
        self.ask_by(T::read)
    }

    /// The same, where what may be asked is known only at run time.
    pub fn ask_by<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Parameters<T> {
        let asked = read(&mut self);
        self.refuse_unknown();
        let asked = asked.filter(|_| self.errors.is_empty());
        let asked = asked.ok_or_else(|| Problem::invalid_parameters(self.errors));
        Parameters { asked, is_for_now: self.is_for_now, stores: self.stores }
    }

    /// A parameter of the path, as it was written.
    pub fn path_text(&self, name: &str) -> &'a str {
        self.path.get(name).unwrap_or_default()
    }

    /// The store in the path.
    pub fn store(&mut self) -> Option<StoreId> {
        const NAME: &str = "store_id";
        self.directory.read(self.path_text(NAME)).map_err(|error| self.error(NAME, error)).ok()
    }

    /// The stores in the query: `store_id=A&store_id=B`, or separated by commas.
    pub fn stores(&mut self) -> Option<Vec<StoreId>> {
        const NAME: &str = "store_id";
        let stores = self.stores_of(NAME);
        if stores.is_empty() && !self.has_error(NAME) {
            self.error(NAME, "name the stores: store_id=A&store_id=B");
        }
        (!self.has_error(NAME)).then_some(stores)
    }

    /// A list of stores; empty when it is not given.
    pub fn stores_of(&mut self, name: &'static str) -> Vec<StoreId> {
        let directory = self.directory;
        let stores = self.list_by(name, |text| directory.read(text));
        self.name_stores(name);
        stores
    }

    /// One store.
    pub fn store_of(&mut self, name: &'static str) -> Option<StoreId> {
        self.name_stores(name);
        let text = self.text(name)?;
        self.directory.read(&text).map_err(|error| self.error(name, error)).ok()
    }

    /// Remembers what is a store's id in a parameter of the query that was read.
    pub fn name_stores(&mut self, name: &str) {
        let values = self.query.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.as_ref().ok());
        let members = values.flat_map(|value| value.split(','));
        self.stores.extend(members.filter_map(|member| self.directory.read(member.trim()).ok()));
    }

    /// The organization at this vendor in the path.
    pub fn organization(&mut self, vendor: Vendor) -> Option<OrganizationId> {
        const NAME: &str = "organization_id";
        OrganizationId::read(vendor, self.path_text(NAME)).map_err(|error| self.error(NAME, error)).ok()
    }

    /// The company's stores.
    pub const fn directory(&self) -> &'a Directory {
        self.directory
    }

    /// A parameter of the query as text. Given twice, it is an error.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        let mut values = self.values(name)?;
        if values.len() > 1 {
            self.error(name, "this parameter is given more than once");
            return None;
        }
        values.pop()
    }

    /// All values of this name; `None` when one is not UTF-8, which is reported.
    fn values(&mut self, name: &str) -> Option<Vec<String>> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        let values: Result<Vec<String>, _> =
            values.map(|(_, value)| value.as_ref().map(|value| value.clone().into_owned())).collect();
        match values {
            Ok(values) => Some(values),
            Err(error) => {
                let error = *error;
                self.error(name, error);
                None
            }
        }
    }

    /// A parameter of the query that is parsed.
    pub fn parsed<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name)?;
        text.parse().map_err(|error| self.error(name, error)).ok()
    }

    /// A whole number within a range, or the default.
    pub fn integer(&mut self, name: &'static str, range: &RangeInclusive<u32>, default: Option<u32>) -> Option<u32> {
        let Some(text) = self.text(name) else { return default };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && range.contains(number));
        if number.is_none() {
            self.error(name, format!("write a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// `true` or `false`, or the default.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Option<bool> {
        match self.text(name).as_deref() {
            None => Some(default),
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                self.error(name, "write true or false");
                None
            }
        }
    }

    /// A list, as a parameter for each member or separated by commas: clients that are made from the document write either.
    /// Empty when it is not given.
    pub fn list<T>(&mut self, name: &'static str) -> Vec<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.list_by(name, str::parse)
    }

    fn list_by<T, E: Display>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        let parts = self.members(name);
        if parts.len() > LONGEST_LIST {
            self.error(name, format!("at most {LONGEST_LIST} values are taken at once"));
            return Vec::new();
        }
        let mut items = Vec::with_capacity(parts.len());
        for part in parts {
            match read(&part) {
                Ok(item) => items.push(item),
                Err(error) => {
                    self.error(name, error);
                    break;
                }
            }
        }
        items
    }

    fn members(&mut self, name: &'static str) -> Vec<String> {
        self.asked.push(name);
        // `name[]` and `name[0]` are what axios, jQuery, qs and PHP make of a list.
        for (key, _) in &mut self.query {
            if key.strip_prefix(name).is_some_and(is_place_in_a_list) {
                *key = Cow::Borrowed(name);
            }
        }
        let values = self.values(name).unwrap_or_default();
        values.iter().flat_map(|value| value.split(',')).map(|member| member.trim().to_owned()).collect()
    }

    /// The last value of a parameter that libraries add by themselves, each in a spelling of its own: in either case, with
    /// dashes, underscores or nothing between its words.
    pub fn last_in_any_spelling(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
        for (key, _) in &mut self.query {
            if plain(key) == plain(name) {
                *key = Cow::Borrowed(name);
            }
        }
        self.values(name)?.pop()
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
        for name in names {
            if self.asked.contains(&name.as_str()) {
                continue;
            }
            let message = match nearest(&name, self.asked.iter().copied()) {
                Some(known) => format!("there is no such parameter; did you mean {known}?"),
                None if self.asked.is_empty() => "this path takes no query parameters".to_owned(),
                None => format!("there is no such parameter; this path takes {}", self.asked.join(", ")),
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
    use super::{Ask, Directory, Reader};
    use crate::gateway::endpoint::china_standard_time;
    use crate::http::public_url::PublicUrl;
    use actix_web::dev::{Path, Url};
    use jiff::Timestamp;

    #[derive(Debug, PartialEq)]
    struct Probe {
        size: u32,
        codes: Vec<u8>,
    }

    impl Ask for Probe {
        fn read(reader: &mut Reader<'_>) -> Option<Self> {
            let size = reader.integer("size", &(1..=10), Some(5));
            let codes = reader.list("codes");
            Some(Self { size: size?, codes })
        }
    }

    fn ask(query: &str) -> Result<Probe, Vec<(String, String)>> {
        let path = Path::new(Url::new("/".parse().unwrap()));
        let zone = china_standard_time();
        Reader::new(&path, query, &Directory::default(), &zone, Timestamp::UNIX_EPOCH).ask().asked.map_err(|problem| {
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
