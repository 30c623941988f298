//! A store and its numbers at the vendors.

use super::rows::DirectoryRow;
use crate::gateway::vendor::Vendor;

/// The known numbers of a store, each with its prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorNumbers(Vec<(Vendor, String)>);

impl VendorNumbers {
    /// Creates the numbers of a store with a single one.
    pub fn of(vendor: Vendor, number: String) -> Self {
        Self(vec![(vendor, number)])
    }

    /// The number at a vendor, in the form that its gateway accepts.
    pub fn at(&self, vendor: Vendor) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == vendor).map(|(_, number)| number.as_str())
    }

    /// Whether no number is known.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn set(&mut self, vendor: Vendor, number: String) {
        self.0.push((vendor, number));
    }
}

/// A store with its known numbers at the vendors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreNumbers {
    /// The id in responses: the tenant's own if the directory has it, else the vendor's.
    pub id: String,
    /// The numbers.
    pub numbers: VendorNumbers,
}

impl StoreNumbers {
    /// The number at a vendor, in the form that its gateway accepts.
    pub fn at(&self, vendor: Vendor) -> Option<&str> {
        self.numbers.at(vendor)
    }

    /// Every id under which the store may be granted or cached.
    pub fn all(&self) -> Vec<&str> {
        std::iter::once(self.id.as_str()).chain(self.numbers.0.iter().map(|(_, number)| number.as_str())).collect()
    }
}

impl From<&DirectoryRow> for StoreNumbers {
    fn from(row: &DirectoryRow) -> Self {
        Self { id: row.id.to_string(), numbers: row.numbers.clone() }
    }
}
