//! What is wrong with a line of a store directory, and where.

use std::fmt;

use super::columns::Column;

/// A place in the file. Lines and columns are counted from 1, as editors and spreadsheets do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePosition {
    /// The line of the file.
    pub line: u64,
    /// The number of the column among the fields of the line, and which it is; none for the line as a whole.
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

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct RowProblem {
    /// Where.
    pub place: FilePosition,
    /// What, and what to do.
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
