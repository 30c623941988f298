//! Encodes the bodies of responses: when that is worthwhile, and the encoding itself, which runs outside the worker
//! threads.

use std::io::Write;
use std::sync::LazyLock;
use std::thread;

use actix_web::rt::task::spawn_blocking;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use super::Encoding;

/// Bodies shorter than this, in bytes, are not encoded: compression would cost more than it saves.
pub(super) const WORTH_ENCODING: usize = 1024;

/// A compressed body is stored if it is at most `1 / SMALLEST_GAIN` of the plain body's size, which holds for nearly
/// all JSON. That much is counted for each encoding from the beginning, since an entry's weight cannot change once it
/// is in the cache.
pub(super) const SMALLEST_GAIN: usize = 3;

/// Range of brotli's window size, in bits. Up to 16 bits brotli searches with tables of 32 MiB that it fills with zeros
/// for each body, which takes 20 times as long as the rest. From 18 bits on the tables take one megabyte.
const BROTLI_WINDOW: std::ops::RangeInclusive<u32> = 18..=22;

/// Limits concurrent encoders to the number of cores. An encoder occupies a core and megabytes, so more of them would
/// not be faster.
static ENCODERS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(2, usize::from)));

/// How much CPU time a smaller result is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// The result is served to many callers.
    ForMany,
    /// The result is served once.
    ForOne,
}

/// Encodes a body. This may take milliseconds: see [`elsewhere`].
pub(super) fn encode(body: &[u8], encoding: Encoding, effort: Effort) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Identity => None,
        Encoding::Gzip => gzip(body, effort),
        Encoding::Brotli => brotli(body, effort),
    }
}

/// Runs `work` on a blocking thread as soon as an encoder is free. Returns `None` if `is_done` says by then that
/// another caller has done the work, or if the process ends.
pub(super) async fn elsewhere<T: Send + 'static>(
    is_done: impl Fn() -> bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    // The semaphore is never closed.
    let encoder = ENCODERS.acquire().await.ok()?;
    if is_done() {
        return None;
    }
    let job = move || {
        // The permit is held until the work ends: a caller who disconnects does not end the work.
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

/// Quality 5 is about as fast as gzip's default level with a smaller result. Quality 3 is about as fast as gzip's
/// fastest level.
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
    use super::{Effort, elsewhere, encode};
    use crate::cache::Encoding;
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
                    let encoded = encode(&body, encoding, effort).unwrap();
                    assert_eq!(decoded(encoding, &encoded), body, "{length} {encoding:?} {effort:?}");
                }
            }
        }
        assert_eq!(encode(b"a", Encoding::Identity, Effort::ForOne), None);
    }

    #[actix_web::test]
    async fn work_is_done_on_another_thread_and_not_if_it_is_done_already() {
        let here = thread::current().id();
        assert_ne!(elsewhere(|| false, || thread::current().id()).await, Some(here));
        assert_eq!(elsewhere(|| true, || ()).await, None);
    }
}
