//! Reads a store directory as a CSV file (RFC 4180, or as spreadsheets write it): a header line with the names of the
//! columns, and a line for each store. All problems are found at once.

use csv::{ReaderBuilder, Trim};

use super::checks::CheckedRows;
use super::ids::StoreId;
use super::lines::{LineCounter, separator};
use super::problem::RowProblem;
use super::vendor_ids::VendorIds;
use super::{VendorNumbers, columns, encoding};

/// The most problems that are reported; the first ones show the cause.
const MOST_PROBLEMS: usize = 20;

/// A store of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRow {
    /// The tenant's own id.
    pub id: StoreId,
    /// The numbers at the vendors.
    pub numbers: VendorNumbers,
    /// The name, for people.
    pub name: Option<String>,
}

/// Reads the rows of a directory from a file, in any encoding in which a spreadsheet may have saved it.
///
/// # Errors
/// The first twenty problems, by line and column.
pub fn read_file(content: &[u8], ids: &VendorIds) -> Result<Vec<DirectoryRow>, Vec<RowProblem>> {
    read(&encoding::text(content).map_err(|problem| vec![problem])?, ids)
}

/// Reads the rows of a directory. Fields are separated by commas, semicolons or tabs, whichever the header line uses.
///
/// # Errors
/// The first twenty problems, by line and column.
pub fn read(text: &str, ids: &VendorIds) -> Result<Vec<DirectoryRow>, Vec<RowProblem>> {
    let (separator, table) = separator(text);
    let mut lines = LineCounter::of(text, table);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(separator)
        .from_reader(table.as_bytes());
    let mut records = reader.records();
    let first = match records.next() {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(vec![not_csv(lines.at(error.position()))]),
        None => return Err(vec![RowProblem::of_line(1, columns::header(ids))]),
    };
    let columns = columns::read(&first, lines.at(first.position()), ids)?;
    let mut checked = CheckedRows::new(ids, columns);
    for record in records {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => checked.take(lines.at(record.position()), &record),
            Err(error) => checked.problems.push(not_csv(lines.at(error.position()))),
        }
        if checked.problems.len() >= MOST_PROBLEMS {
            break;
        }
    }
    if checked.problems.is_empty() { Ok(checked.rows) } else { Err(checked.problems) }
}

fn not_csv(line: u64) -> RowProblem {
    RowProblem::of_line(line, "the line is not CSV: is a quote missing?")
}

#[cfg(test)]
mod tests;
