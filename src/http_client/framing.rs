//! Where a response ends (RFC 9112 §6): reads the bytes of a connection, skips interim responses, and hands on the one
//! final response in a form that leaves the client library nothing to decide: HTTP/1.0, hop-by-hop fields taken out, chunks
//! decoded, `connection: close`. Pure: no sockets, no time.

mod chunks;
mod head;
#[cfg(test)]
mod tests;

use memchr::memchr;

use chunks::Chunks;
use head::{BodyLength, Head};

/// Interim responses that are skipped before the final one.
const MOST_INTERIM_RESPONSES: usize = 32;
/// The headers of a response, of its interim responses too.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// What is not well-formed in a response, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) &'static str);

/// How a response stands when its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtClose {
    /// Nothing had come.
    NoResponse,
    /// The headers were not complete.
    WithinHead,
    /// The body was not complete.
    WithinBody,
    /// It is complete: the close itself ends it, or it had ended before.
    Complete,
}

/// Reads the response to one request.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    answers_head_request: bool,
    head: Vec<u8>,
    head_bytes: usize,
    interim: usize,
    is_persistent: bool,
    has_surplus: bool,
}

#[derive(Debug)]
enum State {
    Head,
    Counted(u64),
    Chunked(Chunks),
    UntilClose,
    Complete,
}

impl ResponseReader {
    /// Reads the response to a request, which is a HEAD request or another.
    pub const fn new(answers_head_request: bool) -> Self {
        Self {
            state: State::Head,
            answers_head_request,
            head: Vec::new(),
            head_bytes: 0,
            interim: 0,
            is_persistent: false,
            has_surplus: false,
        }
    }

    /// Takes the bytes that came, and appends to `output` what the client library is to read.
    ///
    /// # Errors
    /// The response is not well-formed; nothing after it on the connection can be trusted.
    pub fn take(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<(), Malformed> {
        while !input.is_empty() {
            let used = match &mut self.state {
                State::Head => self.take_head(input, output)?,
                State::Chunked(chunks) => {
                    let used = chunks.take(input, output)?;
                    if chunks.are_complete() {
                        self.state = State::Complete;
                    }
                    used
                }
                State::Counted(_) | State::UntilClose => {
                    let used = self.pass(input.len()).unwrap_or_default();
                    output.extend_from_slice(input.get(..used).unwrap_or_default());
                    used
                }
                State::Complete => {
                    self.has_surplus = true;
                    break;
                }
            };
            input = input.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    /// How many of the bytes that came are body and need no decoding; `None` when [`Self::take`] must read them.
    pub fn pass(&mut self, received: usize) -> Option<usize> {
        match &mut self.state {
            State::Counted(left) => {
                let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(received);
                *left -= passed as u64;
                if *left == 0 {
                    self.state = State::Complete;
                    self.has_surplus |= received > passed;
                }
                Some(passed)
            }
            State::UntilClose => Some(received),
            _ => None,
        }
    }

    /// The connection ended.
    pub fn close(&mut self) -> AtClose {
        match self.state {
            State::Head if self.head_bytes == 0 => AtClose::NoResponse,
            State::Head => AtClose::WithinHead,
            State::Counted(_) | State::Chunked(_) => AtClose::WithinBody,
            State::UntilClose | State::Complete => {
                self.state = State::Complete;
                AtClose::Complete
            }
        }
    }

    /// Whether the body lasts until the connection ends.
    pub const fn lasts_until_close(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// Whether the headers of the final response have come.
    pub const fn has_head(&self) -> bool {
        !matches!(self.state, State::Head)
    }

    /// Whether all of the response has come.
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Whether bytes came that no request asked for.
    pub const fn has_surplus(&self) -> bool {
        self.has_surplus
    }

    /// Whether another request may be sent on this connection.
    pub const fn is_reusable(&self) -> bool {
        self.is_complete() && self.is_persistent && !self.has_surplus
    }

    fn take_head(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let line = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            used += line;
            self.head_bytes += line;
            self.head.extend_from_slice(rest.get(..line).unwrap_or_default());
            head::must_begin_as_http(&self.head)?;
            if self.head_bytes > MOST_HEAD_BYTES {
                return Err(Malformed("the headers are too large"));
            }
            if self.head.ends_with(b"\n\r\n") || self.head.ends_with(b"\n\n") {
                self.end_head(output)?;
                break;
            }
        }
        Ok(used)
    }

    fn end_head(&mut self, output: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(head) = Head::read(&self.head, self.answers_head_request, output)? else {
            self.interim += 1;
            self.head.clear();
            let is_enough = self.interim > MOST_INTERIM_RESPONSES;
            return if is_enough { Err(Malformed("too many interim responses")) } else { Ok(()) };
        };
        self.is_persistent = head.is_persistent;
        self.head = Vec::new();
        self.state = match head.length {
            BodyLength::Known(0) => State::Complete,
            BodyLength::Known(length) => State::Counted(length),
            BodyLength::Chunked => State::Chunked(Chunks::default()),
            BodyLength::UntilClose => State::UntilClose,
        };
        Ok(())
    }
}
