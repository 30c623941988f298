//! The framing of responses (RFC 9112 §6). It reads the bytes of a connection, skips interim responses, and passes on
//! the one final response in a form that leaves the client library nothing to decide: HTTP/1.0, hop-by-hop fields
//! removed, chunks decoded, `connection: close`. It is pure: no sockets, no time.

mod chunks;
mod head;
#[cfg(test)]
mod tests;

use memchr::memchr;

use chunks::Chunks;
use head::{BodyLength, ResponseFraming};

/// The most interim responses before the final one.
const MOST_INTERIM_RESPONSES: usize = 32;
/// The most bytes of a response's headers, those of its interim responses included.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// What is malformed in a response, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedResponse(pub(super) &'static str);

/// The state of a response when its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseState {
    /// Nothing had arrived.
    NoResponse,
    /// The headers were incomplete.
    WithinHead,
    /// The body was incomplete.
    WithinBody,
    /// The response is complete: the close itself ends it, or it had ended before.
    Complete,
}

/// Reads the response to one request.
#[derive(Debug)]
pub struct ResponseReader {
    state: ParserState,
    answers_head_request: bool,
    head: Vec<u8>,
    head_bytes: usize,
    interim: usize,
    is_persistent: bool,
    has_surplus: bool,
}

#[derive(Debug)]
enum ParserState {
    Head,
    Counted(u64),
    Chunked(Chunks),
    UntilClose,
    Complete,
}

impl ResponseReader {
    /// Creates a reader for the response to a request, which may be a HEAD request.
    pub const fn new(answers_head_request: bool) -> Self {
        Self {
            state: ParserState::Head,
            answers_head_request,
            head: Vec::new(),
            head_bytes: 0,
            interim: 0,
            is_persistent: false,
            has_surplus: false,
        }
    }

    /// Reads received bytes, and appends to `output` what the client library will read.
    ///
    /// # Errors
    /// Returns an error if the response is malformed; nothing after it on the connection can be trusted.
    pub fn take(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<(), MalformedResponse> {
        while !input.is_empty() {
            let used = match &mut self.state {
                ParserState::Head => self.take_head(input, output)?,
                ParserState::Chunked(chunks) => {
                    let used = chunks.take(input, output)?;
                    if chunks.are_complete() {
                        self.state = ParserState::Complete;
                    }
                    used
                }
                ParserState::Counted(_) | ParserState::UntilClose => {
                    let used = self.pass(input.len()).unwrap_or_default();
                    output.extend_from_slice(input.get(..used).unwrap_or_default());
                    used
                }
                ParserState::Complete => {
                    self.has_surplus = true;
                    break;
                }
            };
            input = input.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    /// Returns how many of the received bytes belong to the body and need no decoding, or `None` if [`Self::take`] must
    /// read them.
    pub fn pass(&mut self, received: usize) -> Option<usize> {
        match &mut self.state {
            ParserState::Counted(left) => {
                let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(received);
                *left -= passed as u64;
                if *left == 0 {
                    self.state = ParserState::Complete;
                    self.has_surplus |= received > passed;
                }
                Some(passed)
            }
            ParserState::UntilClose => Some(received),
            _ => None,
        }
    }

    /// Records the end of the connection, and returns the state of the response.
    pub fn close(&mut self) -> CloseState {
        match self.state {
            ParserState::Head if self.head_bytes == 0 => CloseState::NoResponse,
            ParserState::Head => CloseState::WithinHead,
            ParserState::Counted(_) | ParserState::Chunked(_) => CloseState::WithinBody,
            ParserState::UntilClose | ParserState::Complete => {
                self.state = ParserState::Complete;
                CloseState::Complete
            }
        }
    }

    /// Whether the body lasts until the connection ends.
    pub const fn lasts_until_close(&self) -> bool {
        matches!(self.state, ParserState::UntilClose)
    }

    /// Whether the headers of the final response are complete.
    pub const fn has_head(&self) -> bool {
        !matches!(self.state, ParserState::Head)
    }

    /// Whether the response is complete.
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, ParserState::Complete)
    }

    /// Whether bytes arrived that belong to no request.
    pub const fn has_surplus(&self) -> bool {
        self.has_surplus
    }

    /// Whether the connection may carry another request.
    pub const fn is_reusable(&self) -> bool {
        self.is_complete() && self.is_persistent && !self.has_surplus
    }

    fn take_head(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, MalformedResponse> {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let line = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            used += line;
            self.head_bytes += line;
            self.head.extend_from_slice(rest.get(..line).unwrap_or_default());
            head::must_begin_as_http(&self.head)?;
            if self.head_bytes > MOST_HEAD_BYTES {
                return Err(MalformedResponse("the headers are too large"));
            }
            if self.head.ends_with(b"\n\r\n") || self.head.ends_with(b"\n\n") {
                self.end_head(output)?;
                break;
            }
        }
        Ok(used)
    }

    fn end_head(&mut self, output: &mut Vec<u8>) -> Result<(), MalformedResponse> {
        let Some(head) = ResponseFraming::read(&self.head, self.answers_head_request, output)? else {
            self.interim += 1;
            self.head.clear();
            let is_enough = self.interim > MOST_INTERIM_RESPONSES;
            return if is_enough { Err(MalformedResponse("too many interim responses")) } else { Ok(()) };
        };
        self.is_persistent = head.is_persistent;
        self.head = Vec::new();
        self.state = match head.length {
            BodyLength::Known(0) => ParserState::Complete,
            BodyLength::Known(length) => ParserState::Counted(length),
            BodyLength::Chunked => ParserState::Chunked(Chunks::default()),
            BodyLength::UntilClose => ParserState::UntilClose,
        };
        Ok(())
    }
}
