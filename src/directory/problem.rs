//! A problem of a line of a store directory, with its position.

use std::fmt;

use super::columns::Column;

/// A position in the file. Lines and columns are counted from 1, as editors and spreadsheets do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// The line of the file.
    pub line: u64,
    /// The number of the field in the line, and its column; `None` for the whole line.
    pub column: Option<(usize, Column)>,
}

impl fmt::Display for FilePosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line)?;
        match self.column {
            Some((number, column)) => write!(formatter, ", column {number} ({column})"),
            None => Ok(()),
        }
    }
}

/// A problem of a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct RowProblem {
    /// The position.
    pub place: FilePosition,
    /// The problem and the remedy.
    pub what: String,
}

impl RowProblem {
    pub(super) fn of_line(line: u64, what: impl Into<String>) -> Self {
        Self { place: FilePosition { line, column: None }, what: what.into() }
    }

    pub(super) fn of_field(line: u64, column: (usize, Column), what: impl Into<String>) -> Self {
        Self { place: FilePosition { line, column: Some(column) }, what: what.into() }
    }
}
