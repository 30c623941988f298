//! The ids that callers write, checked against a strict grammar before they are used.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::gateway::vendor::Vendor;

/// The longest id that is accepted, in characters.
const LONGEST: usize = 32;
const GRAMMAR: &str = "an id has 1 to 32 letters, digits, `_`, `-` or `.`";

/// A store's id. Its grammar is strict because a vendor may paste codes into SQL.
/// [`VendorIds::store`](super::VendorIds::store) reads one that a caller writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct StoreId(String);

impl StoreId {
    /// The id as the caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks only the grammar of an id.
impl FromStr for StoreId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let valid = (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed);
        if valid { Ok(Self(text.to_owned())) } else { Err(GRAMMAR) }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An organization's number at a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationId {
    vendor: Vendor,
    number: String,
}

impl OrganizationId {
    /// Reads the number of an organization at this vendor, with or without its prefix.
    ///
    /// # Errors
    /// It is not a number of this vendor; the text says how one is written.
    pub fn read(vendor: Vendor, text: &str) -> Result<Self, String> {
        let Some(ids) = &vendor.pack().organization_ids else {
            return Err(format!("{vendor} has no organizations"));
        };
        match ids.form.number(text) {
            Some(number) => Ok(Self { vendor, number: number.to_owned() }),
            None => Err(format!("an organization id is {}, such as {}", ids.form.described(), ids.form.example)),
        }
    }

    /// The vendor of the organization.
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// The number without its prefix.
    pub fn number(&self) -> &str {
        &self.number
    }
}

/// Writes the number with its prefix.
impl fmt::Display for OrganizationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.vendor.pack().organization_ids.as_ref().map_or("", |ids| ids.form.prefix.as_str());
        write!(formatter, "{prefix}{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::{OrganizationId, StoreId};
    use crate::vendors::Vendors;

    #[test]
    fn an_id_with_anything_else_in_it_is_refused() {
        let long = "A".repeat(33);
        let ids = Vendors::default().ids();
        for id in ["", "S_", "A'B", "A B", "a/b", "店", "A;", "A,B", &long] {
            assert!(ids.store(id).is_err(), "{id}");
            assert!(id == "S_" || id.parse::<StoreId>().is_err(), "{id}");
        }
        assert_eq!(ids.store("S_").unwrap_err(), "`S_` is followed by a store's number, such as S_123456");
    }

    #[test]
    fn an_organization_id_is_digits_with_or_without_prefix() {
        let vendor = Vendors::default().get("opretail").unwrap();
        assert_eq!(OrganizationId::read(vendor, "O_1084").unwrap().to_string(), "O_1084");
        assert_eq!(OrganizationId::read(vendor, "1084").unwrap().number(), "1084");
        for id in ["O_", "O_1a", "S_1", "123456789012"] {
            let refused = OrganizationId::read(vendor, id).unwrap_err();
            assert_eq!(refused, "an organization id is O_ and up to 11 digits, such as O_1084", "{id}");
        }
    }
}
