//! A parameter of a declared resource: what callers may write, and what the gateway gets of it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::directory::{Directory, OrganizationId, StoreId};
use crate::gateway::vendor::Vendor;
use crate::resources::params::{LONGEST_LIST, Reader};

/// The longest text that is taken unless the declaration says less.
pub const LONGEST_TEXT: usize = 64;

/// What a parameter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// A store, which goes to its vendor by its number there. The token must grant it.
    Store(Vendor),
    /// An organization, which goes to its vendor by its number there, such as `O_1084`. The token must grant it.
    Organization(Vendor),
    /// A text of at most so many characters.
    Text(usize),
    /// A whole number from and to these.
    Integer(u32, u32),
    /// `true` or `false`, which goes as `1` or `0`.
    Boolean,
    /// A date, which goes as `2026-11-01`.
    Date,
    /// One of these words, and what goes to the gateway for each.
    OneOf(BTreeMap<String, String>),
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name for callers.
    pub name: String,
    /// The vendor's name of it.
    pub wire: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it stands in the path.
    pub is_in_path: bool,
    /// Whether it must be given.
    pub is_required: bool,
    /// Whether several may be given, which go separated by commas.
    pub is_list: bool,
    /// What people should know of it.
    #[serde(skip)]
    pub description: Option<String>,
    /// A value that answers.
    #[serde(skip)]
    pub example: Option<String>,
}

/// What a caller wrote, before anything is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Stores, to be granted and looked up.
    Stores(Vendor, Vec<StoreId>),
    /// An organization, to be granted.
    Organization(OrganizationId),
    /// What goes to the gateway as it is.
    Value(String),
}

impl Parameter {
    /// Whether it is a number where parameters travel as JSON.
    pub const fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Integer(..))
    }

    /// Reads it from a request; `None` when it is not given, or wrong.
    pub fn read(&'static self, reader: &mut Reader<'_>) -> Option<Given> {
        let texts = self.texts(reader);
        if matches!(self.kind, Kind::Store(_)) && !self.is_in_path {
            reader.name_stores(&self.name);
        }
        if texts.is_empty() {
            if self.is_required && !reader.has_error(&self.name) {
                reader.error(&self.name, "this parameter must be given");
            }
            return None;
        }
        // The router leaves some signs as they were sent, and none of our ids and words has one of them.
        let is_whole = |text: &String| !self.is_in_path || !text.contains(['%', '/', '\u{FFFD}']);
        if !texts.iter().all(is_whole) {
            reader.error(&self.name, "slashes, percent signs and what is not UTF-8 are not taken in the path");
            return None;
        }
        match self.given(&texts, reader.directory()) {
            Ok(given) => Some(given),
            Err(message) => {
                reader.error(&self.name, message);
                None
            }
        }
    }

    fn texts(&'static self, reader: &mut Reader<'_>) -> Vec<String> {
        if self.is_in_path {
            return vec![reader.path_text(&self.name).to_owned()];
        }
        if self.is_list {
            return reader.list(&self.name);
        }
        reader.text(&self.name).into_iter().collect()
    }

    /// What these values are for the gateway.
    ///
    /// # Errors
    /// What is wanted instead.
    pub fn given(&self, texts: &[String], directory: &Directory) -> Result<Given, String> {
        let first = texts.first().map(String::as_str).unwrap_or_default();
        match &self.kind {
            Kind::Store(gateway) => {
                let stores: Result<Vec<StoreId>, _> = texts.iter().map(|text| directory.read(text)).collect();
                Ok(Given::Stores(*gateway, stores?))
            }
            Kind::Organization(vendor) => Ok(Given::Organization(OrganizationId::read(*vendor, first)?)),
            kind => {
                let values: Result<Vec<String>, String> = texts.iter().map(|text| kind.value(text)).collect();
                Ok(Given::Value(values?.join(",")))
            }
        }
    }
}

impl Kind {
    /// What one value is for the gateway.
    fn value(&self, text: &str) -> Result<String, String> {
        match self {
            Self::Text(longest) => read_text(text, *longest),
            Self::Integer(least, most) => {
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|number| is_number && (*least..=*most).contains(number));
                let number: u32 = number.ok_or_else(|| format!("write a whole number from {least} to {most}"))?;
                Ok(number.to_string())
            }
            Self::Boolean => match text {
                "true" => Ok("1".to_owned()),
                "false" => Ok("0".to_owned()),
                _ => Err("write true or false".to_owned()),
            },
            Self::Date => {
                let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
                date.map(|date| date.to_string()).ok_or_else(|| "write a date such as 2026-11-01".to_owned())
            }
            Self::OneOf(words) => words.get(text).cloned().ok_or_else(|| {
                format!("write one of {}", words.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }),
            Self::Store(_) | Self::Organization(_) => Ok(text.to_owned()),
        }
    }
}

/// Gateways are known to paste texts into SQL and lists, so what could end a text or an item there is refused here.
fn read_text(text: &str, longest: usize) -> Result<String, String> {
    let dangerous = |character: char| character.is_control() || "'\"`\\;,".contains(character);
    if text.trim().is_empty() || text.chars().count() > longest {
        return Err(format!("write 1 to {longest} characters"));
    }
    if text.contains(dangerous) {
        return Err("quotes, backslashes, semicolons, commas and control characters are not taken".to_owned());
    }
    Ok(text.to_owned())
}

/// The most members of a list.
pub const MOST_MEMBERS: usize = LONGEST_LIST;
