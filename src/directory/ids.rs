//! Ids as callers write them, checked against a strict grammar before they go anywhere. The shape of a store's id tells
//! its vendor where the directory does not: `S_…` and digits are OPRetail's, anything else is an OMS code.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The longest id that is taken.
const LONGEST: usize = 32;
const GRAMMAR: &str = "an id has 1 to 32 letters, digits, `_`, `-` or `.`";
const PREFIX: &str = "S_";
const NO_NUMBER: &str = "`S_` is followed by a store's number, such as S_123456";

/// A store's id: an OMS is known to paste codes into SQL. `S_` alone is the id of no store at either vendor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct StoreId(String);

impl StoreId {
    /// The id as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_grammar(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An organization's number at OPRetail, from `O_1084` or `1084`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationId(String);

impl OrganizationId {
    /// The digits alone.
    pub fn number(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganizationId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("O_").unwrap_or(text);
        // The vendor gives `orgid` eleven digits.
        let valid = (1..=11).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if valid {
            Ok(Self(digits.to_owned()))
        } else {
            Err("an organization id is O_ and up to 11 digits, such as O_1084")
        }
    }
}

/// Written with its prefix.
impl fmt::Display for OrganizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "O_{}", self.0)
    }
}

/// OPRetail's number without its prefix, if this looks like one.
pub(super) fn opretail_number(id: &str) -> Option<&str> {
    let bare = id.strip_prefix(PREFIX);
    let number = bare.unwrap_or(id);
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    (!number.is_empty() && (bare.is_some() || digits)).then_some(number)
}

fn check_grammar(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let valid = (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed);
    match valid {
        true if text == PREFIX => Err(NO_NUMBER),
        true => Ok(()),
        false => Err(GRAMMAR),
    }
}

#[cfg(test)]
mod tests {
    use super::{OrganizationId, StoreId};

    #[test]
    fn an_id_with_anything_else_in_it_is_refused() {
        let long = "A".repeat(33);
        for id in ["", "S_", "A'B", "A B", "a/b", "店", "A;", "A,B", &long] {
            assert!(id.parse::<StoreId>().is_err(), "{id}");
        }
    }

    #[test]
    fn an_organization_id_is_digits_with_or_without_prefix() {
        assert_eq!("O_1084".parse::<OrganizationId>().unwrap().to_string(), "O_1084");
        assert_eq!("1084".parse::<OrganizationId>().unwrap().number(), "1084");
        for id in ["O_", "O_1a", "S_1", "123456789012"] {
            assert!(id.parse::<OrganizationId>().is_err(), "{id}");
        }
    }
}
