//! Decodes a store directory as spreadsheets save it: UTF-8 or UTF-16, with or without a byte order mark. Other
//! encodings cannot be detected reliably, so they are an error that says how to save the file.

use std::borrow::Cow;

use super::problem::RowProblem;

const UTF_8_MARK: &str = "\u{feff}";

/// Decodes the content of a file.
///
/// # Errors
/// It is neither UTF-8 nor UTF-16; the problem names the line and the remedy.
pub(super) fn text(content: &[u8]) -> Result<Cow<'_, str>, RowProblem> {
    match content {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes).map(Cow::Owned),
        // Without a byte order mark. The header line begins with ASCII letters.
        [_, 0, ..] => utf_16(content, u16::from_le_bytes).map(Cow::Owned),
        [0, _, ..] => utf_16(content, u16::from_be_bytes).map(Cow::Owned),
        _ => match std::str::from_utf8(content) {
            Ok(text) => Ok(Cow::Borrowed(text.strip_prefix(UTF_8_MARK).unwrap_or(text))),
            Err(error) => {
                let before = content.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
                Err(RowProblem::of_line(line, NOT_UTF_8))
            }
        },
    }
}

const NOT_UTF_8: &str = "the text is not UTF-8: a spreadsheet's plain \"CSV\" is in the encoding of its system, such as GBK. \
                         Save it as \"CSV UTF-8 (Comma delimited)\", or convert it: \
                         iconv -f GBK -t UTF-8 stores.csv > stores-utf8.csv";

fn utf_16(content: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, RowProblem> {
    let (pairs, rest) = content.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for letter in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(letter.map_err(|_| broken_utf_16(&text))?);
    }
    if rest.is_empty() { Ok(text) } else { Err(broken_utf_16(&text)) }
}

fn broken_utf_16(before: &str) -> RowProblem {
    let line = 1 + before.matches('\n').count() as u64;
    RowProblem::of_line(line, "the text is broken UTF-16: save it as \"CSV UTF-8 (Comma delimited)\"")
}
