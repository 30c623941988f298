//! Reads the answers of a server that escapes nothing in its JSON: backslashes and control characters appear literally
//! in texts, and a quote ends the text. An error that quotes the signed text is then invalid JSON and is recognized by
//! its beginning.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::gateway::error::is_plain;

/// Escapes backslashes and control characters in texts, as JSON requires. A body without either is returned unchanged.
pub fn escaped(body: Bytes) -> Bytes {
    let mut scan = Scan::default();
    if !body.iter().any(|&byte| scan.wants_escape(byte)) {
        return body;
    }
    let mut escaped = Vec::with_capacity(body.len() + 64);
    let mut scan = Scan::default();
    for &byte in &body {
        match (scan.wants_escape(byte), byte) {
            (false, _) => escaped.push(byte),
            (true, b'\\') => escaped.extend_from_slice(br"\\"),
            (true, _) => escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    escaped.into()
}

/// Tracks where texts begin and end: at every quote, as nothing is escaped.
#[derive(Default)]
struct Scan {
    is_inside: bool,
}

impl Scan {
    /// Processes the next byte; returns true for one within a text that JSON requires to be escaped.
    const fn wants_escape(&mut self, byte: u8) -> bool {
        if byte == b'"' {
            self.is_inside = !self.is_inside;
        }
        self.is_inside && (byte < 0x20 || byte == b'\\')
    }
}

/// Reads code and message of an error whose texts contain quotes: both precede the first such text. `path` is that of
/// the code, and `message` the name of the member after it.
pub fn error_head(body: &[u8], path: &[String], message: &str) -> Option<(String, Option<String>)> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let mut rest = text.strip_suffix(&"}".repeat(path.len()))?;
    for name in path {
        rest = rest.strip_prefix(&format!("{{\"{name}\":"))?;
    }
    let (code, behind) = rest.strip_prefix('"')?.split_once('"')?;
    let message = behind.strip_prefix(&format!(",\"{message}\":\""));
    let message = message.and_then(|message| Some(message.split_once('"')?.0.to_owned()));
    Some((code.to_owned(), message))
}

/// The record whose text breaks the JSON of an answer. The cause may be a quote in the last text before the unreadable
/// part; the record's id is then the last one before that.
pub fn spoiling_record(body: &[u8], name: &str, ids: &[String]) -> Option<String> {
    let error = serde_json::from_slice::<&RawValue>(body).err()?;
    let lines = body.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    let line_start = lines.map(<[u8]>::len).sum::<usize>();
    let before = std::str::from_utf8(body.get(..line_start + error.column())?).ok()?;
    let last = ids.iter().filter_map(|id| before.rsplit_once(&format!("\"{id}\":\"")));
    let (_, behind) = last.min_by_key(|(_, behind)| behind.len())?;
    let (id, _) = behind.split_once('"')?;
    is_plain(id).then(|| format!("the {name} with the code {id}"))
}
