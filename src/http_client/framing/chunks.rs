//! The chunked transfer coding (RFC 9112 §7.1), parsed to its last chunk and its trailer section.

use super::MalformedResponse;

/// The most bytes of chunk extensions and trailer fields, which are ignored.
const MOST_IGNORED_BYTES: usize = 16 << 10;

/// Decodes chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: ChunkState,
    ignored: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum ChunkState {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size(u64),
    /// In the blanks after a size.
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
    /// Decodes up to the end of the coding, and returns the number of bytes consumed.
    pub(super) fn take(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, MalformedResponse> {
        let mut used = 0;
        while let Some(rest @ [byte, ..]) = input.get(used..)
            && !self.are_complete()
        {
            if let ChunkState::Data(left) = self.state {
                let data = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                output.extend_from_slice(rest.get(..data).unwrap_or_default());
                let left = left - data as u64;
                self.state = if left == 0 { ChunkState::DataCr } else { ChunkState::Data(left) };
                used += data;
            } else {
                self.state = self.after(*byte)?;
                used += 1;
            }
        }
        Ok(used)
    }

    /// Whether the last chunk and the trailer section are complete.
    pub(super) const fn are_complete(&self) -> bool {
        matches!(self.state, ChunkState::Complete)
    }

    fn after(&mut self, byte: u8) -> Result<ChunkState, MalformedResponse> {
        Ok(match (self.state, byte) {
            (ChunkState::Start, _) => ChunkState::Size(hexadecimal(byte)?),
            (ChunkState::Size(size) | ChunkState::Blank(size), b' ' | b'\t') => self.ignore(ChunkState::Blank(size))?,
            (ChunkState::Size(size) | ChunkState::Blank(size), b';') => self.ignore(ChunkState::Extension(size))?,
            (ChunkState::Size(size) | ChunkState::Blank(size) | ChunkState::Extension(size), b'\r') => {
                ChunkState::SizeLf(size)
            }
            (ChunkState::Size(size), _) => {
                let larger = size.checked_mul(16).ok_or(MalformedResponse("a chunk is too large"))?;
                ChunkState::Size(larger + hexadecimal(byte)?)
            }
            (ChunkState::Extension(size), byte) if is_text(byte) => self.ignore(ChunkState::Extension(size))?,
            (ChunkState::SizeLf(0), b'\n') => ChunkState::Trailer,
            (ChunkState::SizeLf(size), b'\n') => ChunkState::Data(size),
            (ChunkState::DataCr, b'\r') => ChunkState::DataLf,
            (ChunkState::DataLf, b'\n') => ChunkState::Start,
            (ChunkState::Trailer, b'\r') => ChunkState::LastLf,
            (ChunkState::TrailerField, b'\r') => ChunkState::TrailerLf,
            (ChunkState::Trailer | ChunkState::TrailerField, byte) if is_text(byte) => {
                self.ignore(ChunkState::TrailerField)?
            }
            (ChunkState::TrailerLf, b'\n') => ChunkState::Trailer,
            (ChunkState::LastLf, b'\n') => ChunkState::Complete,
            _ => return Err(MalformedResponse("a chunk is not well-formed")),
        })
    }

    fn ignore(&mut self, next: ChunkState) -> Result<ChunkState, MalformedResponse> {
        self.ignored += 1;
        if self.ignored > MOST_IGNORED_BYTES {
            return Err(MalformedResponse("its chunk extensions or trailers are too large"));
        }
        Ok(next)
    }
}

fn hexadecimal(byte: u8) -> Result<u64, MalformedResponse> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(MalformedResponse("the size of a chunk is no number"))
}

/// Whether the byte is no control character other than the tab.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
