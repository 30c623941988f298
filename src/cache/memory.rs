//! The cache's memory on moka: the answers, the flights that bring them, and failures that are remembered for a moment.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use super::entry::{Document, Entry};
use super::freshness::Freshness;
use super::{Failure, Key, Question};
use crate::settings::Section;

/// What moka and our maps hold for an entry besides the bytes we can count.
const ENTRY_OVERHEAD: usize = 256;

/// An answer larger than this part of the cache is served, but not kept.
const LARGEST_PART: u64 = 8;

const MOST_FAILURES: u64 = 10_000;
const LONGEST_FAILURE: Duration = Duration::from_secs(60);

/// `[cache]`: how much is kept.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// `size`: bytes of answers to keep. Default `256MiB`.
    pub size: u64,
    /// `slow_after`: how long a caller waits for the gateway when there is an older answer to give. Default `200ms`.
    pub slow_after: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { size: 256 << 20, slow_after: Duration::from_millis(200) }
    }
}

impl CacheSettings {
    /// Reads the section's own keys; freshness is read beside the resources.
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        Self {
            size: section.size("size", default.size),
            slow_after: section.duration("slow_after", default.slow_after),
        }
    }
}

#[derive(Clone)]
struct Remembered<E> {
    failure: E,
    until: Duration,
}

/// The three maps, shared by all workers.
#[derive(Clone)]
pub(super) struct Memory<E: Failure> {
    answers: Cache<Key, Arc<Entry>>,
    flights: Cache<Key, Arc<Entry>>,
    failures: Cache<Key, Remembered<E>>,
    largest: usize,
    started: Arc<AtomicU64>,
    purges: Arc<Mutex<HashMap<String, u64>>>,
}

/// What is known when a flight starts, to be held against what is when it lands.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// The flight's number; later flights have larger ones.
    number: u64,
    /// Purges of the tenant before. A fetch that began before a purge may bring what was to be dropped.
    pub(super) purges: u64,
}

impl<E: Failure> Memory<E> {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let answers = Cache::builder()
            .max_capacity(settings.size)
            .weigher(|key: &Key, entry: &Arc<Entry>| weight(key, entry))
            .expire_after(UntilUseless)
            .build();
        let failures = Cache::builder().max_capacity(MOST_FAILURES).time_to_live(LONGEST_FAILURE).build();
        let largest = usize::try_from(settings.size / LARGEST_PART).unwrap_or(usize::MAX);
        Self {
            answers,
            flights: Cache::builder().build(),
            failures,
            largest,
            started: Arc::default(),
            purges: Arc::default(),
        }
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.answers.get(key).await
    }

    /// A failure of this question that is still remembered.
    pub(super) async fn failure(&self, key: &Key, now: Duration) -> Option<E> {
        let remembered = self.failures.get(key).await?;
        (now < remembered.until).then_some(remembered.failure)
    }

    /// Runs `fetch` unless one for this key runs already, and gives all of them the same outcome.
    pub(super) async fn fly<F>(&self, key: Key, fetch: F) -> Result<Arc<Entry>, E>
    where
        F: Future<Output = Result<Arc<Entry>, E>>,
    {
        let landed = self.flights.try_get_with_by_ref(&key, fetch).await;
        // A flight ends with its landing; the answer lives on in `answers`.
        self.flights.invalidate(&key).await;
        landed.map_err(|failure: Arc<E>| E::clone(&failure))
    }

    /// The start of a flight for a tenant.
    pub(super) fn start(&self, tenant: &str) -> Start {
        Start { number: self.started.fetch_add(1, Ordering::AcqRel) + 1, purges: self.purges(tenant) }
    }

    fn count_purge(&self, tenant: &str) {
        let mut purges = self.purges.lock().unwrap_or_else(PoisonError::into_inner);
        *purges.entry(tenant.to_owned()).or_default() += 1;
    }

    fn purges(&self, tenant: &str) -> u64 {
        let purges = self.purges.lock().unwrap_or_else(PoisonError::into_inner);
        purges.get(tenant).copied().unwrap_or_default()
    }

    /// Keeps what a fetch brought: an answer, or the failure for a moment; nothing when there was a purge meanwhile.
    pub(super) async fn land(
        &self,
        question: Question,
        outcome: Result<Document, E>,
        now: Duration,
        start: Start,
    ) -> Result<Arc<Entry>, E> {
        match outcome {
            Ok(document) => Ok(self.keep_answer(question, document, now, start).await),
            Err(failure) => {
                self.keep_failure(&question.key, &failure, now, start).await;
                Err(failure)
            }
        }
    }

    /// A purge that came between the look and the insertion takes back what was inserted, and nothing else.
    fn was_purged(&self, key: &Key, start: Start) -> bool {
        self.purges(key.tenant()) != start.purges
    }

    async fn keep_answer(&self, question: Question, document: Document, now: Duration, start: Start) -> Arc<Entry> {
        let Question { key, freshness, stores, .. } = question;
        let entry = finish(document, freshness, stores, now).await;
        let entry = Arc::new(entry.of_flight(start.number));
        self.failures.invalidate(&key).await;
        let newer = self.answers.get(&key).await.is_some_and(|kept| kept.flight() > start.number);
        if entry.size() <= self.largest && !newer && !self.was_purged(&key, start) {
            entry.mark_kept();
            self.answers.insert(key.clone(), entry.clone()).await;
            if self.was_purged(&key, start) {
                self.answers.invalidate(&key).await;
            }
        }
        entry
    }

    /// A failure that is the truth, such as that there is no such store, ends the answer that was kept.
    async fn keep_failure(&self, key: &Key, failure: &E, now: Duration, start: Start) {
        // An answer that a later flight brought is newer than this failure.
        let newer = self.answers.get(key).await.is_some_and(|kept| kept.flight() > start.number);
        if newer || self.was_purged(key, start) {
            return;
        }
        if !failure.stale_is_better() {
            self.answers.invalidate(key).await;
        }
        let remembered = Remembered { until: now + failure.remembered(), failure: failure.clone() };
        self.failures.insert(key.clone(), remembered).await;
        if self.was_purged(key, start) {
            self.failures.invalidate(key).await;
        }
    }

    pub(super) async fn purge(&self, tenant: &str, wanted: impl Fn(&Entry) -> bool) -> u64 {
        self.count_purge(tenant);
        for (key, _) in self.failures.iter().filter(|(key, _)| key.tenant() == tenant) {
            self.failures.invalidate(key.as_ref()).await;
        }
        let keys: Vec<Arc<Key>> = self
            .answers
            .iter()
            .filter(|(key, entry)| key.tenant() == tenant && wanted(entry))
            .map(|(key, _)| key)
            .collect();
        for key in &keys {
            self.answers.invalidate(key.as_ref()).await;
        }
        keys.len() as u64
    }

    pub(super) async fn maintain(&self) -> (u64, u64) {
        self.answers.run_pending_tasks().await;
        self.failures.run_pending_tasks().await;
        (self.answers.entry_count(), self.answers.weighted_size())
    }
}

/// Compressing a long answer takes milliseconds, which a worker's other requests would wait for.
async fn finish(document: Document, freshness: Freshness, stores: Vec<String>, now: Duration) -> Entry {
    const LONG: usize = 64 << 10;
    if document.body.len() < LONG {
        return Entry::new(document, freshness, stores, now);
    }
    let job = move || Entry::new(document, freshness, stores, now);
    let finished = actix_web::rt::task::spawn_blocking(job).await;
    finished.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn weight(key: &Key, entry: &Entry) -> u32 {
    u32::try_from(key.len() + entry.size() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
}

/// moka's expiry by the machine's clock: the upper bound of an entry's use. An update starts it anew, which moka's
/// default would not.
struct UntilUseless;

impl Expiry<Key, Arc<Entry>> for UntilUseless {
    fn expire_after_create(&self, _key: &Key, entry: &Arc<Entry>, _created_at: Instant) -> Option<Duration> {
        Some(entry.freshness().end())
    }

    fn expire_after_update(
        &self,
        _key: &Key,
        entry: &Arc<Entry>,
        _updated_at: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.freshness().end())
    }
}
