//! A cache entry: the response body in every encoding that was requested so far, its ETag and its age. A cache hit
//! decodes and encodes nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use bytes::Bytes;

use super::encoding::{Effort, SMALLEST_GAIN, WORTH_ENCODING, elsewhere, encode};
use super::freshness::{Freshness, FreshnessState};
use super::request_memo::EntrySlots;
use crate::sha256::sha256_half;

/// Two "not found" answers of a fetch within this time count as one mistake.
pub(super) const CONFIRMED_AFTER: Duration = Duration::from_secs(1);

/// Length in bytes: two quotes, 32 digits, a dash and the name of an encoding.
const LONGEST_ETAG: usize = 2 + 32 + 1 + 4;

/// The result of a fetch: a JSON body and the headers that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedBody {
    /// The JSON body.
    pub body: Bytes,
    /// The `Link` header, for a page of a list.
    pub link: Option<String>,
    /// An upper bound of the freshness, where it is shorter than the lookup's.
    pub max_freshness: Option<Freshness>,
}

/// What a fetch hands to the cache.
#[derive(Clone, Debug)]
pub struct FetchResult<E> {
    /// The fetched body.
    pub document: FetchedBody,
    /// The failure that an empty answer may stand for. If an older response has content, this failure must be confirmed
    /// by a second fetch before it is believed.
    pub suspicion: Option<E>,
}

impl<E> From<FetchedBody> for FetchResult<E> {
    fn from(document: FetchedBody) -> Self {
        Self { document, suspicion: None }
    }
}

/// A content encoding of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The plain body.
    Identity,
    /// `gzip`.
    Gzip,
    /// `br`.
    Brotli,
}

impl Encoding {
    /// Returns the name in `Content-Encoding`, or `None` for identity.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// A response body in one encoding, with its strong entity tag in quotes. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Representation {
    /// The encoded body.
    pub body: Bytes,
    /// The `ETag` header.
    pub etag: HeaderValue,
    /// The encoding of the body.
    pub encoding: Encoding,
}

impl Representation {
    /// Puts body and tag into one allocation without spare capacity. The cache counts exactly that size, and a hit on
    /// one of a million entries waits for each separate piece of memory.
    fn new(body: &[u8], tag: &EntityTag, encoding: Encoding) -> Self {
        let etag = tag.header(encoding);
        let mut both = Vec::with_capacity(body.len() + etag.len());
        both.extend_from_slice(body);
        both.extend_from_slice(etag.as_bytes());
        let mut body_bytes = Bytes::from(both);
        let etag = body_bytes.split_off(body.len());
        // Hexadecimal digits in quotes are always a valid header value.
        let etag = HeaderValue::from_maybe_shared(etag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body: body_bytes, etag, encoding }
    }
}

/// A response that is ready to be served.
#[derive(Debug)]
pub struct CacheEntry {
    /// The representation without encoding.
    pub identity: Representation,
    /// The encoded forms are made on first use.
    gzip: OnceLock<Option<Representation>>,
    brotli: OnceLock<Option<Representation>>,
    effort: Effort,
    /// The `Link` header.
    pub link: Option<HeaderValue>,
    /// The ids of the stores that the response is about.
    pub stores: Vec<String>,
    /// How long the response may be served.
    pub freshness: Freshness,
    received_at: Duration,
    age_at_receipt: Duration,
    /// The number of the single flight that fetched the response. Later flights have larger numbers.
    pub(super) flight: u64,
    cached: AtomicBool,
    refreshing: AtomicBool,
    retired: AtomicBool,
    /// Time at which a fetch first said that the resource does not exist.
    not_found_at: OnceLock<Duration>,
    memo_slots: Mutex<EntrySlots>,
}

impl CacheEntry {
    /// Builds an entry from a fetched body: computes its entity tag and its headers.
    pub(super) fn new(document: FetchedBody, freshness: Freshness, stores: Vec<String>, came_at: Duration) -> Self {
        let FetchedBody { body, link, .. } = document;
        let tag = EntityTag::of_bytes([&*body, link.as_deref().unwrap_or_default().as_bytes()]);
        let identity = Representation::new(&body, &tag, Encoding::Identity);
        // A link that is no valid header value is left out. Links of lists consist of characters that a query may
        // contain.
        let link = link.and_then(|link| HeaderValue::try_from(link).ok());
        Self { link, stores, ..Self::of_representation(identity, Effort::ForMany, freshness, came_at) }
    }

    /// Builds an entry that is served once and never cached. The caller supplies the tag, so that the body need not be
    /// read for it.
    pub(super) fn uncached(body: Vec<u8>, tag: &EntityTag, freshness: Freshness, came_at: Duration) -> Self {
        let encoding = Encoding::Identity;
        let identity = Representation { body: body.into(), etag: tag.header_value(encoding), encoding };
        Self::of_representation(identity, Effort::ForOne, freshness, came_at)
    }

    fn of_representation(identity: Representation, effort: Effort, freshness: Freshness, came_at: Duration) -> Self {
        Self {
            identity,
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            effort,
            link: None,
            stores: Vec::new(),
            freshness,
            received_at: came_at,
            age_at_receipt: Duration::ZERO,
            flight: 0,
            cached: AtomicBool::new(false),
            refreshing: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            not_found_at: OnceLock::new(),
            memo_slots: Mutex::default(),
        }
    }

    /// Returns the representation in this encoding as far as it is made: `Some(None)` where encoding is not worthwhile,
    /// and `None` if nobody has requested this encoding yet.
    pub fn made(&self, encoding: Encoding) -> Option<Option<&Representation>> {
        let slot = match encoding {
            Encoding::Identity => return Some(Some(&self.identity)),
            _ if self.identity.body.len() < WORTH_ENCODING => return Some(None),
            Encoding::Gzip => &self.gzip,
            Encoding::Brotli => &self.brotli,
        };
        slot.get().map(Option::as_ref)
    }

    /// Returns the representation in this encoding if that is worthwhile, and makes it on first use.
    pub async fn representation(self: &Arc<Self>, encoding: Encoding) -> Option<&Representation> {
        if self.made(encoding).is_none() {
            let entry = self.clone();
            let _made = elsewhere(|| self.made(encoding).is_some(), move || entry.make(encoding)).await;
        }
        self.made(encoding).flatten()
    }

    /// Encodes the body for a caller who accepts no other encoding, even if it is not worthwhile. The result is not
    /// cached.
    pub async fn representation_at_any_cost(&self, encoding: Encoding) -> Option<Representation> {
        let (body, effort, etag) = (self.identity.body.clone(), self.effort, self.etag(encoding));
        let encoded = elsewhere(|| false, move || encode(&body, encoding, effort)).await;
        encoded.flatten().map(|encoded| Representation { body: encoded.into(), etag, encoding })
    }

    /// Returns the entity tag of the representation in this encoding.
    pub fn etag(&self, encoding: Encoding) -> HeaderValue {
        self.tag().header_value(encoding)
    }

    fn tag(&self) -> EntityTag {
        let own = self.identity.etag.to_str().unwrap_or_default();
        EntityTag(own.trim_matches('"').to_owned())
    }

    fn make(&self, encoding: Encoding) {
        let slot = match encoding {
            Encoding::Identity => return,
            Encoding::Gzip => &self.gzip,
            Encoding::Brotli => &self.brotli,
        };
        slot.get_or_init(|| {
            let body = &self.identity.body;
            let encoded = encode(body, encoding, self.effort);
            let encoded = encoded.filter(|encoded| encoded.len() <= body.len() / SMALLEST_GAIN)?;
            Some(Representation::new(&encoded, &self.tag(), encoding))
        });
    }

    /// Returns the age of the response.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.received_at).saturating_add(self.age_at_receipt)
    }

    /// Returns the time on the clock's own scale at which the response stops being fresh, but no earlier than
    /// `at_least` after its receipt.
    pub fn fresh_until(&self, at_least: Duration) -> Duration {
        let fresh = self.freshness.fresh.saturating_sub(self.age_at_receipt);
        self.received_at.saturating_add(fresh.max(at_least))
    }

    /// Whether the response may be served as it is.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        !self.is_retired() && self.age(now) < self.freshness.fresh
    }

    /// Returns the freshness state of the response.
    pub fn state(&self, now: Duration) -> FreshnessState {
        self.freshness.state(self.age(now))
    }

    /// Sets the age that the response had at receipt; it may be older than this process.
    pub(super) const fn of_age(mut self, age: Duration) -> Self {
        self.age_at_receipt = age;
        self
    }

    /// Sets the number of the single flight that fetched the response.
    pub(super) const fn of_flight(mut self, number: u64) -> Self {
        self.flight = number;
        self
    }

    /// Whether the response was cached at receipt. It is not if it is too large or was purged meanwhile.
    pub fn is_cached(&self) -> bool {
        self.cached.load(Ordering::Acquire)
    }

    pub(super) fn mark_cached(&self) {
        self.cached.store(true, Ordering::Release);
    }

    /// Whether the response was replaced or must not be served any more.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Records that a fetch says now that the resource does not exist.
    pub(super) fn record_not_found(&self, now: Duration) {
        self.not_found_at.get_or_init(|| now);
    }

    /// Whether a fetch that says now that the resource does not exist is believed: an earlier fetch has said so at
    /// least [`CONFIRMED_AFTER`] ago.
    pub(super) fn is_refuted(&self, now: Duration) -> bool {
        self.not_found_at.get().is_some_and(|not_found_at| now.saturating_sub(*not_found_at) >= CONFIRMED_AFTER)
    }

    /// Gives `work` access to the memo slots that lead to this entry.
    pub(super) fn with_places<T>(&self, work: impl FnOnce(&mut EntrySlots) -> T) -> T {
        work(&mut self.memo_slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Claims the refresh of this entry. Returns `false` if another caller has claimed it.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Releases the refresh after it ended.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// Returns the most bytes that the entry may come to occupy, without its key.
    pub(super) fn size(&self) -> usize {
        let body = self.identity.body.len();
        let compressed = if body < WORTH_ENCODING { 0 } else { 2 * allocated(body / SMALLEST_GAIN + LONGEST_ETAG) };
        let stores: usize = self.stores.iter().map(|store| allocated(store.len()) + size_of::<String>()).sum();
        let link = self.link.as_ref().map_or(0, |link| allocated(link.len()));
        size_of::<Self>() + allocated(body + LONGEST_ETAG) + compressed + stores + link
    }
}

/// Returns the bytes that the allocator occupies for a request: its own word, rounded up to a multiple of 16.
const fn allocated(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16)
}

/// The opaque part of an entity tag, before an encoding is appended to make the `ETag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// Hashes these parts, one after the other. The link is part of the representation's headers, so it is part of its
    /// tag.
    pub fn of_bytes<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> Self {
        Self(base16ct::lower::encode_string(&sha256_half(parts)))
    }

    /// Formats the tag for an encoding. Each encoding has a tag of its own (RFC 9110 §8.8.3.3).
    fn header(&self, encoding: Encoding) -> String {
        let tag = &self.0;
        match encoding.name() {
            None => format!("\"{tag}\""),
            Some(name) => format!("\"{tag}-{name}\""),
        }
    }

    fn header_value(&self, encoding: Encoding) -> HeaderValue {
        // Hexadecimal digits in quotes are always a valid header value.
        HeaderValue::try_from(self.header(encoding)).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheEntry, Encoding, EntityTag, FetchedBody, Freshness};
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use std::io::Read;
    use std::sync::Arc;
    use std::time::Duration;

    const FRESHNESS: Freshness = Freshness::seconds(30, 0, 0);

    fn entry(body: &str) -> Arc<CacheEntry> {
        let document = FetchedBody { body: Bytes::from(body.to_owned()), link: None, max_freshness: None };
        Arc::new(CacheEntry::new(document, FRESHNESS, Vec::new(), Duration::ZERO))
    }

    #[test]
    fn the_end_of_freshness_counts_from_the_arrival_and_the_age_at_it() {
        let new = || {
            CacheEntry::new(
                FetchedBody { body: Bytes::new(), link: None, max_freshness: None },
                FRESHNESS,
                Vec::new(),
                seconds(100),
            )
        };
        assert_eq!(new().fresh_until(Duration::ZERO), seconds(130));
        assert_eq!(new().of_age(seconds(20)).fresh_until(Duration::ZERO), seconds(110));
        assert_eq!(new().of_age(seconds(29)).fresh_until(seconds(5)), seconds(105), "not before the shortest pause");
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn long() -> String {
        "{\"a\":1}".repeat(500)
    }

    fn unzipped(gzip: &[u8]) -> String {
        let mut decoded = String::new();
        flate2::read::GzDecoder::new(gzip).read_to_string(&mut decoded).unwrap();
        decoded
    }

    #[actix_web::test]
    async fn a_long_answer_is_compressed_and_a_short_one_is_not() {
        let entry_of_long = entry(&long());
        assert_eq!(unzipped(&entry_of_long.representation(Encoding::Gzip).await.unwrap().body), long());
        let mut decoded = String::new();
        let form = entry_of_long.representation(Encoding::Brotli).await.unwrap();
        brotli::Decompressor::new(form.body.as_ref(), 4096).read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, long());
        assert!(entry("{}").representation(Encoding::Gzip).await.is_none());
    }

    #[test]
    fn a_form_is_made_when_somebody_wants_it_once_and_on_no_workers_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let entry = entry(&long());
            for encoding in [Encoding::Gzip, Encoding::Brotli] {
                // While the only other thread is busy, nothing is encoded.
                let (release, released) = std::sync::mpsc::channel::<()>();
                let busy = tokio::task::spawn_blocking(move || released.recv());
                assert!(entry.made(encoding).is_none());
                assert!(entry.representation(encoding).now_or_never().is_none(), "it was made on this thread");
                release.send(()).unwrap();
                busy.await.unwrap().unwrap();
                let made = entry.representation(encoding).await.unwrap().body.as_ptr();
                let again = entry.representation(encoding).now_or_never().expect("it is there").unwrap().body.as_ptr();
                assert_eq!(made, again);
            }
        });
    }

    #[actix_web::test]
    async fn many_requests_for_the_same_encoding_get_the_same_bytes() {
        let entry = entry(&long());
        let forms = futures_util::future::join_all((0..64).map(|_| entry.representation(Encoding::Brotli))).await;
        assert!(forms.iter().all(|form| form.unwrap().body.as_ptr() == forms[0].unwrap().body.as_ptr()));
    }

    #[actix_web::test]
    async fn a_client_that_accepts_one_encoding_gets_even_a_short_body_in_it() {
        let short = entry("{}");
        let form = short.representation_at_any_cost(Encoding::Gzip).await.unwrap();
        assert_eq!((unzipped(&form.body).as_str(), &form.etag), ("{}", &short.etag(Encoding::Gzip)));
        assert!(short.representation_at_any_cost(Encoding::Identity).await.is_none());
    }

    #[actix_web::test]
    async fn each_encoding_has_a_strong_tag_of_its_own_that_is_known_beforehand() {
        let long = entry(&long());
        let mut tags = Vec::new();
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Brotli] {
            let tag = long.representation(encoding).await.unwrap().etag.clone();
            assert_eq!(tag, long.etag(encoding));
            assert!(tag.as_bytes().starts_with(b"\"") && tag.as_bytes().ends_with(b"\""), "{tag:?}");
            tags.push(tag);
        }
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
        assert_ne!(entry("{}").identity.etag, entry("[]").identity.etag);
    }

    #[actix_web::test]
    async fn an_answer_that_is_given_once_has_the_tag_that_it_was_given() {
        let tag = EntityTag::of_bytes([&b"a"[..], b"b"]);
        let body = long().into_bytes();
        let entry = Arc::new(CacheEntry::uncached(body, &tag, FRESHNESS, Duration::ZERO));
        assert_eq!(entry.identity.etag, *format!("\"{}\"", tag.0));
        assert_eq!(unzipped(&entry.representation(Encoding::Gzip).await.unwrap().body), long());
    }
}
