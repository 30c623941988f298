//! Writes the output of a command to stdout.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a server waits for a reader of its output.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a text and a line end to stdout. A closed pipe, as after `head`, is not an error.
///
/// # Errors
/// Stdout cannot be written for another reason.
pub fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Aligns rows in columns, of which the first row has the names.
pub fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes a line for a server, which continues when nobody reads it.
pub fn line_if_read(text: String) {
    let (tell, told) = mpsc::channel();
    let write = move || {
        let _unless_late = tell.send(line(&text));
    };
    // The thread remains blocked when stdout accepts nothing, and ends with the process.
    let written = thread::Builder::new().name("stdout".to_owned()).spawn(write).and_then(|_| {
        told.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")))
    });
    if let Err(error) = written {
        tracing::warn!(%error, "stdout cannot be written: what this command prints is lost");
    }
}
