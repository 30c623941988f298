//! Reads, decompresses and limits the body of a gateway's response. The client library's decoders inflate everything
//! that has arrived before it can be counted, so a kilobyte from a hostile gateway could take hundreds of megabytes and
//! stop a worker. `http_client` decides whether a body is complete.

use std::io::{self, Write};

use awc::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use bytes::Bytes;
use flate2::write::GzDecoder;

use super::transport_failure::TransportFailure;

/// The only content coding that is requested and understood.
pub(super) const ACCEPTED: &str = "gzip";

/// The most gzip members in one body. RFC 1952 §2.2 lets several follow each other, and each costs some work, however
/// small it is.
const MOST_MEMBERS: usize = 1_000;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body that is being received.
pub(super) struct IncomingBody {
    content: BodyContent,
    received: usize,
    limit: usize,
}

enum BodyContent {
    Plain(Limited),
    Gzip(Box<Gzip>),
}

impl IncomingBody {
    /// Begins the body that follows these headers, of at most `limit` bytes, both as received and decompressed.
    ///
    /// # Errors
    /// The declared length is too large, or the content coding is one that was not requested.
    pub(super) fn behind(headers: &HeaderMap, limit: usize) -> Result<Self, TransportFailure> {
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > limit as u64) {
            return Err(TransportFailure::TooLarge);
        }
        let plain = Limited { bytes: Vec::new(), limit, is_exceeded: false };
        let content = match encoding(headers).ok_or(TransportFailure::Undecodable)?.as_str() {
            "" | "identity" => BodyContent::Plain(plain),
            // RFC 9110 §8.4.1.3 treats the two as equivalent.
            "gzip" | "x-gzip" => BodyContent::Gzip(Box::new(Gzip { decoder: GzDecoder::new(plain), ended: 0 })),
            _ => return Err(TransportFailure::Undecodable),
        };
        Ok(Self { content, received: 0, limit })
    }

    /// Takes a received chunk and returns the number of bytes by which the body has grown.
    ///
    /// # Errors
    /// The body is too large, or is not compressed as the headers say.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<usize, TransportFailure> {
        self.received = self.received.saturating_add(chunk.len());
        if self.received > self.limit {
            return Err(TransportFailure::TooLarge);
        }
        match &mut self.content {
            BodyContent::Plain(plain) => {
                plain.write_all(chunk).map_err(|_| TransportFailure::TooLarge)?;
                Ok(chunk.len())
            }
            BodyContent::Gzip(gzip) => {
                let before = gzip.plain().bytes.len();
                gzip.inflate(chunk).map_err(|_| gzip.failure())?;
                Ok(gzip.plain().bytes.len() - before)
            }
        }
    }

    /// The whole body, without the byte order mark that some servers send. An empty body of a successful response
    /// counts as missing.
    ///
    /// # Errors
    /// There is no body, or the end of the compressed stream is missing.
    pub(super) fn finish(self, is_success: bool) -> Result<Bytes, TransportFailure> {
        let bytes = match self.content {
            _ if self.received == 0 => Vec::new(),
            BodyContent::Plain(plain) => plain.bytes,
            BodyContent::Gzip(mut gzip) => {
                gzip.decoder.try_finish().map_err(|_| gzip.failure())?;
                std::mem::take(&mut gzip.decoder.get_mut().bytes)
            }
        };
        let bytes = without_byte_order_mark(bytes.into());
        if bytes.is_empty() && is_success { Err(TransportFailure::Empty) } else { Ok(bytes) }
    }
}

/// The only content coding, in lower case; empty for none, and `None` for several.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_ENCODING);
    let text = values.next().map_or(Some(""), |value| value.to_str().ok())?;
    values.next().is_none().then(|| text.trim().to_ascii_lowercase())
}

fn without_byte_order_mark(bytes: Bytes) -> Bytes {
    if bytes.starts_with(BYTE_ORDER_MARK) { bytes.slice(BYTE_ORDER_MARK.len()..) } else { bytes }
}

/// A decoder of gzip members, one after the other.
struct Gzip {
    decoder: GzDecoder<Limited>,
    ended: usize,
}

impl Gzip {
    fn plain(&self) -> &Limited {
        self.decoder.get_ref()
    }

    /// Decompresses a chunk. The decoder passes on 32 KiB at a time, and stops when the limit is reached.
    fn inflate(&mut self, mut compressed: &[u8]) -> io::Result<()> {
        while !compressed.is_empty() {
            let taken = self.decoder.write(compressed)?;
            compressed = compressed.get(taken..).unwrap_or_default();
            if taken == 0 {
                self.begin_member()?;
            }
        }
        Ok(())
    }

    /// Starts the next member after one has ended.
    fn begin_member(&mut self) -> io::Result<()> {
        self.decoder.try_finish()?;
        self.ended += 1;
        if self.ended >= MOST_MEMBERS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let plain = std::mem::take(self.decoder.get_mut());
        self.decoder = GzDecoder::new(plain);
        Ok(())
    }

    fn failure(&self) -> TransportFailure {
        if self.plain().is_exceeded { TransportFailure::TooLarge } else { TransportFailure::Undecodable }
    }
}

/// A buffer that refuses to grow beyond its limit.
#[derive(Default)]
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
    is_exceeded: bool,
}

impl Write for Limited {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if more.len() > self.limit.saturating_sub(self.bytes.len()) {
            self.is_exceeded = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{IncomingBody, TransportFailure};
    use awc::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    const LIMIT: usize = 1 << 20;

    fn behind(encodings: &[&'static str]) -> Result<IncomingBody, TransportFailure> {
        let mut headers = HeaderMap::new();
        for encoding in encodings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        IncomingBody::behind(&headers, LIMIT)
    }

    fn read(encodings: &[&'static str], chunks: &[&[u8]]) -> Result<Bytes, TransportFailure> {
        let mut body = behind(encodings)?;
        chunks.iter().try_for_each(|chunk| body.take(chunk).map(drop))?;
        body.finish(true)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_read_in_whatever_pieces_it_comes() {
        let content: Vec<u8> = (0..LIMIT).map(|number| u8::try_from(number % 251).unwrap()).collect();
        let zipped = gzip(&content);
        for encoding in ["gzip", "x-gzip", "GZip"] {
            assert_eq!(read(&[encoding], &[&zipped]).unwrap(), content, "{encoding}");
        }
        for size in [1, 7, 1000] {
            assert_eq!(read(&["gzip"], &zipped.chunks(size).collect::<Vec<_>>()).unwrap(), content, "{size}");
        }
        assert_eq!(read(&["identity"], &[b"{}"]).unwrap(), "{}");
    }

    #[test]
    fn a_byte_over_the_limit_is_too_much_compressed_or_not() {
        let large = vec![b' '; LIMIT + 1];
        assert_eq!(read(&[], &[&large]), Err(TransportFailure::TooLarge));
        assert_eq!(read(&["gzip"], &[&gzip(&large)]), Err(TransportFailure::TooLarge));
        assert!(read(&["gzip"], &[&gzip(&large[1..])]).is_ok());
    }

    #[test]
    fn a_bomb_takes_no_more_memory_than_the_limit() {
        let mut body = behind(&["gzip"]).unwrap();
        assert_eq!(body.take(&gzip(&vec![b' '; 32 * LIMIT])), Err(TransportFailure::TooLarge));
        let super::BodyContent::Gzip(gzip) = &body.content else { panic!("it is compressed") };
        assert!(gzip.plain().bytes.len() <= LIMIT);
    }

    #[test]
    fn several_members_are_one_body_in_whatever_pieces_they_come() {
        let members = [gzip(b"{\"a\""), gzip(b""), gzip(b":1}")].concat();
        for size in 1..=members.len() {
            assert_eq!(read(&["gzip"], &members.chunks(size).collect::<Vec<_>>()).unwrap(), "{\"a\":1}", "{size}");
        }
        for length in [members.len() - 1, gzip(b"{\"a\"").len() + 5] {
            assert_eq!(read(&["gzip"], &[&members[..length]]), Err(TransportFailure::Undecodable), "{length}");
        }
    }

    #[test]
    fn members_have_one_limit_together_in_bytes_and_in_number() {
        let half = gzip(&vec![b' '; LIMIT / 2 + 1]);
        assert_eq!(read(&["gzip"], &[&half, &half]), Err(TransportFailure::TooLarge));
        let (allowed, many) = (gzip(b"").repeat(super::MOST_MEMBERS - 1), gzip(b"").repeat(super::MOST_MEMBERS + 1));
        assert!(read(&["gzip"], &[&allowed, &gzip(b"{}")]).is_ok());
        assert_eq!(read(&["gzip"], &[&many]), Err(TransportFailure::Undecodable));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_body() {
        let marked = b"\xef\xbb\xbf{}";
        assert_eq!(read(&[], &[&marked[..2], &marked[2..]]).unwrap(), "{}");
        assert_eq!(read(&["gzip"], &[&gzip(marked)]).unwrap(), "{}");
        assert_eq!(read(&[], &[b"\xef\xbb\xbf"]), Err(TransportFailure::Empty));
        assert_eq!(read(&[], &[b"\xef\xbb{}"]).unwrap(), &b"\xef\xbb{}"[..], "half a mark is none");
    }

    #[test]
    fn other_and_several_compressions_are_refused_before_the_body_is_read() {
        for encodings in [&["br"][..], &["deflate"], &["zstd"], &["compress"], &["gzip, gzip"], &["gzip", "gzip"]] {
            assert_eq!(behind(encodings).err(), Some(TransportFailure::Undecodable), "{encodings:?}");
        }
    }

    #[test]
    fn gzip_that_is_cut_changed_or_followed_by_something_is_refused() {
        let zipped = gzip(b"{\"a\":1}");
        let mut changed = zipped.clone();
        let crc = changed.len() - 8;
        changed[crc] ^= 1;
        let followed = [zipped.as_slice(), b"{}"].concat();
        for broken in [&zipped[..zipped.len() - 1], &zipped[..12], &changed, &followed, b"{}"] {
            assert_eq!(read(&["gzip"], &[broken]), Err(TransportFailure::Undecodable), "{broken:x?}");
        }
        assert_eq!(read(&["gzip"], &[]), Err(TransportFailure::Empty));
        assert_eq!(read(&["gzip"], &[&gzip(b"")]), Err(TransportFailure::Empty));
    }
}
