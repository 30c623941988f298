//! Which of our store ids is which vendor's number: a directory for each company, from a CSV file, in which a store is
//! found by the company's id, by its id at OPRetail and by its code at the OMS.
//!
//! A store that no directory knows is found by the shape of its id alone.

mod current;
mod encoding;
mod ids;
mod problem;
mod rows;
mod settings;

use std::collections::HashMap;

pub use current::{CurrentDirectories, Directories};
pub use ids::{OrganizationId, StoreId};
pub use problem::{Place, RowProblem};
pub use rows::{Column, Row, read, read_file};
pub use settings::DirectorySettings;

use crate::gateway::vendor::Vendor;
use crate::settings::SettingsDigest;
use ids::opretail_number;

/// A store and its numbers at the vendors, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreNumbers {
    /// The id that answers give: the company's own where the directory has it, else the vendor's.
    pub id: String,
    /// At OPRetail, with its prefix: `S_123456`.
    pub opretail: Option<String>,
    /// At the OMS: `SHOP001`.
    pub oms: Option<String>,
}

impl StoreNumbers {
    /// The number at a vendor, as its gateway takes it.
    pub fn at(&self, vendor: Vendor) -> Option<String> {
        match vendor.pack().store_ids.as_ref()?.column.as_str() {
            "opretail_id" => self.opretail.clone(),
            "oms_code" => self.oms.clone(),
            _ => None,
        }
    }

    /// Every id under which the store may be granted or cached.
    pub fn all(&self) -> Vec<&str> {
        [Some(self.id.as_str()), self.opretail.as_deref(), self.oms.as_deref()].into_iter().flatten().collect()
    }
}

/// The directory of one company's stores.
#[derive(Debug, Default)]
pub struct Directory {
    rows: Vec<Row>,
    /// Where the row of an id is, whichever of its ids that is; OPRetail's without its prefix.
    places: HashMap<Name, usize>,
    version: SettingsDigest,
}

/// What a row is found by. A code of digits is not OPRetail's number of the same digits.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Name {
    Own(String),
    OpRetail(String),
    Oms(String),
}

impl Directory {
    /// A directory of rows that [`read`] has found to be without contradictions.
    pub fn new(rows: Vec<Row>) -> Self {
        let mut places = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            places.insert(Name::Own(row.id.to_string()), place);
            places.extend(row.opretail.iter().map(|number| (Name::OpRetail(number.clone()), place)));
            places.extend(row.oms.iter().map(|code| (Name::Oms(code.to_string()), place)));
        }
        Self { version: SettingsDigest::of(&rows), rows, places }
    }

    /// A store, by whichever of its ids this is.
    pub fn find(&self, id: &StoreId) -> StoreNumbers {
        self.row(id).map_or_else(|| by_shape(id), StoreNumbers::from)
    }

    /// The store with this code at the OMS, whatever the code looks like; `None` when no id leads to it.
    pub fn find_by_oms_code(&self, code: &str) -> Option<StoreNumbers> {
        if let Some(row) = self.at(&Name::Oms(code.to_owned())) {
            return Some(row.into());
        }
        let numbers = self.find(&code.parse().ok()?);
        (numbers.oms.as_deref() == Some(code)).then_some(numbers)
    }

    /// Whether a row has this code at the OMS.
    pub fn has_oms_code(&self, code: &str) -> bool {
        self.at(&Name::Oms(code.to_owned())).is_some()
    }

    /// The store with this id at OPRetail, with its prefix.
    pub fn find_by_opretail_id(&self, id: &str) -> Option<StoreNumbers> {
        self.at(&Name::OpRetail(opretail_number(id)?.to_owned())).map(StoreNumbers::from)
    }

    /// Whether a row has this id.
    pub fn knows(&self, id: &StoreId) -> bool {
        self.row(id).is_some()
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The same for directories of the same rows. Answers that tell ids of many stores are kept under it.
    pub const fn version(&self) -> SettingsDigest {
        self.version
    }

    /// The row of a store, by whichever of its ids this is.
    pub fn row(&self, id: &StoreId) -> Option<&Row> {
        let text = id.as_str();
        self.at(&Name::Own(text.to_owned()))
            .or_else(|| self.at(&Name::OpRetail(opretail_number(text)?.to_owned())))
            .or_else(|| self.at(&Name::Oms(text.to_owned())))
    }

    fn at(&self, name: &Name) -> Option<&Row> {
        self.rows.get(*self.places.get(name)?)
    }
}

impl From<&Row> for StoreNumbers {
    fn from(row: &Row) -> Self {
        Self { id: row.id.to_string(), opretail: row.opretail_id(), oms: row.oms.as_ref().map(StoreId::to_string) }
    }
}

fn by_shape(id: &StoreId) -> StoreNumbers {
    match opretail_number(id.as_str()) {
        Some(number) => {
            let id = format!("S_{number}");
            StoreNumbers { id: id.clone(), opretail: Some(id), oms: None }
        }
        None => StoreNumbers { id: id.to_string(), opretail: None, oms: Some(id.to_string()) },
    }
}

#[cfg(test)]
mod tests;
