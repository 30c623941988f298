//! What a store directory maps and what it does not, alone and beside the stores of the OMS.

use std::fmt::Write as _;

use crate::directory::{Directory, Row, StoreId};
use crate::resources::stores::listing::ListedStore;

/// Of longer lists the first are shown.
const MOST_SHOWN: usize = 20;

/// What a directory maps and what it does not.
pub struct Report {
    stores: usize,
    without_opretail: Vec<String>,
    without_oms: Vec<String>,
    compared: bool,
    /// Of the directory, and no store of the OMS has them.
    pub unknown_codes: Vec<String>,
    /// Of the OMS, and the directory does not have them.
    pub unmapped: Vec<String>,
}

impl Report {
    /// Of a directory alone.
    pub fn of(directory: &Directory) -> Self {
        let rows = directory.rows();
        let ids =
            |lacks: fn(&Row) -> bool| rows.iter().filter(|row| lacks(row)).map(|row| row.id.to_string()).collect();
        Self {
            stores: rows.len(),
            without_opretail: ids(|row| row.opretail.is_none()),
            without_oms: ids(|row| row.oms.is_none()),
            compared: false,
            unknown_codes: Vec::new(),
            unmapped: Vec::new(),
        }
    }

    /// The same beside the stores of the OMS.
    pub fn compare(&mut self, directory: &Directory, listed: &[ListedStore]) {
        let codes = directory.rows().iter().filter_map(|row| row.oms.as_ref());
        let is_listed = |code: &&StoreId| listed.iter().any(|store| store.code == code.as_str());
        self.unknown_codes = codes.filter(|code| !is_listed(code)).map(StoreId::to_string).collect();
        let mapped = |store: &&ListedStore| directory.has_oms_code(&store.code);
        let unmapped = listed.iter().filter(|store| !mapped(store));
        self.unmapped = unmapped.map(|store| named(&store.code, store.name.as_deref())).collect();
        self.compared = true;
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let both = self.stores.saturating_sub(self.without_opretail.len() + self.without_oms.len());
        let mut text = format!("{} stores, {both} of them with a number at both vendors\n", self.stores);
        for (what, stores) in [
            ("without an opretail_id (no flow, demographics and inspections)", &self.without_opretail),
            ("without an oms_code (no address and status)", &self.without_oms),
            ("whose oms_code is not that of any store at the OMS", &self.unknown_codes),
            ("at the OMS that are not in the directory", &self.unmapped),
        ] {
            if !stores.is_empty() {
                writeln!(text, "{} {what}: {}", stores.len(), shown(stores))?;
            }
        }
        if self.compared && self.unknown_codes.is_empty() && self.unmapped.is_empty() {
            text.push_str("every store of the OMS is in the directory\n");
        }
        formatter.write_str(text.trim_end())
    }
}

fn named(code: &str, name: Option<&str>) -> String {
    name.map_or_else(|| code.to_owned(), |name| format!("{code} ({name})"))
}

/// A list for people: the first of a long one.
pub fn shown(stores: &[String]) -> String {
    let first = stores.iter().take(MOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match stores.len().saturating_sub(MOST_SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
