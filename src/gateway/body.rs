//! The body of an answer, decompressed and counted here: the client library's decoders inflate all that has come before
//! anybody can count it, so that a kilobyte from a hostile gateway could take hundreds of megabytes and stop a worker.

use std::io::{self, Write};

use awc::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use bytes::Bytes;
use flate2::write::GzDecoder;

use super::transport_failure::TransportFailure;

/// The only compression that is asked for and understood.
pub(super) const ACCEPTED: &str = "gzip";

/// A body that is being received.
pub(super) struct Body {
    content: Content,
    /// What the head says, of the bytes as they are sent.
    promised: Option<usize>,
    received: usize,
    limit: usize,
}

enum Content {
    Plain(Limited),
    Gzip(Box<GzDecoder<Limited>>),
}

impl Body {
    /// The body behind this head, of at most `limit` bytes, compressed or not.
    ///
    /// # Errors
    /// It is promised to be larger, or compressed in another way than was asked for.
    pub(super) fn behind(headers: &HeaderMap, limit: usize) -> Result<Self, TransportFailure> {
        let promised = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if promised.is_some_and(|promised: usize| promised > limit) {
            return Err(TransportFailure::TooLarge);
        }
        let plain = Limited { bytes: Vec::new(), limit, is_exceeded: false };
        let content = match encoding(headers).ok_or(TransportFailure::Undecodable)?.as_str() {
            "" | "identity" => Content::Plain(plain),
            // RFC 9110 §8.4.1.3 wants the two to be one.
            "gzip" | "x-gzip" => Content::Gzip(Box::new(GzDecoder::new(plain))),
            _ => return Err(TransportFailure::Undecodable),
        };
        Ok(Self { content, promised, received: 0, limit })
    }

    /// Takes what has come, and tells by how much the body has grown.
    ///
    /// # Errors
    /// It is too much, or is not compressed as the head says.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<usize, TransportFailure> {
        self.received = self.received.saturating_add(chunk.len());
        if self.received > self.limit {
            return Err(TransportFailure::TooLarge);
        }
        match &mut self.content {
            Content::Plain(plain) => {
                plain.write_all(chunk).map_err(|_| TransportFailure::TooLarge)?;
                Ok(chunk.len())
            }
            Content::Gzip(decoder) => {
                let before = decoder.get_ref().bytes.len();
                // The decoder hands on 32 KiB at a time, and stops when no more is taken.
                decoder.write_all(chunk).map_err(|_| gzip_failure(decoder))?;
                Ok(decoder.get_ref().bytes.len() - before)
            }
        }
    }

    /// All of it. A body cut short is given as complete by the client library, and one whose head does not tell its length
    /// as empty; so its length is compared with the one promised, and an empty one of an answer that succeeded is taken
    /// for none.
    ///
    /// # Errors
    /// There is less than was promised, or nothing, or the end of the compressed form is missing.
    pub(super) fn finish(self, is_success: bool) -> Result<Bytes, TransportFailure> {
        if self.promised.is_some_and(|promised| promised != self.received) {
            return Err(TransportFailure::CutShort);
        }
        let bytes = match self.content {
            _ if self.received == 0 => Vec::new(),
            Content::Plain(plain) => plain.bytes,
            Content::Gzip(mut decoder) => {
                decoder.try_finish().map_err(|_| gzip_failure(&decoder))?;
                std::mem::take(&mut decoder.get_mut().bytes)
            }
        };
        if bytes.is_empty() && is_success { Err(TransportFailure::Empty) } else { Ok(bytes.into()) }
    }
}

/// The only content coding, in small letters; empty for none, and nothing for several.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_ENCODING);
    let text = values.next().map_or(Some(""), |value| value.to_str().ok())?;
    values.next().is_none().then(|| text.trim().to_ascii_lowercase())
}

fn gzip_failure(decoder: &GzDecoder<Limited>) -> TransportFailure {
    if decoder.get_ref().is_exceeded { TransportFailure::TooLarge } else { TransportFailure::Undecodable }
}

/// Memory that takes so much and no more.
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
    use super::{Body, TransportFailure};
    use awc::http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    const LIMIT: usize = 1 << 20;

    fn behind(encodings: &[&'static str]) -> Result<Body, TransportFailure> {
        let mut headers = HeaderMap::new();
        for encoding in encodings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        Body::behind(&headers, LIMIT)
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
        let super::Content::Gzip(decoder) = &body.content else { panic!("it is compressed") };
        assert!(decoder.get_ref().bytes.len() <= LIMIT);
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
