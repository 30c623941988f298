//! The framing validator: finds where each request ends in the received bytes, and rejects what the framework's parser would
//! accept or read differently (request smuggling).

use memchr::{memchr, memchr2};

use super::framing_error::FramingError;
use crate::http::request_limits;

/// Replaces a byte that must not occur. No part of a request head may contain NUL, so the parser answers 400 and closes
/// the connection.
const INVALID_BYTE: u8 = 0;

/// The stored prefix of a line, in bytes. It is longer than any framing field needs; a longer field is refused.
const KEPT: usize = 64;

/// The most digits of a chunk's size, enough for 64 bits. A parser may skip any number of leading zeros, but no client
/// sends them.
const LONGEST_SIZE: usize = 16;

/// The longest chunk line in bytes: a size with its extensions, none of which this program knows.
const LONGEST_CHUNK_LINE: usize = 256;

/// The largest trailer section in bytes. Trailers are not used.
const LARGEST_TRAILERS: usize = 16 << 10;

/// Validates the framing of the requests of one connection, received in pieces of any size.
///
/// A proxy in front may take a bare LF for a part of a value. It then sees other headers and other requests than this
/// program, for which the LF ends a line (RFC 9112 §2.2 and §11.2). A fragment is never sent (RFC 9112 §3.2); the
/// framework drops it, so the logged target would differ from the requested one.
///
/// The validator agrees with the parser on where each request ends. It refuses whatever it cannot follow and never
/// skips it.
#[derive(Debug)]
pub struct FramingValidator {
    place: ParserPosition,
    line: [u8; KEPT],
    /// Bytes of the current line.
    length: usize,
    /// Bytes of the current head or trailers, including leading empty lines.
    section: usize,
    ended_in_cr: bool,
    has_colon: bool,
    body: BodyFraming,
    is_head: bool,
    messages: u64,
    error: Option<FramingError>,
    /// The most bytes of a head. `http/request_limits.rs` answers requests that are a little too large. The parser
    /// alone would wait for 128 KiB and parse the head again from its beginning with each piece.
    largest_head: usize,
}

/// The body framing that a head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFraming {
    Unsaid,
    Bytes(u64),
    Chunks,
}

/// The incomplete request of a connection, with the request's number on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// The head is incomplete.
    Head(u64),
    /// The body is incomplete.
    Body(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ParserPosition {
    RequestLine,
    Field,
    Bytes(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

impl Default for FramingValidator {
    fn default() -> Self {
        Self {
            place: ParserPosition::RequestLine,
            line: [0; KEPT],
            length: 0,
            section: 0,
            ended_in_cr: false,
            has_colon: false,
            body: BodyFraming::Unsaid,
            is_head: false,
            messages: 0,
            error: None,
            largest_head: request_limits::largest_read(request_limits::largest_head(0)),
        }
    }
}

impl FramingValidator {
    /// Creates a validator for heads of at most `largest` bytes.
    pub fn of_heads(largest: usize) -> Self {
        Self { largest_head: largest, ..Self::default() }
    }

    /// Validates bytes to the end of this request or of the input, and returns how many bytes the parser may read. In a
    /// head that is refused, the last of them is [`INVALID_BYTE`].
    pub fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let mut passed = 0;
        while self.error.is_none() && passed < bytes.len() {
            let rest = bytes.split_at_mut(passed).1;
            passed += match self.place {
                ParserPosition::Bytes(left) => self.skip(left, rest.len(), ParserPosition::Bytes),
                ParserPosition::Chunk(left) => self.skip(left, rest.len(), ParserPosition::Chunk),
                _ => self.line(rest),
            };
            if self.is_between() {
                break;
            }
        }
        passed
    }

    /// Returns the request that has begun and is not complete, or `None` between requests.
    pub const fn incomplete(&self) -> Option<Incomplete> {
        match self.place {
            _ if self.is_between() => None,
            ParserPosition::RequestLine | ParserPosition::Field => Some(Incomplete::Head(self.messages)),
            _ => Some(Incomplete::Body(self.messages)),
        }
    }

    /// Whether the last request is complete and nothing of the next has passed, not even an empty line.
    pub const fn is_between(&self) -> bool {
        matches!(self.place, ParserPosition::RequestLine) && self.section == 0 && self.error.is_none()
    }

    /// Returns the number of requests that have begun, that is, whose request lines have passed.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Returns the error after which nothing passes any more.
    pub const fn error(&self) -> Option<FramingError> {
        self.error
    }

    /// Whether the last request uses HEAD, so that no body may follow the response (RFC 9110 §9.3.2).
    pub fn is_for_head(&self) -> bool {
        if self.place == ParserPosition::RequestLine && self.length > 0 {
            self.begins_with_head()
        } else {
            self.is_head
        }
    }

    fn begins_with_head(&self) -> bool {
        self.line_start().starts_with(b"HEAD ")
    }

    fn skip(&mut self, left: u64, available: usize, here: fn(u64) -> ParserPosition) -> usize {
        let skipped = left.min(u64::try_from(available).unwrap_or(u64::MAX));
        self.place = match here(left - skipped) {
            ParserPosition::Bytes(0) => self.end(),
            ParserPosition::Chunk(0) => ParserPosition::ChunkEnd,
            place => place,
        };
        usize::try_from(skipped).unwrap_or(available)
    }

    /// Reads to the end of the line or to a byte that must not occur.
    fn line(&mut self, rest: &mut [u8]) -> usize {
        let stop = match self.place {
            ParserPosition::RequestLine => memchr2(b'\n', b'#', rest),
            _ => memchr(b'\n', rest),
        };
        let text = rest.split_at_mut(stop.unwrap_or(rest.len())).0;
        if let Some(error) = self.too_long(text.len()).or_else(|| self.malformed(text)) {
            return self.refuse(error, rest, 0);
        }
        self.add_to_line(text);
        let length = text.len();
        let Some(stop) = stop else { return length };
        let outcome = match rest.get(stop) {
            Some(b'#') => Err(FramingError::Fragment),
            _ if !self.ended_in_cr => Err(self.broken(FramingError::BareLineFeed)),
            _ => self.end_line(),
        };
        match outcome {
            Ok(place) => {
                self.place = place;
                (self.length, self.ended_in_cr, self.has_colon) = (0, false, false);
                length + 1
            }
            Err(error) => self.refuse(error, rest, stop),
        }
    }

    /// Refuses the request. In a head, the byte at `at` is replaced and passes. A body ends before the current piece of
    /// its line.
    fn refuse(&mut self, error: FramingError, rest: &mut [u8], at: usize) -> usize {
        self.error = Some(error);
        match rest.get_mut(at) {
            Some(byte) if error.is_in_head() => {
                *byte = INVALID_BYTE;
                at + 1
            }
            _ => 0,
        }
    }

    const fn broken(&self, in_head: FramingError) -> FramingError {
        match self.place {
            ParserPosition::RequestLine | ParserPosition::Field => in_head,
            _ => FramingError::Chunks,
        }
    }

    fn too_long(&self, more: usize) -> Option<FramingError> {
        let (length, limit) = match self.place {
            ParserPosition::RequestLine | ParserPosition::Field => (self.section, self.largest_head),
            ParserPosition::ChunkSize => (self.length, LONGEST_CHUNK_LINE),
            // A chunk ends with CR and nothing else.
            ParserPosition::ChunkEnd => (self.length, 1),
            _ => (self.section, LARGEST_TRAILERS),
        };
        let error =
            if self.place == ParserPosition::RequestLine { FramingError::LongTarget } else { FramingError::LargeHead };
        (length.saturating_add(more) > limit).then(|| self.broken(error))
    }

    /// In heads the parser refuses control characters itself. In trailers it skips them, CR and LF included.
    fn malformed(&self, text: &[u8]) -> Option<FramingError> {
        if matches!(self.place, ParserPosition::RequestLine | ParserPosition::Field) {
            return None;
        }
        let line = text.strip_suffix(b"\r").unwrap_or(text);
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        let is_torn = self.ended_in_cr && !text.is_empty();
        (is_torn || line.iter().any(is_control)).then_some(FramingError::Chunks)
    }

    fn add_to_line(&mut self, text: &[u8]) {
        let room = self.line.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(text) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(text.len());
        self.section = self.section.saturating_add(text.len());
        self.ended_in_cr = text.last().map_or(self.ended_in_cr, |last| *last == b'\r');
        if self.place == ParserPosition::Trailer {
            self.has_colon |= memchr(b':', text).is_some();
        }
    }

    /// Returns what follows the line that ends here.
    fn end_line(&mut self) -> Result<ParserPosition, FramingError> {
        self.section = self.section.saturating_add(1);
        let is_empty = self.length == 1;
        match self.place {
            // Empty lines before a request are skipped (RFC 9112 §2.2).
            ParserPosition::RequestLine if is_empty => Ok(ParserPosition::RequestLine),
            ParserPosition::RequestLine => Ok(self.begin()),
            ParserPosition::Field if is_empty => Ok(self.begin_body()),
            ParserPosition::Field => self.read_field(),
            ParserPosition::ChunkEnd => Ok(ParserPosition::ChunkSize),
            ParserPosition::ChunkSize => self.read_chunk_size(),
            ParserPosition::Trailer if is_empty => Ok(self.end()),
            ParserPosition::Trailer if !self.has_colon => Err(FramingError::Chunks),
            other => Ok(other),
        }
    }

    fn begin(&mut self) -> ParserPosition {
        self.messages = self.messages.wrapping_add(1);
        self.body = BodyFraming::Unsaid;
        self.is_head = self.begins_with_head();
        ParserPosition::Field
    }

    const fn begin_body(&mut self) -> ParserPosition {
        match self.body {
            BodyFraming::Unsaid | BodyFraming::Bytes(0) => self.end(),
            BodyFraming::Bytes(length) => ParserPosition::Bytes(length),
            BodyFraming::Chunks => {
                self.section = 0;
                ParserPosition::ChunkSize
            }
        }
    }

    const fn end(&mut self) -> ParserPosition {
        self.section = 0;
        ParserPosition::RequestLine
    }

    fn read_field(&mut self) -> Result<ParserPosition, FramingError> {
        let line = self.line_start();
        let (name, value) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let said = if name.eq_ignore_ascii_case(b"transfer-encoding") {
            value.eq_ignore_ascii_case(b"chunked").then_some(BodyFraming::Chunks)
        } else if name.eq_ignore_ascii_case(b"content-length") {
            number(value).map(BodyFraming::Bytes)
        } else {
            return Ok(ParserPosition::Field);
        };
        let is_only = self.body == BodyFraming::Unsaid && self.length <= KEPT;
        self.body = said.filter(|_| is_only).ok_or(FramingError::Framing)?;
        Ok(ParserPosition::Field)
    }

    fn read_chunk_size(&mut self) -> Result<ParserPosition, FramingError> {
        let line = self.line_start();
        let count = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, rest) = line.split_at_checked(count).unwrap_or_default();
        let is_size = (1..=LONGEST_SIZE).contains(&count) && matches!(rest.first(), Some(b' ' | b'\t' | b';' | b'\r'));
        let size = str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match size.filter(|_| is_size) {
            Some(0) => {
                self.section = 0;
                Ok(ParserPosition::Trailer)
            }
            Some(size) => Ok(ParserPosition::Chunk(size)),
            None => Err(FramingError::Chunks),
        }
    }

    fn line_start(&self) -> &[u8] {
        self.line.get(..self.length.min(KEPT)).unwrap_or_default()
    }
}

/// Parses digits only, unlike Rust's number parser.
fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests;
