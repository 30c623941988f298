//! Reports what a store directory maps and what it does not, alone and compared with a vendor's list of stores.

use std::fmt::Write as _;

use crate::directory::{Directory, DirectoryRow, with_article};
use crate::gateway::vendor::StoreIds;
use crate::resources::stores::listing::{self, ListedStore};

/// The most entries of a list that are shown.
const MOST_SHOWN: usize = 20;

/// The mapped and unmapped stores of a directory.
pub struct DirectoryReport {
    stores: usize,
    /// The number of stores that have a number at each vendor.
    complete: usize,
    /// For each vendor at which the tenant has an account: the form of its store ids, and the stores without one.
    without: Vec<(&'static StoreIds, Vec<String>)>,
    compared: bool,
    /// Codes of the directory that the vendor does not list.
    pub unknown_codes: Vec<String>,
    /// Codes that the vendor lists and the directory lacks.
    pub unmapped: Vec<String>,
}

impl DirectoryReport {
    /// Creates the report of a directory alone.
    pub fn of(directory: &Directory) -> Self {
        let rows = directory.rows();
        let columns = directory.ids().account_columns();
        let is_complete = |row: &&DirectoryRow| columns.iter().all(|(vendor, _)| row.numbers.at(*vendor).is_some());
        let without = columns.iter().map(|(vendor, ids)| {
            let rows = rows.iter().filter(|row| row.numbers.at(*vendor).is_none());
            (*ids, rows.map(|row| row.id.to_string()).collect())
        });
        Self {
            stores: rows.len(),
            complete: rows.iter().filter(is_complete).count(),
            without: without.collect(),
            compared: false,
            unknown_codes: Vec::new(),
            unmapped: Vec::new(),
        }
    }

    /// Compares the directory with the vendor's list of stores.
    pub fn compare(&mut self, directory: &Directory, listed: &[ListedStore]) {
        let codes = directory.rows().iter().filter_map(|row| row.numbers.at(listing::vendor()));
        let is_listed = |code: &&str| listed.iter().any(|store| store.code == *code);
        self.unknown_codes = codes.filter(|code| !is_listed(code)).map(str::to_owned).collect();
        let mapped = |store: &&ListedStore| directory.has_number(listing::vendor(), &store.code);
        let unmapped = listed.iter().filter(|store| !mapped(store));
        self.unmapped = unmapped.map(|store| named(&store.code, store.name.as_deref())).collect();
        self.compared = true;
    }
}

impl std::fmt::Display for DirectoryReport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let vendors = match self.without.len() {
            1 => "the company's vendor".to_owned(),
            2 => "both vendors".to_owned(),
            more => format!("all {more} vendors"),
        };
        let mut text = format!("{} stores, {} of them with a number at {vendors}\n", self.stores, self.complete);
        let without = self.without.iter().map(|(ids, stores)| {
            let needed_for = ids.needed_for.iter().map(|what| format!(" (no {what})")).collect::<String>();
            (format!("without {}{needed_for}", with_article(&ids.column)), stores)
        });
        let pack = listing::vendor().pack();
        let (title, column) = (&pack.title, pack.store_ids.as_ref().map_or("", |ids| ids.column.as_str()));
        let compared = [
            (format!("whose {column} is not that of any store at {title}"), &self.unknown_codes),
            (format!("at {title} that are not in the directory"), &self.unmapped),
        ];
        for (what, stores) in without.chain(compared).filter(|(_, stores)| !stores.is_empty()) {
            writeln!(text, "{} {what}: {}", stores.len(), shown(stores))?;
        }
        if self.compared && self.unknown_codes.is_empty() && self.unmapped.is_empty() {
            writeln!(text, "every store of {title} is in the directory")?;
        }
        formatter.write_str(text.trim_end())
    }
}

fn named(code: &str, name: Option<&str>) -> String {
    name.map_or_else(|| code.to_owned(), |name| format!("{code} ({name})"))
}

/// Writes a list for people; a long one is cut.
pub fn shown(stores: &[String]) -> String {
    let first = stores.iter().take(MOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match stores.len().saturating_sub(MOST_SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
