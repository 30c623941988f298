//! The chunked transfer coding (RFC 9112 §7.1), read to its last chunk and its trailer section.

use super::Malformed;

/// Chunk extensions and trailer fields, which are read past.
const MOST_IGNORED_BYTES: usize = 16 << 10;

/// Decodes chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    ignored: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size(u64),
    /// Blanks behind a size.
    Blank(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the beginning of a line of the trailer section.
    Trailer,
    TrailerField,
    TrailerLf,
    LastLf,
    Complete,
}

impl Chunks {
    /// Decodes up to the end of the coding, and tells how many bytes it used.
    pub(super) fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut used = 0;
        while let Some(rest @ [byte, ..]) = input.get(used..)
            && !self.are_complete()
        {
            if let State::Data(left) = self.state {
                let data = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                output.extend_from_slice(rest.get(..data).unwrap_or_default());
                let left = left - data as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                used += data;
            } else {
                self.state = self.after(*byte)?;
                used += 1;
            }
        }
        Ok(used)
    }

    /// Whether the last chunk and the trailer section have come.
    pub(super) const fn are_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    fn after(&mut self, byte: u8) -> Result<State, Malformed> {
        Ok(match (self.state, byte) {
            (State::Start, _) => State::Size(hexadecimal(byte)?),
            (State::Size(size) | State::Blank(size), b' ' | b'\t') => self.ignore(State::Blank(size))?,
            (State::Size(size) | State::Blank(size), b';') => self.ignore(State::Extension(size))?,
            (State::Size(size) | State::Blank(size) | State::Extension(size), b'\r') => State::SizeLf(size),
            (State::Size(size), _) => {
                let larger = size.checked_mul(16).ok_or(Malformed("a chunk is too large"))?;
                State::Size(larger + hexadecimal(byte)?)
            }
            (State::Extension(size), byte) if is_text(byte) => self.ignore(State::Extension(size))?,
            (State::SizeLf(0), b'\n') => State::Trailer,
            (State::SizeLf(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Start,
            (State::Trailer, b'\r') => State::LastLf,
            (State::TrailerField, b'\r') => State::TrailerLf,
            (State::Trailer | State::TrailerField, byte) if is_text(byte) => self.ignore(State::TrailerField)?,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::LastLf, b'\n') => State::Complete,
            _ => return Err(Malformed("a chunk is not well-formed")),
        })
    }

    fn ignore(&mut self, next: State) -> Result<State, Malformed> {
        self.ignored += 1;
        if self.ignored > MOST_IGNORED_BYTES {
            return Err(Malformed("its chunk extensions or trailers are too large"));
        }
        Ok(next)
    }
}

fn hexadecimal(byte: u8) -> Result<u64, Malformed> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(Malformed("the size of a chunk is no number"))
}

/// No control character but the tab.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
