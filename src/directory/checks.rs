//! Checks each line of a store directory for contradictions within itself and with earlier lines.

use std::collections::HashMap;

use csv::StringRecord;

use super::VendorNumbers;
use super::columns::{Column, empty_at_the_end, with_article};
use super::ids::StoreId;
use super::problem::RowProblem;
use super::rows::DirectoryRow;
use super::vendor_ids::{Numbered, VendorIds};

/// The state after the lines that have been read.
pub(super) struct CheckedRows<'a> {
    ids: &'a VendorIds,
    /// The column of each field.
    columns: Vec<Column>,
    pub(super) rows: Vec<DirectoryRow>,
    pub(super) problems: Vec<RowProblem>,
    /// For each id, the line and column that define it: an id leads to one store, whichever kind it is.
    meanings: HashMap<String, (u64, Column)>,
}

/// A field of a line: its number, its column and its text.
type LineField<'a> = ((usize, Column), &'a str);

impl<'a> CheckedRows<'a> {
    pub(super) fn new(ids: &'a VendorIds, columns: Vec<Column>) -> Self {
        Self { ids, columns, rows: Vec::new(), problems: Vec::new(), meanings: HashMap::new() }
    }

    pub(super) fn take(&mut self, line: u64, record: &StringRecord) {
        let columns = self.columns.len();
        let fields = record.len().min(columns.max(record.len() - empty_at_the_end(record)));
        if fields != columns {
            let what = format!("the line has {fields} fields, and the first line {columns} columns");
            return self.problems.push(RowProblem::of_line(line, what));
        }
        let before = self.problems.len();
        let id = self.id(line, record);
        let numbers = self.numbers(line, record);
        if self.problems.len() > before {
            return;
        }
        let Some(id) = id else { return };
        let name = self.field(record, Column::Name).map(|(_, name)| name.to_owned());
        let row = DirectoryRow { id, numbers, name };
        match self.flaw(&row).or_else(|| self.contradiction(line, &row)) {
            Some(what) => self.problems.push(RowProblem::of_line(line, what)),
            None => self.rows.push(row),
        }
    }

    /// The field of a column, if it is not empty.
    fn field<'r>(&self, record: &'r StringRecord, column: Column) -> Option<LineField<'r>> {
        let place = self.columns.iter().position(|own| *own == column)?;
        let text = record.get(place).filter(|text| !text.is_empty())?;
        Some(((place + 1, column), text))
    }

    fn id(&mut self, line: u64, record: &StringRecord) -> Option<StoreId> {
        if let Some(field) = self.field(record, Column::Id) {
            return self.checked(line, field);
        }
        let place = self.columns.iter().position(|column| *column == Column::Id).unwrap_or_default();
        let at = (place + 1, Column::Id);
        self.problems.push(RowProblem::of_field(line, at, "every store needs an id"));
        None
    }

    fn numbers(&mut self, line: u64, record: &StringRecord) -> VendorNumbers {
        let mut numbers = VendorNumbers::default();
        for (vendor, ids) in self.ids.columns() {
            let Some((at, text)) = self.field(record, Column::Number(vendor)) else { continue };
            let Some(id) = self.checked(line, (at, text)) else { continue };
            if let Some(number) = ids.form.number(id.as_str()) {
                numbers.set(vendor, ids.form.full(number));
                continue;
            }
            let (text, title, form) = (shown(text), &vendor.pack().title, ids.form.described());
            let what = format!("`{text}` is no id of {title}: write {form}, such as {}", ids.form.example);
            self.problems.push(RowProblem::of_field(line, at, what));
        }
        numbers
    }

    fn checked(&mut self, line: u64, (at, text): LineField<'_>) -> Option<StoreId> {
        let problem = |error| RowProblem::of_field(line, at, format!("`{}`: {error}", shown(text)));
        self.ids.store(text).map_err(|error| self.problems.push(problem(error))).ok()
    }

    /// The problem of a row by itself.
    fn flaw(&self, row: &DirectoryRow) -> Option<String> {
        if row.numbers.is_empty() {
            let columns = self.ids.columns().map(|(_, ids)| with_article(&ids.column)).collect::<Vec<_>>();
            let columns = columns.join(" nor ");
            return Some(format!("the store has neither {columns}: fill in one of them, or leave the line out"));
        }
        let is_of_another = |(vendor, ids): &Numbered| {
            let (id, form) = (row.id.as_str(), &ids.form);
            form.behind_prefix(id).is_some() && form.number(id).is_some() && row.numbers.at(*vendor) != Some(id)
        };
        let (_, ids) = self.ids.used_columns().find(is_of_another)?;
        let column = with_article(&ids.column);
        Some(format!("the id `{}` has the form of {column}, and is not the one of this store", row.id))
    }

    /// Checks that each id leads to one store, and names the lines that contradict each other.
    fn contradiction(&mut self, line: u64, row: &DirectoryRow) -> Option<String> {
        let mut own = vec![(row.id.to_string(), Column::Id)];
        for (vendor, ids) in self.ids.columns() {
            let Some(number) = row.numbers.at(vendor) else { continue };
            let bare = ids.form.bare(number).filter(|bare| self.ids.number_in((vendor, ids), bare) == Some(bare));
            let texts = bare.filter(|bare| *bare != number).into_iter().chain([number]);
            own.extend(texts.map(|text| (text.to_owned(), Column::Number(vendor))));
        }
        for (text, column) in own {
            match self.meanings.get(&text) {
                Some((other, as_what)) if *other != line => {
                    return Some(format!(
                        "`{text}` is the {column} of this store, and the {as_what} of the one in line {other}: an id must lead \
                         to one store"
                    ));
                }
                Some(_) => {}
                None => drop(self.meanings.insert(text, (line, column))),
            }
        }
        None
    }
}

/// Shortens a field for a message and removes terminal control characters.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let end = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    text.chars().take(LONGEST).map(|one| if one.is_control() { '\u{fffd}' } else { one }).chain(end.chars()).collect()
}
