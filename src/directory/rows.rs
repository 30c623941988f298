//! A store directory as a CSV file (RFC 4180, or as spreadsheets write it): a first line with the names of the columns, and a
//! line for each store.
//! Everything that is wrong with it is found at once.

use std::collections::HashMap;
use std::fmt;

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use serde::Serialize;

use super::encoding;
use super::ids::{StoreId, opretail_number};
use super::problem::RowProblem;
use crate::settings::nearest;

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

impl Row {
    /// OPRetail's number, with its prefix.
    pub fn opretail_id(&self) -> Option<String> {
        self.opretail.as_ref().map(|number| format!("S_{number}"))
    }
}

/// Reads the rows of a directory from a file, in whichever encoding a spreadsheet may have saved it.
///
/// # Errors
/// What is wrong with it, by line and column; the first twenty.
pub fn read_file(content: &[u8]) -> Result<Vec<Row>, Vec<RowProblem>> {
    read(&encoding::text(content).map_err(|problem| vec![problem])?)
}

/// Reads the rows of a directory. Its fields are separated by commas, semicolons or tabs: whichever the first line has.
///
/// # Errors
/// What is wrong with it, by line and column; the first twenty.
pub fn read(text: &str) -> Result<Vec<Row>, Vec<RowProblem>> {
    let (separator, table) = separator(text);
    let mut lines = Lines::of(text, table);
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
        None => return Err(vec![RowProblem::of_line(lines.line, HEADER)]),
    };
    let columns = columns(&first, lines.at(first.position()))?;
    let mut found = Found::default();
    for record in records {
        match record {
            Ok(record) if record.iter().all(str::is_empty) => {}
            Ok(record) => found.take(lines.at(record.position()), &columns, &record),
            Err(error) => found.problems.push(not_csv(lines.at(error.position()))),
        }
        if found.problems.len() >= MOST_PROBLEMS {
            break;
        }
    }
    if found.problems.is_empty() { Ok(found.rows) } else { Err(found.problems) }
}

const HEADER: &str =
    "the first line names the columns: id,opretail_id,oms_code,name (separated by commas, semicolons or tabs)";

/// The separator, and the text from the names of the columns on. Excel writes a line `sep=;` for itself.
fn separator(text: &str) -> (u8, &str) {
    let first = text.lines().next().unwrap_or_default();
    let bare = first.trim().trim_matches('"').to_ascii_lowercase();
    if let Some(separator) = bare.strip_prefix("sep=").map(|rest| rest.bytes().next().unwrap_or(b'\t'))
        && separator.is_ascii()
    {
        return (separator, text.get(first.len()..).unwrap_or_default().trim_start_matches(['\r', '\n']));
    }
    let often = |separator: &u8| first.bytes().filter(|byte| byte == separator).count();
    // Of equals the last one counts: the comma.
    (*[b'\t', b';', b','].iter().max_by_key(|separator| often(separator)).unwrap_or(&b','), text)
}

/// Counts lines as editors do, whichever way they end: the reader of CSV counts line feeds, and stands before that of the
/// line before.
struct Lines<'a> {
    text: &'a [u8],
    /// Where the table begins in the text.
    table: usize,
    /// What is counted so far.
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// Of a text, in whose end the table stands.
    const fn of(text: &'a str, table: &str) -> Self {
        Self { text: text.as_bytes(), table: text.len() - table.len(), counted: 0, line: 1 }
    }

    /// The line of a record, or of an error; none is before the ones that were asked for.
    fn at(&mut self, position: Option<&Position>) -> u64 {
        let byte = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let place = self.table + byte;
        let blank = self.text.get(place..).unwrap_or_default().iter();
        let start = place + blank.take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        for end in self.counted..start {
            let is_second_half = end > 0 && self.text.get(end - 1) == Some(&b'\r');
            let ends_line = match self.text.get(end) {
                Some(b'\r') => true,
                Some(b'\n') => !is_second_half,
                _ => false,
            };
            self.line += u64::from(ends_line);
        }
        self.counted = self.counted.max(start);
        self.line
    }
}

fn not_csv(line: u64) -> RowProblem {
    RowProblem::of_line(line, "the line is not CSV: is a quote missing?")
}

/// Which column each field of a line is. Spreadsheets leave fields without a name behind them.
fn columns(first: &StringRecord, line: u64) -> Result<Vec<Column>, Vec<RowProblem>> {
    let refused = |what: String| Err(vec![RowProblem::of_line(line, what)]);
    let mut columns = Vec::new();
    for (place, name) in first.iter().take(first.len() - empty_at_the_end(first)).enumerate() {
        let Some(column) = Column::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(name)) else {
            let near = nearest(name, Column::ALL.iter().map(|column| column.name()));
            let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            // What stands there is not shown: the file may be another one, with a secret in it.
            return refused(format!("name {} is none of the columns{hint}; {HEADER}", place + 1));
        };
        if columns.contains(&column) {
            return refused(format!("the column `{column}` is there twice"));
        }
        columns.push(column);
    }
    if columns.contains(&Column::Id) { Ok(columns) } else { refused(HEADER.to_owned()) }
}

fn empty_at_the_end(record: &StringRecord) -> usize {
    record.iter().rev().take_while(|field| field.is_empty()).count()
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
    fn take(&mut self, line: u64, columns: &[Column], record: &StringRecord) {
        let fields = record.len().min(columns.len().max(record.len() - empty_at_the_end(record)));
        if fields != columns.len() {
            let what = format!("the line has {fields} fields, and the first line {} columns", columns.len());
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
