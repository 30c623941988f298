//! Maps store ids to vendors' numbers: each tenant has a directory, read from a CSV file, in which a store is found by
//! the tenant's own id and by its number at each vendor.
//!
//! A store that is in no directory is found by the shape of its id. Packs define the shapes; no vendor is named here.

mod checks;
mod columns;
mod current;
mod encoding;
mod ids;
mod lines;
mod numbers;
mod problem;
mod rows;
mod settings;
mod vendor_ids;

use std::borrow::Cow;
use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

pub use columns::{Column, with_article};
pub use current::{CurrentDirectories, Directories};
pub use ids::{OrganizationId, StoreId};
pub use numbers::{StoreNumbers, VendorNumbers};
pub use problem::{FilePosition, RowProblem};
pub use rows::{DirectoryRow, read, read_file};
pub use settings::DirectorySection;
pub use settings::DirectorySettings;
pub use vendor_ids::VendorIds;

use crate::gateway::vendor::Vendor;
use crate::settings::SettingsDigest;
use vendor_ids::Numbered;

/// The directory of one tenant's stores.
#[derive(Debug, Default)]
pub struct Directory {
    ids: VendorIds,
    rows: Vec<DirectoryRow>,
    /// The index of the row for each of the tenant's own ids.
    places: HashMap<String, usize>,
    /// The index of the row for each number of a vendor, without its prefix, by column: equal digits may be different
    /// numbers at two vendors.
    by_number: Vec<HashMap<String, usize>>,
    /// A digest that is equal for directories with equal rows. It is part of the cache keys of responses with ids of
    /// many stores.
    pub version: SettingsDigest,
}

impl Directory {
    /// Creates a directory of rows that [`read`] has found to be free of contradictions.
    pub fn new(rows: Vec<DirectoryRow>, ids: &VendorIds) -> Self {
        let places = rows.iter().enumerate().map(|(place, row)| (row.id.to_string(), place)).collect();
        let of_column = |(vendor, ids): Numbered| {
            let numbers = rows.iter().enumerate().filter_map(|(place, row)| {
                let number = ids.form.bare(row.numbers.at(vendor)?)?;
                Some((number.to_owned(), place))
            });
            numbers.collect()
        };
        let by_number = ids.columns().map(of_column).collect();
        let written: Vec<VersionedRow<'_>> = rows.iter().map(|row| VersionedRow { row, ids }).collect();
        Self { version: ids.version_of(&written), places, by_number, ids: ids.clone(), rows }
    }

    /// Reads a store id that a caller wrote.
    ///
    /// # Errors
    /// It is neither in the directory nor an id that a vendor could have given.
    pub fn read(&self, text: &str) -> Result<StoreId, String> {
        let id = self.ids.store(text)?;
        match self.ids.flaw(&id).filter(|_| !self.knows(&id)) {
            Some(flaw) => Err(flaw),
            None => Ok(id),
        }
    }

    /// Finds a store by any of its ids.
    pub fn find(&self, id: &StoreId) -> StoreNumbers {
        self.row(id).map_or_else(|| self.by_shape(id), StoreNumbers::from)
    }

    /// The id that responses use for the store to which this id leads.
    pub fn id_of<'a>(&'a self, id: &'a StoreId) -> Cow<'a, str> {
        match self.row(id) {
            Some(row) => row.id.as_str().into(),
            None => self.ids.by_shape(id.as_str()).map_or(id.as_str().into(), |(_, number)| number.into()),
        }
    }

    /// Finds the store with this number at a vendor, whatever the number looks like; `None` when no id leads to it.
    pub fn find_by_number(&self, vendor: Vendor, number: &str) -> Option<StoreNumbers> {
        if let Some(row) = self.row_with(vendor, number) {
            return Some(row.into());
        }
        let numbers = self.find(&number.parse().ok()?);
        (numbers.at(vendor) == Some(number)).then_some(numbers)
    }

    /// Whether a row has this number at a vendor.
    pub fn has_number(&self, vendor: Vendor, number: &str) -> bool {
        self.row_with(vendor, number).is_some()
    }

    /// Whether a row has this id.
    pub fn knows(&self, id: &StoreId) -> bool {
        self.row(id).is_some()
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[DirectoryRow] {
        &self.rows
    }

    /// The shapes of vendors' ids.
    pub const fn ids(&self) -> &VendorIds {
        &self.ids
    }

    /// Finds the row of a store by any of its ids.
    pub fn row(&self, id: &StoreId) -> Option<&DirectoryRow> {
        let id = id.as_str();
        let by_number = || {
            let mut columns = self.ids.columns().zip(&self.by_number);
            columns.find_map(|(column, places)| places.get(self.ids.number_in(column, id)?))
        };
        self.rows.get(*self.places.get(id).or_else(by_number)?)
    }

    fn row_with(&self, vendor: Vendor, number: &str) -> Option<&DirectoryRow> {
        let mut columns = self.ids.columns().zip(&self.by_number);
        let ((_, ids), places) = columns.find(|((own, _), _)| *own == vendor)?;
        self.rows.get(*places.get(ids.form.bare(number)?)?)
    }

    fn by_shape(&self, id: &StoreId) -> StoreNumbers {
        match self.ids.by_shape(id.as_str()) {
            Some((vendor, number)) => StoreNumbers { id: number.clone(), numbers: VendorNumbers::of(vendor, number) },
            None => StoreNumbers { id: id.to_string(), numbers: VendorNumbers::default() },
        }
    }
}

/// A row as input of the version: the numbers by vendor, without prefixes.
struct VersionedRow<'a> {
    row: &'a DirectoryRow,
    ids: &'a VendorIds,
}

impl Serialize for VersionedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.row.id)?;
        for (vendor, ids) in self.ids.columns() {
            map.serialize_entry(vendor.name(), &self.row.numbers.at(vendor).and_then(|number| ids.form.bare(number)))?;
        }
        map.serialize_entry("name", &self.row.name)?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
