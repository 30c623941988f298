//! A parameter of a declared resource: the values that callers may send, and what the gateway gets for them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use crate::directory::{Directory, OrganizationId, StoreId};
use crate::gateway::protocol::Argument;
use crate::gateway::vendor::Vendor;
use crate::resources::params::kinds::{FlagKind, StoreKind, one_of, organization_schema, text, whole_number};
use crate::resources::params::{InvalidValue, Parameter, ParameterKind, Presence};

/// The type of a parameter's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum DeclaredKind {
    /// A store, sent to its vendor by its id there. The token must grant it.
    Store(Vendor),
    /// An organization, sent to its vendor by its id there, such as `O_1084`. The token must grant it.
    Organization(Vendor),
    /// A text of at most this many characters.
    Text(usize),
    /// A whole number in this range.
    Integer(RangeInclusive<u64>),
    /// `true` or `false`, sent as `1` or `0`.
    Boolean,
    /// A date, sent as `2026-11-01`.
    Date,
    /// One of these words, each with the value that is sent for it.
    OneOf(BTreeMap<String, String>),
}

/// A parameter, with the name and form in which it is sent to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredParameter {
    /// The parameter that callers may send.
    pub parameter: Parameter<DeclaredKind>,
    /// Where it is in the request, and how often.
    pub presence: Presence,
    /// The vendor's name of the parameter.
    pub wire: String,
    /// Whether its values are sent as a JSON list.
    pub is_json_list: bool,
}

/// A parsed value, before stores are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedValue {
    /// A store that must be granted and looked up.
    Store(Vendor, StoreId),
    /// An organization that must be granted.
    Organization(OrganizationId),
    /// A value that is sent to the gateway as it is.
    Value(String),
}

impl DeclaredParameter {
    /// Whether the value is a number where parameters are sent as JSON.
    pub const fn is_number(&self) -> bool {
        matches!(self.parameter.kind, DeclaredKind::Integer(_))
    }

    /// The argument with these values.
    pub fn argument(&self, values: &[String]) -> Argument {
        let value = match (self.is_json_list, self.is_number()) {
            (false, _) => values.join(","),
            (true, true) => format!("[{}]", values.join(",")),
            (true, false) => Value::from(values).to_string(),
        };
        Argument { name: self.wire.clone().into(), value, is_json: self.is_json_list || self.is_number() }
    }
}

impl ParameterKind for DeclaredKind {
    type Value = ParsedValue;

    fn parse(&self, text: &str, directory: &Directory) -> Result<ParsedValue, InvalidValue> {
        let value = match self {
            Self::Store(vendor) => return Ok(ParsedValue::Store(*vendor, directory.read(text)?)),
            Self::Organization(vendor) => return Ok(ParsedValue::Organization(OrganizationId::read(*vendor, text)?)),
            Self::Text(longest) => harmless(text, *longest)?,
            Self::Integer(range) => whole_number(text, range)?.to_string(),
            Self::Boolean => u8::from(FlagKind(None).parse(text, directory)?).to_string(),
            Self::Date => {
                let date = text.parse::<Date>().ok().map(|date| date.to_string()).filter(|date| date == text);
                date.ok_or("write a date such as 2026-11-01")?
            }
            Self::OneOf(words) => words.get(text).cloned().ok_or_else(|| one_of(words.keys().map(String::as_str)))?,
        };
        Ok(ParsedValue::Value(value))
    }

    fn schema(&self) -> ObjectBuilder {
        match self {
            Self::Store(_) => StoreKind::OF_LIST.schema(),
            Self::Organization(vendor) => organization_schema(*vendor),
            Self::Text(longest) => text().min_length(Some(1)).max_length(Some(*longest)),
            Self::Integer(range) => {
                let number = ObjectBuilder::new().schema_type(Type::Integer);
                number.minimum(Some(*range.start())).maximum(Some(*range.end()))
            }
            Self::Boolean => FlagKind(None).schema(),
            Self::Date => text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))),
            Self::OneOf(words) => text().enum_values(Some(words.keys().cloned())),
        }
    }

    fn example(&self, text: &str) -> Value {
        match self {
            Self::Integer(_) => text.parse::<u64>().map_or(Value::Null, Value::from),
            Self::Boolean => FlagKind(None).example(text),
            _ => Value::from(text),
        }
    }

    fn names_stores(&self) -> bool {
        matches!(self, Self::Store(_))
    }
}

/// Checks a text. Gateways are known to paste texts into SQL and lists, so characters that could end a text or an item
/// there are refused.
fn harmless(text: &str, longest: usize) -> Result<String, InvalidValue> {
    let dangerous = |character: char| character.is_control() || "'\"`\\;,".contains(character);
    if text.trim().is_empty() || text.chars().count() > longest {
        return Err(InvalidValue::out_of_range(format!("write 1 to {longest} characters")));
    }
    if text.contains(dangerous) {
        return Err("quotes, backslashes, semicolons, commas and control characters are not taken".into());
    }
    Ok(text.to_owned())
}
