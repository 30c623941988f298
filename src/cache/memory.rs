//! The cache's memory on moka: cached responses, the single flights that fetch them, and failures that are remembered
//! briefly.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::{Expiry, sync};

use super::entry::{CONFIRMED_AFTER, CacheEntry, FetchResult, FetchedBody};
use super::freshness::{Freshness, FreshnessState};
use super::request_memo::{RequestMemo, RequestMemos};
use super::{CacheKey, FetchFailure, Lookup};
use crate::purge_list::{PurgeList, is_about};
use crate::settings::{Size, section};
use crate::single_flight::Flights;
use crate::telemetry::metrics;

/// Bytes that moka occupies for an entry besides those that can be counted. With this value, the count for 60,000
/// entries of 650 bytes is within two percent of the growth of the process.
const ENTRY_OVERHEAD: usize = 512;

/// A response larger than this part of the cache is served but not cached.
const LARGEST_PART: u64 = 8;

const MOST_FAILURES: u64 = 10_000;
const LONGEST_FAILURE: Duration = Duration::from_secs(60);

section! {
    /// The size of the cache. `[cache.<resource>]` sets how long responses are served.
    #[derive(Clone, Debug)]
    pub struct CacheSettings in "cache" on restart {
        /// The most bytes of cached responses.
        size: u64 as Size = "256MiB";
        /// How long a caller waits for the vendor's gateway if there is an older response to serve.
        slow_after: Duration = "200ms";
    }
}

#[derive(Clone)]
struct NegativeEntry<E> {
    failure: E,
    until: Duration,
    stores: Arc<[String]>,
}

/// The maps of the cache, shared by all workers.
#[derive(Clone)]
pub(super) struct MemoryCache<E: FetchFailure> {
    answers: sync::Cache<CacheKey, Arc<CacheEntry>>,
    pub(super) memos: Arc<RequestMemos>,
    /// The fetches in progress.
    pub(super) flights: Flights<CacheKey, Result<Arc<CacheEntry>, E>>,
    failures: sync::Cache<CacheKey, NegativeEntry<E>>,
    largest: usize,
    started: Arc<AtomicU64>,
    /// How often the whole cache was cleared.
    cleared: Arc<AtomicU64>,
    /// The purges, numbered per tenant.
    purges: Arc<Mutex<PurgeList<u64>>>,
}

/// The state at the start of a single flight, to be compared with the state at its completion.
#[derive(Clone, Copy)]
pub(super) struct FetchStart {
    /// The flight's number. Later flights have larger numbers.
    number: u64,
    /// How often the whole cache was cleared before.
    pub(super) cleared: u64,
    /// The number of purges of the tenant before.
    purges: u64,
    /// The latest earlier purge that concerns this response.
    pub(super) latest_purge: u64,
}

impl<E: FetchFailure> MemoryCache<E> {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let memos = Arc::new(RequestMemos::new(settings.size));
        let removed_from = memos.clone();
        let answers = sync::Cache::builder()
            .max_capacity(settings.size)
            .weigher(|key: &CacheKey, entry: &Arc<CacheEntry>| weight(key, entry))
            .expire_after(EntryExpiry)
            // Other holders of the entry see at once that it must not be served any more.
            .eviction_listener(move |_, entry, cause| {
                entry.retire();
                removed_from.remove(&entry);
                metrics::cache_removals(name(cause)).increment(1);
            })
            .build();
        let failures = sync::Cache::builder().max_capacity(MOST_FAILURES).time_to_live(LONGEST_FAILURE).build();
        let largest = usize::try_from(settings.size / LARGEST_PART).unwrap_or(usize::MAX);
        Self {
            answers,
            memos,
            flights: Flights::default(),
            failures,
            largest,
            started: Arc::default(),
            cleared: Arc::default(),
            purges: Arc::default(),
        }
    }

    fn purges(&self) -> MutexGuard<'_, PurgeList<u64>> {
        self.purges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<CacheEntry>> {
        self.answers.get(key)
    }

    /// Returns a failure of this lookup that is still remembered.
    pub(super) fn failure(&self, key: &CacheKey, now: Duration) -> Option<E> {
        let remembered = self.failures.get(key)?;
        (now < remembered.until).then_some(remembered.failure)
    }

    /// Records the start of a single flight for this lookup.
    pub(super) fn start(&self, lookup: &Lookup) -> FetchStart {
        let tenant = lookup.key.tenant();
        let purges = self.purges();
        FetchStart {
            number: self.started.fetch_add(1, Ordering::AcqRel) + 1,
            cleared: self.cleared.load(Ordering::Acquire),
            purges: purges.last(tenant),
            latest_purge: purges.latest(tenant, &lookup.stores),
        }
    }

    /// Stores the result of a fetch: the response, or its failure for a moment. Stores nothing if there was a purge
    /// meanwhile.
    pub(super) async fn complete(
        &self,
        lookup: Lookup,
        outcome: Result<FetchedBody, E>,
        now: Duration,
        start: FetchStart,
    ) -> Result<Arc<CacheEntry>, E> {
        match outcome {
            Ok(document) => Ok(self.store_answer(lookup, document, now, start).await),
            Err(failure) => {
                self.store_failure(lookup, &failure, now, start);
                Err(failure)
            }
        }
    }

    /// Whether a purge happened between the check and the insertion. Such a purge takes back what was inserted, and
    /// nothing else.
    fn was_purged(&self, key: &CacheKey, stores: &[String], start: FetchStart) -> bool {
        start.cleared != self.cleared.load(Ordering::Acquire)
            || self.purges().came_after(start.purges, key.tenant(), stores)
    }

    /// Whether a later single flight has stored a response, which is then newer.
    fn has_newer(&self, key: &CacheKey, start: FetchStart) -> bool {
        self.answers.get(key).is_some_and(|cached| cached.flight > start.number)
    }

    async fn store_answer(
        &self,
        lookup: Lookup,
        document: FetchedBody,
        now: Duration,
        start: FetchStart,
    ) -> Arc<CacheEntry> {
        let Lookup { key, freshness, stores, .. } = lookup;
        let freshness = document.max_freshness.map_or(freshness, |most| freshness.at_most(most));
        let entry = finish(document, freshness, stores, now).await;
        self.failures.invalidate(&key);
        self.store(&key, entry, start)
    }

    /// Stores a response that another replica fetched, unless a younger one is cached. Returns the entry that is cached
    /// afterwards.
    pub(super) fn store_shared(
        &self,
        lookup: &Lookup,
        entry: CacheEntry,
        now: Duration,
        start: FetchStart,
    ) -> Arc<CacheEntry> {
        let cached = self.answers.get(&lookup.key);
        if let Some(cached) = cached.filter(|cached| cached.age(now) <= entry.age(now)) {
            return cached;
        }
        self.store(&lookup.key, entry, start)
    }

    fn store(&self, key: &CacheKey, entry: CacheEntry, start: FetchStart) -> Arc<CacheEntry> {
        let entry = Arc::new(entry.of_flight(start.number));
        let is_wanted = entry.size() <= self.largest && !self.has_newer(key, start);
        if is_wanted && !self.was_purged(key, &entry.stores, start) {
            entry.mark_cached();
            self.answers.insert(key.clone(), entry.clone());
            if self.was_purged(key, &entry.stores, start) {
                self.answers.invalidate(key);
            }
        }
        entry
    }

    /// Returns the fetched body, unless it has no content and must be confirmed first, because an older response says
    /// otherwise.
    pub(super) fn accept(&self, key: &CacheKey, brought: FetchResult<E>, now: Duration) -> Result<FetchedBody, E> {
        let FetchResult { document, suspicion: doubt } = brought;
        let says_the_same = || self.answers.get(key).is_some_and(|cached| cached.identity.body == document.body);
        match doubt {
            Some(doubt) if !says_the_same() && !self.is_the_truth(key, &doubt, now) => {
                let (tenant, resource) = (key.tenant(), key.resource());
                tracing::warn!(
                    tenant,
                    resource,
                    "stale response served: the vendor's gateway returned nothing, which must be confirmed"
                );
                Err(doubt)
            }
            _ => Ok(document),
        }
    }

    /// Whether a failure is believed, so that the cached response is wrong. A failure that must be confirmed is not
    /// believed until it is repeated, as long as there is a response that may be served.
    pub(super) fn is_the_truth(&self, key: &CacheKey, failure: &E, now: Duration) -> bool {
        if failure.stale_is_better() {
            return false;
        }
        let usable = |cached: &Arc<CacheEntry>| cached.state(now) != FreshnessState::Expired;
        match self.answers.get(key).filter(usable) {
            Some(cached) if failure.must_be_confirmed() => {
                cached.record_not_found(now);
                cached.is_refuted(now)
            }
            _ => true,
        }
    }

    /// Remembers a failure. If it is believed, such as "no such store", it removes the cached response. Otherwise it is
    /// remembered only for a moment.
    fn store_failure(&self, lookup: Lookup, failure: &E, now: Duration, start: FetchStart) {
        let Lookup { key, stores, .. } = lookup;
        if self.has_newer(&key, start) || self.was_purged(&key, &stores, start) {
            return;
        }
        let is_the_truth = self.is_the_truth(&key, failure, now);
        if is_the_truth {
            self.answers.invalidate(&key);
        }
        let is_doubtful = failure.must_be_confirmed() && !is_the_truth;
        let until = now + if is_doubtful { CONFIRMED_AFTER.min(failure.remembered()) } else { failure.remembered() };
        let remembered = NegativeEntry { until, failure: failure.clone(), stores: stores.as_slice().into() };
        self.failures.insert(key.clone(), remembered);
        if self.was_purged(&key, &stores, start) {
            self.failures.invalidate(&key);
        }
    }

    /// Removes the tenant's responses about these stores, or all of them, and its failures. Returns the number of
    /// removed responses.
    pub(super) fn purge(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        {
            let mut purges = self.purges();
            let number = purges.last(tenant) + 1;
            purges.add(tenant, stores.map(<[String]>::to_vec), number);
        }
        let concerned = |key: &CacheKey, about: &[String]| key.tenant() == tenant && is_about(stores, about);
        for (key, _) in self.failures.iter().filter(|(key, failure)| concerned(key, &failure.stores)) {
            self.failures.invalidate(key.as_ref());
        }
        let answers = self.answers.iter().filter(|(key, entry)| concerned(key, &entry.stores));
        let keys: Vec<Arc<CacheKey>> = answers.map(|(key, _)| key).collect();
        keys.iter().for_each(|key| self.answers.invalidate(key.as_ref()));
        keys.len() as u64
    }

    /// Removes all responses of all tenants, one tenant after the other.
    pub(super) fn clear(&self) {
        self.cleared.fetch_add(1, Ordering::AcqRel);
        let tenants: HashSet<String> = self.answers.iter().map(|(key, _)| key.tenant().to_owned()).collect();
        for tenant in tenants {
            self.purge(&tenant, None);
        }
    }

    pub(super) fn maintain(&self) -> (u64, u64) {
        self.answers.run_pending_tasks();
        self.failures.run_pending_tasks();
        (self.answers.entry_count(), self.answers.weighted_size())
    }
}

/// Builds a cache entry. Hashing a long body takes milliseconds and would delay a worker's other requests, so it runs
/// on a blocking thread.
pub(super) async fn finish(
    document: FetchedBody,
    freshness: Freshness,
    stores: Vec<String>,
    now: Duration,
) -> CacheEntry {
    const LONG: usize = 512 << 10;
    if document.body.len() < LONG {
        return CacheEntry::new(document, freshness, stores, now);
    }
    let job = move || CacheEntry::new(document, freshness, stores, now);
    let finished = actix_web::rt::task::spawn_blocking(job).await;
    finished.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Returns the name of a removal cause in the metric.
const fn name(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Explicit => "dropped",
        RemovalCause::Replaced => "replaced",
        RemovalCause::Size => "no_room",
    }
}

fn weight(key: &CacheKey, entry: &CacheEntry) -> u32 {
    // The memo's target is about as long as the cache key.
    let memo = size_of::<RequestMemo>() + key.len();
    u32::try_from(key.len() + memo + entry.size() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
}

/// moka's expiry by the machine's clock: the upper bound of an entry's use. An update restarts it, unlike moka's
/// default.
struct EntryExpiry;

impl Expiry<CacheKey, Arc<CacheEntry>> for EntryExpiry {
    fn expire_after_create(&self, _key: &CacheKey, entry: &Arc<CacheEntry>, _created_at: Instant) -> Option<Duration> {
        Some(entry.freshness.end())
    }

    fn expire_after_update(
        &self,
        _key: &CacheKey,
        entry: &Arc<CacheEntry>,
        _updated_at: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.freshness.end())
    }
}
