//! What a command was asked for goes to stdout, and only that.

use std::io::{self, Write};

/// Writes a text and a line end to stdout.
///
/// # Errors
/// When stdout is closed.
pub fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}
