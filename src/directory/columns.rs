//! The columns of a store directory: the tenant's own ids, one for each vendor that numbers stores, and names.

use std::fmt;

use csv::StringRecord;

use super::problem::RowProblem;
use super::vendor_ids::VendorIds;
use crate::gateway::vendor::Vendor;
use crate::settings::nearest;

/// A column of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// `id`: the tenant's own ids.
    Id,
    /// A vendor's numbers.
    Number(Vendor),
    /// `name`: names for people.
    Name,
}

impl Column {
    /// The name in the header line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Number(vendor) => vendor.pack().store_ids.as_ref().map_or("", |ids| &ids.column),
            Self::Name => "name",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The name of a column with its article.
pub fn with_article(column: &str) -> String {
    let article = if column.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {column}")
}

/// The description of the header line for error texts.
pub(super) fn header(ids: &VendorIds) -> String {
    let names = ids.column_names().join(",");
    format!("the first line names the columns: {names} (separated by commas, semicolons or tabs)")
}

/// Reads the header line into the column of each field. Spreadsheets may leave unnamed fields at its end.
pub(super) fn read(first: &StringRecord, line: u64, ids: &VendorIds) -> Result<Vec<Column>, Vec<RowProblem>> {
    let refused = |what: String| Err(vec![RowProblem::of_line(line, what)]);
    let numbers = ids.columns().map(|(vendor, _)| Column::Number(vendor));
    let all: Vec<Column> = [Column::Id].into_iter().chain(numbers).chain([Column::Name]).collect();
    let mut columns = Vec::new();
    for (place, name) in first.iter().take(first.len() - empty_at_the_end(first)).enumerate() {
        let Some(column) = all.iter().find(|column| column.name().eq_ignore_ascii_case(name)) else {
            let near = nearest(name, all.iter().map(|column| column.name()));
            let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            // The content is not shown: the file may be another one that holds a secret.
            return refused(format!("name {} is none of the columns{hint}; {}", place + 1, header(ids)));
        };
        if columns.contains(column) {
            return refused(format!("the column `{column}` is there twice"));
        }
        columns.push(*column);
    }
    if columns.contains(&Column::Id) { Ok(columns) } else { refused(header(ids)) }
}

/// The number of empty fields at the end of a line.
pub(super) fn empty_at_the_end(record: &StringRecord) -> usize {
    record.iter().rev().take_while(|field| field.is_empty()).count()
}
