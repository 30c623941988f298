//! The types of values that parameters of several resources share.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::parameter::{InvalidValue, ParameterKind};
use crate::directory::{Directory, OrganizationId, StoreId};
use crate::gateway::vendor::{NumberForm, Vendor};

/// A store, by any of its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreKind {
    /// The smallest and largest length, where the document states them besides the pattern.
    lengths: (Option<usize>, Option<usize>),
}

impl StoreKind {
    /// One store.
    pub const ONE: Self = Self { lengths: (Some(1), Some(32)) };
    /// A store in a list of stores.
    pub const OF_LIST: Self = Self { lengths: (None, Some(32)) };
    /// A store by which a list is filtered.
    pub const FILTER: Self = Self { lengths: (None, None) };
}

impl ParameterKind for StoreKind {
    type Value = StoreId;

    fn parse(&self, text: &str, directory: &Directory) -> Result<StoreId, InvalidValue> {
        Ok(directory.read(text)?)
    }

    fn schema(&self) -> ObjectBuilder {
        let (least, most) = self.lengths;
        text().pattern(Some("^[A-Za-z0-9_.-]{1,32}$")).min_length(least).max_length(most)
    }

    fn names_stores(&self) -> bool {
        true
    }
}

/// An organization of a vendor.
#[derive(Clone, Copy, Debug)]
pub struct OrganizationKind(pub fn() -> Vendor);

impl ParameterKind for OrganizationKind {
    type Value = OrganizationId;

    fn parse(&self, text: &str, _: &Directory) -> Result<OrganizationId, InvalidValue> {
        Ok(OrganizationId::read(self.0(), text)?)
    }

    fn schema(&self) -> ObjectBuilder {
        organization_schema(self.0())
    }
}

/// The schema of an organization's number.
pub fn organization_schema(vendor: Vendor) -> ObjectBuilder {
    text().pattern(vendor.pack().organization_ids.as_ref().map(|ids| pattern(&ids.form)))
}

/// The regular expression for what [`NumberForm::number`] accepts.
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

/// A whole number within a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntegerKind {
    /// The allowed range.
    pub range: RangeInclusive<u32>,
    /// The value of a parameter that is not given.
    pub default: Option<u32>,
}

impl IntegerKind {
    /// Creates a number without a default.
    pub const fn within(range: RangeInclusive<u32>) -> Self {
        Self { range, default: None }
    }
}

impl ParameterKind for IntegerKind {
    type Value = u32;

    fn parse(&self, text: &str, _: &Directory) -> Result<u32, InvalidValue> {
        whole_number(text, &self.range)
    }

    fn schema(&self) -> ObjectBuilder {
        let (least, most) = (*self.range.start(), *self.range.end());
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
        let format = SchemaFormat::KnownFormat(KnownFormat::Int32);
        number.format(Some(format)).default(self.default.map(Value::from))
    }

    fn default(&self) -> Option<u32> {
        self.default
    }

    fn example(&self, text: &str) -> Value {
        text.parse::<u32>().map_or(Value::Null, Value::from)
    }
}

/// Reads a whole number within a range.
///
/// # Errors
/// The text is no whole number, or one beyond the range.
pub fn whole_number<T>(text: &str, range: &RangeInclusive<T>) -> Result<T, InvalidValue>
where
    T: FromStr + PartialOrd + Display,
{
    let message = || format!("write a whole number from {} to {}", range.start(), range.end());
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(message().into());
    }
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| InvalidValue::out_of_range(message()))
}

/// `true` or `false`, with the value of a parameter that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FlagKind(pub Option<bool>);

impl ParameterKind for FlagKind {
    type Value = bool;

    fn parse(&self, text: &str, _: &Directory) -> Result<bool, InvalidValue> {
        text.parse().map_err(|_| "write true or false".into())
    }

    fn schema(&self) -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean).default(self.0.map(Value::from))
    }

    fn default(&self) -> Option<bool> {
        self.0
    }

    fn example(&self, text: &str) -> Value {
        json!(text == "true")
    }
}

/// One of several words, each with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct WordKind<T: 'static> {
    /// The words with their meanings.
    pub words: &'static [(&'static str, T)],
    /// The smallest length of a list, where the document states it.
    pub fewest: Option<usize>,
}

impl<T: Copy> ParameterKind for WordKind<T> {
    type Value = T;

    fn parse(&self, text: &str, _: &Directory) -> Result<T, InvalidValue> {
        let found = self.words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| one_of(self.words.iter().map(|(word, _)| *word)).into())
    }

    fn schema(&self) -> ObjectBuilder {
        text().enum_values(Some(self.words.iter().map(|(word, _)| *word)))
    }

    fn list_schema(&self) -> ArrayBuilder {
        ArrayBuilder::new().items(self.schema()).min_items(self.fewest)
    }
}

/// The advice for a word that is none of these.
pub fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("write one of {}", words.collect::<Vec<_>>().join(", "))
}

/// Any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextKind;

impl ParameterKind for TextKind {
    type Value = String;

    fn parse(&self, text: &str, _: &Directory) -> Result<String, InvalidValue> {
        Ok(text.to_owned())
    }

    fn schema(&self) -> ObjectBuilder {
        text()
    }
}

/// The schema of a text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}
