//! The lines of a store directory, as spreadsheets write them: the separator of their fields, and their line numbers.

use csv::Position;

/// The separator, and the text from the header line on. Excel writes a line `sep=;` before it.
pub(super) fn separator(text: &str) -> (u8, &str) {
    let first = text.lines().next().unwrap_or_default();
    let bare = first.trim().trim_matches('"').to_ascii_lowercase();
    if let Some(separator) = bare.strip_prefix("sep=").map(|rest| rest.bytes().next().unwrap_or(b'\t'))
        && separator.is_ascii()
    {
        return (separator, text.get(first.len()..).unwrap_or_default().trim_start_matches(['\r', '\n']));
    }
    let often = |separator: &u8| first.bytes().filter(|byte| byte == separator).count();
    // Of equally frequent ones the last counts: the comma.
    (*[b'\t', b';', b','].iter().max_by_key(|separator| often(separator)).unwrap_or(&b','), text)
}

/// Counts lines as editors do, with any line ending. The CSV reader counts line feeds only, and its position is before
/// that of the previous line.
pub(super) struct LineCounter<'a> {
    text: &'a [u8],
    /// The offset of the table in the text.
    table: usize,
    /// The offset up to which lines are counted.
    counted: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    /// Counts the lines of a text that ends with the table.
    pub(super) const fn of(text: &'a str, table: &str) -> Self {
        Self { text: text.as_bytes(), table: text.len() - table.len(), counted: 0, line: 1 }
    }

    /// The line of a record or an error; positions must be requested in order.
    pub(super) fn at(&mut self, position: Option<&Position>) -> u64 {
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
