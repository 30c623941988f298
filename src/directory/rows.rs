//! A store directory as a CSV file (RFC 4180): a first line with the names of the columns, and a line for each store.
//! Everything that is wrong with it is found at once.

use std::collections::HashMap;
use std::fmt;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Serialize;

use super::ids::{StoreId, opretail_number};
use super::problem::RowProblem;
use crate::settings::nearest;

/// Spreadsheets begin a text in UTF-8 with it.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// More are not told: the first ones show what is wrong.
const MOST_PROBLEMS: usize = 20;

/// A column of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// `id`: the company's own.
    Id,
    /// `opretail_id`: `S_123456`, or the digits alone.
    OpRetailId,
    /// `oms_code`.
    OmsCode,
    /// `name`: for people.
    Name,
}

impl Column {
    const ALL: [Self; 4] = [Self::Id, Self::OpRetailId, Self::OmsCode, Self::Name];

    /// The name in the first line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::OpRetailId => "opretail_id",
            Self::OmsCode => "oms_code",
            Self::Name => "name",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A store of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The company's own id.
    pub id: StoreId,
    /// OPRetail's number, without its prefix.
    pub opretail: Option<String>,
    /// The OMS's code.
    pub oms: Option<StoreId>,
    /// The name, for people.
    pub name: Option<String>,
}

/// Reads the rows of a directory.
///
/// # Errors
/// What is wrong with it, by line and column; the first twenty.
pub fn read(text: &str) -> Result<Vec<Row>, Vec<RowProblem>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let mut records = reader.records();
    let first = match records.next() {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(vec![not_csv(&error)]),
        None => return Err(vec![RowProblem::of_line(1, HEADER)]),
    };
    let columns = columns(&first)?;
    let mut found = Found::default();
    for record in records {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => found.take(&columns, &record),
            Err(error) => found.problems.push(not_csv(&error)),
        }
        if found.problems.len() >= MOST_PROBLEMS {
            break;
        }
    }
    if found.problems.is_empty() { Ok(found.rows) } else { Err(found.problems) }
}

const HEADER: &str = "the first line names the columns: id,opretail_id,oms_code,name (separated by commas)";

fn not_csv(error: &csv::Error) -> RowProblem {
    let line = error.position().map_or(1, csv::Position::line);
    RowProblem::of_line(line, "the line is not CSV: is a quote missing?")
}

/// Which column each field of a line is.
fn columns(first: &StringRecord) -> Result<Vec<Column>, Vec<RowProblem>> {
    let mut columns = Vec::new();
    for (place, name) in first.iter().enumerate() {
        let Some(column) = Column::ALL.into_iter().find(|column| column.name() == name) else {
            let near = nearest(name, Column::ALL.iter().map(|column| column.name()));
            let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            // What stands there is not shown: the file may be another one, with a secret in it.
            let what = format!("name {} is none of the columns{hint}; {HEADER}", place + 1);
            return Err(vec![RowProblem::of_line(1, what)]);
        };
        if columns.contains(&column) {
            return Err(vec![RowProblem::of_line(1, format!("the column `{name}` is there twice"))]);
        }
        columns.push(column);
    }
    if columns.contains(&Column::Id) { Ok(columns) } else { Err(vec![RowProblem::of_line(1, HEADER)]) }
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    problems: Vec<RowProblem>,
    /// What has been said of each id, and in which line: ids lead to one store, whichever kind they are.
    meanings: HashMap<String, (u64, Column)>,
}

impl Found {
    fn take(&mut self, columns: &[Column], record: &StringRecord) {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            let what = format!("the line has {} fields, and the first line {} columns", record.len(), columns.len());
            return self.problems.push(RowProblem::of_line(line, what));
        }
        let field = |wanted| columns.iter().position(|column| *column == wanted).map(|place| (place + 1, wanted));
        let text = |at: Option<(usize, Column)>| {
            at.and_then(|(number, _)| record.get(number - 1)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (id, opretail, oms, name) =
            (field(Column::Id), field(Column::OpRetailId), field(Column::OmsCode), field(Column::Name));
        let before = self.problems.len();
        let id = self.id(line, id, text(id));
        let opretail = self.opretail(line, opretail, text(opretail));
        let oms = self.oms(line, oms, text(oms));
        if self.problems.len() > before {
            return;
        }
        if opretail.is_none() && oms.is_none() {
            let what =
                "the store has neither an opretail_id nor an oms_code: fill in one of them, or leave the line out";
            return self.problems.push(RowProblem::of_line(line, what));
        }
        let Some(id) = id else { return };
        if let Some(number) = id.as_str().strip_prefix("S_")
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && opretail.as_deref() != Some(number)
        {
            let what = format!("the id `{id}` has the form of an opretail_id, and is not the one of this store");
            return self.problems.push(RowProblem::of_line(line, what));
        }
        self.give_meaning(line, &id, opretail.as_deref(), oms.as_ref());
        self.rows.push(Row { id, opretail, oms, name: text(name) });
    }

    fn id(&mut self, line: u64, at: Option<(usize, Column)>, text: Option<String>) -> Option<StoreId> {
        match (at, text) {
            (Some(at), Some(text)) => self.checked(line, at, &text),
            (Some(at), None) => {
                self.problems.push(RowProblem::of_field(line, at, "every store needs an id"));
                None
            }
            (None, _) => None,
        }
    }

    fn oms(&mut self, line: u64, at: Option<(usize, Column)>, text: Option<String>) -> Option<StoreId> {
        self.checked(line, at?, &text?)
    }

    fn checked(&mut self, line: u64, at: (usize, Column), text: &str) -> Option<StoreId> {
        text.parse()
            .map_err(|error| self.problems.push(RowProblem::of_field(line, at, format!("`{}`: {error}", shown(text)))))
            .ok()
    }

    fn opretail(&mut self, line: u64, at: Option<(usize, Column)>, text: Option<String>) -> Option<String> {
        let (at, text) = (at?, text?);
        let id = self.checked(line, at, &text)?;
        match opretail_number(id.as_str()).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(number) => Some(number.to_owned()),
            None => {
                let what = format!("`{}` is no id of OPRetail: write S_ and digits, such as S_123456", shown(&text));
                self.problems.push(RowProblem::of_field(line, at, what));
                None
            }
        }
    }

    /// An id that callers may write leads to one store, or it is told which lines contradict each other.
    fn give_meaning(&mut self, line: u64, id: &StoreId, opretail: Option<&str>, oms: Option<&StoreId>) {
        let mut own: Vec<(String, Column)> = vec![(id.to_string(), Column::Id)];
        own.extend(
            opretail.into_iter().flat_map(|number| {
                [(number.to_owned(), Column::OpRetailId), (format!("S_{number}"), Column::OpRetailId)]
            }),
        );
        own.extend(oms.map(|code| (code.to_string(), Column::OmsCode)));
        for (text, column) in own {
            match self.meanings.get(&text) {
                Some((other, as_what)) if *other != line => {
                    let what = format!(
                        "`{text}` is the {column} of this store, and the {as_what} of the one in line {other}: an id must lead \
                         to one store"
                    );
                    return self.problems.push(RowProblem::of_line(line, what));
                }
                Some(_) => {}
                None => drop(self.meanings.insert(text, (line, column))),
            }
        }
    }
}

/// A field as it can stand in a message: short, and without anything that a terminal obeys.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let end = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    text.chars().take(LONGEST).map(|one| if one.is_control() { '\u{fffd}' } else { one }).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests;
