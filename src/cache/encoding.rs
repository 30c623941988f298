//! Content encodings: which there are, what is worth encoding, and the work itself, which no worker thread does.

use std::io::Write;
use std::sync::LazyLock;
use std::thread;

use actix_web::rt::task::spawn_blocking;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

/// Below this many bytes compression costs more than it saves.
pub(super) const WORTH_ENCODING: usize = 1024;

/// A compressed form is kept if it has at most this part of the body's size, which nearly all JSON has. So much is counted
/// for each from the beginning, since an entry's weight cannot change once it is in the cache.
pub(super) const SMALLEST_GAIN: usize = 3;

/// Bits of brotli's window. Up to 16 it searches by tables of 32 MiB that it fills with zeros for each body, 20 times the
/// time of the rest; from 18 on its tables have a megabyte.
const BROTLI_WINDOW: std::ops::RangeInclusive<u32> = 18..=22;

/// An encoder takes a core and megabytes: as many as there are cores get through as much as any number.
static ENCODERS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(2, usize::from)));

/// A content encoding that answers are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// `gzip`.
    Gzip,
    /// `br`.
    Brotli,
}

/// How much time a smaller result is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// The result is given to many.
    ForMany,
    /// It is given once.
    ForOne,
}

impl Encoding {
    /// The name in `Content-Encoding`; none for identity.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// Encodes a body. It may take milliseconds: see [`elsewhere`].
    pub(super) fn encode(self, body: &[u8], effort: Effort) -> Option<Vec<u8>> {
        match self {
            Self::Identity => None,
            Self::Gzip => gzip(body, effort),
            Self::Brotli => brotli(body, effort),
        }
    }
}

/// Does this on a thread that serves nobody, when an encoder is free. `is_done` says whether somebody else has done it
/// meanwhile. Gives nothing then, or when the process ends.
pub(super) async fn elsewhere<T: Send + 'static>(
    is_done: impl Fn() -> bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    // It is never closed.
    let encoder = ENCODERS.acquire().await.ok()?;
    if is_done() {
        return None;
    }
    let job = move || {
        // Until the work ends: a caller who leaves meanwhile does not end it.
        let _encoder = encoder;
        work()
    };
    spawn_blocking(job).await.ok()
}

fn gzip(body: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let level = match effort {
        Effort::ForMany => Compression::default(),
        Effort::ForOne => Compression::fast(),
    };
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Quality 5 is near gzip's speed with a smaller result, and 3 is near that of gzip's fastest level.
fn brotli(body: &[u8], effort: Effort) -> Option<Vec<u8>> {
    let quality = match effort {
        Effort::ForMany => 5,
        Effort::ForOne => 3,
    };
    let mut encoded = Vec::with_capacity(body.len() / 4);
    let window = (body.len().max(1).ilog2() + 1).clamp(*BROTLI_WINDOW.start(), *BROTLI_WINDOW.end());
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, quality, window);
    encoder.write_all(body).ok()?;
    drop(encoder);
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::{Effort, Encoding, elsewhere};
    use std::io::Read;
    use std::thread;

    fn decoded(encoding: Encoding, encoded: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        match encoding {
            Encoding::Identity => decoded.extend_from_slice(encoded),
            Encoding::Gzip => drop(flate2::read::GzDecoder::new(encoded).read_to_end(&mut decoded).unwrap()),
            Encoding::Brotli => drop(brotli::Decompressor::new(encoded, 4096).read_to_end(&mut decoded).unwrap()),
        }
        decoded
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        for length in [0, 1, 7, 1024, 70_000] {
            let body: Vec<u8> = (0..length).map(|at: u32| b"{\"a\":12,\"b\":null}"[at as usize % 17]).collect();
            for encoding in [Encoding::Gzip, Encoding::Brotli] {
                for effort in [Effort::ForMany, Effort::ForOne] {
                    let encoded = encoding.encode(&body, effort).unwrap();
                    assert_eq!(decoded(encoding, &encoded), body, "{length} {encoding:?} {effort:?}");
                }
            }
        }
        assert_eq!(Encoding::Identity.encode(b"a", Effort::ForOne), None);
    }

    #[actix_web::test]
    async fn work_is_done_on_another_thread_and_not_if_it_is_done_already() {
        let here = thread::current().id();
        assert_ne!(elsewhere(|| false, || thread::current().id()).await, Some(here));
        assert_eq!(elsewhere(|| true, || ()).await, None);
    }
}
