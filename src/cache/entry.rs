//! A finished answer: its bytes in every encoding that is served, its ETag, and its age. A hit decodes nothing, and
//! encodes only what nobody has asked for before.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use aws_lc_rs::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::asked::Places;
use super::freshness::{Freshness, State};

/// Below this many bytes compression costs more than it saves.
const WORTH_COMPRESSING: usize = 1024;

/// Brotli's quality: 5 is near gzip's speed with a smaller result.
const BROTLI_QUALITY: u32 = 5;
/// Bits of the window. A smaller one for a smaller body: its tables are made anew for each.
const BROTLI_WINDOWS: std::ops::RangeInclusive<u32> = 10..=22;

/// Two quotes, 32 digits, a dash and the name of an encoding.
const LONGEST_ETAG: usize = 2 + 32 + 1 + 4;

/// A compressed form is kept if it has at most this part of the body's size, which nearly all JSON has. So much is counted
/// for each from the beginning, since an entry's weight cannot change once it is in the cache.
const SMALLEST_GAIN: usize = 3;

/// What a fetch brings: a JSON document and what belongs in its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// JSON.
    pub body: Bytes,
    /// The `Link` header, for a page of a list.
    pub link: Option<String>,
}

/// A content encoding that answers are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// `gzip`.
    Gzip,
    /// `br`.
    Brotli,
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
}

/// The answer in one encoding: its bytes and their strong entity tag, in quotes.
#[derive(Debug)]
pub struct Form {
    /// The bytes.
    pub body: Bytes,
    /// The `ETag` header.
    pub etag: HeaderValue,
}

impl Form {
    /// Body and tag in one piece of memory, which has as much room as they need: the cache counts it, and a hit that is
    /// one of a million waits for each piece.
    fn new(body: &[u8], etag: &str) -> Self {
        let mut both = Vec::with_capacity(body.len() + etag.len());
        both.extend_from_slice(body);
        both.extend_from_slice(etag.as_bytes());
        let mut body_bytes = Bytes::from(both);
        let etag = body_bytes.split_off(body.len());
        // Digits in quotes are always a header value.
        let etag = HeaderValue::from_maybe_shared(etag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body: body_bytes, etag }
    }
}

/// A finished answer.
#[derive(Debug)]
pub struct Entry {
    identity: Form,
    /// Made when somebody first wants them: a miss need not wait for what nobody wants.
    gzip: OnceLock<Option<Form>>,
    brotli: OnceLock<Option<Form>>,
    link: Option<HeaderValue>,
    stores: Vec<String>,
    freshness: Freshness,
    came_at: Duration,
    age_then: Duration,
    flight: u64,
    kept: AtomicBool,
    refreshing: AtomicBool,
    retired: AtomicBool,
    places: Mutex<Places>,
}

impl Entry {
    /// Finishes a document: computes its tag, and writes what of its head is its own.
    pub(super) fn new(document: Document, freshness: Freshness, stores: Vec<String>, came_at: Duration) -> Self {
        let Document { body, link } = document;
        let tag = tag(&body, link.as_deref());
        Self {
            identity: Form::new(&body, &etag(&tag, Encoding::Identity)),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            // A link that is no header is left out; those of lists are made of what a query may hold.
            link: link.and_then(|link| HeaderValue::try_from(link).ok()),
            stores,
            freshness,
            came_at,
            age_then: Duration::ZERO,
            flight: 0,
            kept: AtomicBool::new(false),
            refreshing: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            places: Mutex::default(),
        }
    }

    /// The answer in this encoding, if it is worth it. Identity always is.
    pub fn form(&self, encoding: Encoding) -> Option<&Form> {
        match encoding {
            Encoding::Identity => Some(&self.identity),
            Encoding::Gzip => self.gzip.get_or_init(|| self.encoded(gzip, encoding)).as_ref(),
            Encoding::Brotli => self.brotli.get_or_init(|| self.encoded(brotli, encoding)).as_ref(),
        }
    }

    /// Makes all forms now.
    pub(super) fn compress(&self) {
        let _made = (self.form(Encoding::Gzip), self.form(Encoding::Brotli));
    }

    fn encoded(&self, encode: fn(&[u8]) -> Option<Vec<u8>>, encoding: Encoding) -> Option<Form> {
        let body = &self.identity.body;
        if body.len() < WORTH_COMPRESSING {
            return None;
        }
        let encoded = encode(body).filter(|encoded| encoded.len() <= body.len() / SMALLEST_GAIN)?;
        Some(Form::new(&encoded, &etag(self.tag(), encoding)))
    }

    /// The tag without its quotes.
    fn tag(&self) -> &str {
        self.identity.etag.to_str().unwrap_or_default().trim_matches('"')
    }

    /// The answer as it is.
    pub const fn identity(&self) -> &Form {
        &self.identity
    }

    /// The `Link` header.
    pub const fn link(&self) -> Option<&HeaderValue> {
        self.link.as_ref()
    }

    /// The stores that the answer is about.
    pub fn stores(&self) -> &[String] {
        &self.stores
    }

    /// How long the answer keeps.
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// How old the answer is.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.came_at).saturating_add(self.age_then)
    }

    /// What may be done with the answer now.
    pub fn state(&self, now: Duration) -> State {
        self.freshness.state(self.age(now))
    }

    /// The same, of an answer that was so old when it came: older than this process, perhaps.
    pub(super) const fn of_age(mut self, age: Duration) -> Self {
        self.age_then = age;
        self
    }

    /// The same, as what the flight of this number brought.
    pub(super) const fn of_flight(mut self, number: u64) -> Self {
        self.flight = number;
        self
    }

    /// The number of the flight that brought it; later flights have larger ones.
    pub(super) const fn flight(&self) -> u64 {
        self.flight
    }

    /// Whether the answer was kept when it came; not when it is too large, or was purged meanwhile.
    pub fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }

    pub(super) fn mark_kept(&self) {
        self.kept.store(true, Ordering::Release);
    }

    /// Whether another answer has taken its place, or none is to be given any more.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// What leads to this entry by what was asked.
    pub(super) fn with_places<T>(&self, work: impl FnOnce(&mut Places) -> T) -> T {
        work(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Claims the refresh of this answer; false when somebody else has it.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Gives the refresh back after it ended.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// The most bytes that the answer may come to hold in memory, besides its key.
    pub(super) fn size(&self) -> usize {
        let body = self.identity.body.len();
        let compressed = if body < WORTH_COMPRESSING { 0 } else { 2 * allocated(body / SMALLEST_GAIN + LONGEST_ETAG) };
        let stores: usize = self.stores.iter().map(|store| allocated(store.len()) + size_of::<String>()).sum();
        let link = self.link.as_ref().map_or(0, |link| allocated(link.len()));
        size_of::<Self>() + allocated(body + LONGEST_ETAG) + compressed + stores + link
    }
}

/// What the allocator takes for so many bytes: its own word, and up to the next multiple of 16.
const fn allocated(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16)
}

/// The link is part of the representation's head, so that it is part of the tag.
fn tag(body: &[u8], link: Option<&str>) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(body);
    digest.update(link.unwrap_or_default().as_bytes());
    let digest = digest.finish();
    let digest = digest.as_ref();
    base16ct::lower::encode_string(digest.get(..16).unwrap_or(digest))
}

/// Each encoding has a tag of its own (RFC 9110 §8.8.3.3).
fn etag(tag: &str, encoding: Encoding) -> String {
    match encoding.name() {
        None => format!("\"{tag}\""),
        Some(name) => format!("\"{tag}-{name}\""),
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoded = Vec::with_capacity(body.len() / 4);
    let window = (body.len().ilog2() + 1).clamp(*BROTLI_WINDOWS.start(), *BROTLI_WINDOWS.end());
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, BROTLI_QUALITY, window);
    encoder.write_all(body).ok()?;
    drop(encoder);
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::{Document, Encoding, Entry, Freshness};
    use bytes::Bytes;
    use std::io::Read;
    use std::time::Duration;

    fn entry(body: &str) -> Entry {
        let document = Document { body: Bytes::from(body.to_owned()), link: None };
        Entry::new(document, Freshness::seconds(30, 0, 0), Vec::new(), Duration::ZERO)
    }

    #[test]
    fn a_long_answer_is_kept_compressed_and_a_short_one_is_not() {
        let long = "{\"a\":1}".repeat(500);
        let kept = entry(&long);
        let mut decoded = String::new();
        flate2::read::GzDecoder::new(kept.form(Encoding::Gzip).unwrap().body.as_ref())
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded, long);
        let mut decoded = String::new();
        brotli::Decompressor::new(kept.form(Encoding::Brotli).unwrap().body.as_ref(), 4096)
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded, long);
        assert!(entry("{}").form(Encoding::Gzip).is_none());
    }

    #[test]
    fn each_encoding_has_a_strong_tag_of_its_own() {
        let long = entry(&"{\"a\":1}".repeat(500));
        let tag = |encoding| long.form(encoding).unwrap().etag.to_str().unwrap().to_owned();
        let tags = [Encoding::Identity, Encoding::Gzip, Encoding::Brotli].map(tag);
        assert!(tags.iter().all(|tag| tag.starts_with('"') && tag.ends_with('"')));
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
        assert_ne!(entry("{}").identity().etag, entry("[]").identity().etag);
    }
}
