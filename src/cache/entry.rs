//! A finished answer: its bytes in every encoding that is served, its ETag, and its age. A hit neither decodes nor
//! encodes anything.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::freshness::{Freshness, State};

/// Below this many bytes compression costs more than it saves.
const WORTH_COMPRESSING: usize = 1024;

/// Brotli's quality: 5 is near gzip's speed with a smaller result.
const BROTLI_QUALITY: u32 = 5;
const BROTLI_WINDOW: u32 = 22;

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

/// A finished answer.
#[derive(Debug)]
pub struct Entry {
    document: Document,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
    tag: String,
    stores: Vec<String>,
    freshness: Freshness,
    stored_at: Duration,
    flight: u64,
    kept: AtomicBool,
    refreshing: AtomicBool,
}

impl Entry {
    /// Finishes a document: compresses it and computes its tag.
    pub(super) fn new(document: Document, freshness: Freshness, stores: Vec<String>, stored_at: Duration) -> Self {
        let worth = document.body.len() >= WORTH_COMPRESSING;
        let smaller = |encoded: Option<Vec<u8>>| {
            encoded.filter(|encoded| worth && encoded.len() < document.body.len()).map(Bytes::from)
        };
        let gzip = smaller(worth.then(|| gzip(&document.body)).flatten());
        let brotli = smaller(worth.then(|| brotli(&document.body)).flatten());
        let tag = tag(&document);
        Self {
            gzip,
            brotli,
            tag,
            document,
            stores,
            freshness,
            stored_at,
            flight: 0,
            kept: AtomicBool::new(false),
            refreshing: AtomicBool::new(false),
        }
    }

    /// The bytes in this encoding, if they are kept in it.
    pub fn body(&self, encoding: Encoding) -> Option<Bytes> {
        match encoding {
            Encoding::Identity => Some(self.document.body.clone()),
            Encoding::Gzip => self.gzip.clone(),
            Encoding::Brotli => self.brotli.clone(),
        }
    }

    /// The strong entity tag of the bytes in this encoding, in quotes.
    pub fn etag(&self, encoding: Encoding) -> String {
        match encoding.name() {
            None => format!("\"{}\"", self.tag),
            Some(name) => format!("\"{}-{name}\"", self.tag),
        }
    }

    /// The `Link` header.
    pub fn link(&self) -> Option<&str> {
        self.document.link.as_deref()
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
        now.saturating_sub(self.stored_at)
    }

    /// What may be done with the answer now.
    pub fn state(&self, now: Duration) -> State {
        self.freshness.state(self.age(now))
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

    /// Claims the refresh of this answer; false when somebody else has it.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Gives the refresh back after it ended.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// Bytes that the answer holds in memory, besides its key.
    pub(super) fn size(&self) -> usize {
        let encoded = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let stores: usize = self.stores.iter().map(|store| store.len() + size_of::<String>()).sum();
        let head = self.tag.len() + self.document.link.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.document.body.len() + encoded(&self.gzip) + encoded(&self.brotli) + stores + head
    }
}

/// The link is part of the representation's head, so that it is part of the tag.
fn tag(document: &Document) -> String {
    let digest = Sha256::new()
        .chain_update(&document.body)
        .chain_update(document.link.as_deref().unwrap_or_default())
        .finalize();
    base16ct::lower::encode_string(digest.get(..16).unwrap_or(&digest))
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn brotli(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoded = Vec::with_capacity(body.len() / 4);
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
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
        flate2::read::GzDecoder::new(kept.body(Encoding::Gzip).unwrap().as_ref()).read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, long);
        let mut decoded = String::new();
        brotli::Decompressor::new(kept.body(Encoding::Brotli).unwrap().as_ref(), 4096)
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded, long);
        assert!(entry("{}").body(Encoding::Gzip).is_none());
    }

    #[test]
    fn each_encoding_has_a_strong_tag_of_its_own() {
        let kept = entry("{}");
        assert_ne!(kept.etag(Encoding::Identity), kept.etag(Encoding::Gzip));
        assert!(kept.etag(Encoding::Identity).starts_with('"'));
        assert_ne!(kept.etag(Encoding::Identity), entry("[]").etag(Encoding::Identity));
    }
}
