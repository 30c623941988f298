//! The cache's memory on moka: the answers, the flights that bring them, and failures that are remembered for a moment.

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

/// What moka holds for an entry besides the bytes that we can count: with this, 60,000 entries of 650 bytes are counted
/// within two percent of what the process grows by.
const ENTRY_OVERHEAD: usize = 512;

/// An answer larger than this part of the cache is served, but not kept.
const LARGEST_PART: u64 = 8;

const MOST_FAILURES: u64 = 10_000;
const LONGEST_FAILURE: Duration = Duration::from_secs(60);

section! {
    /// How much is kept. How long, `[cache.<resource>]` says.
    #[derive(Clone, Debug)]
    pub struct CacheSettings in "cache" on restart {
        /// Bytes of answers to keep.
        size: u64 as Size = "256MiB";
        /// How long a caller waits for the gateway when there is an older answer to give.
        slow_after: Duration = "200ms";
    }
}

#[derive(Clone)]
struct NegativeEntry<E> {
    failure: E,
    until: Duration,
    stores: Arc<[String]>,
}

/// The maps, shared by all workers.
#[derive(Clone)]
pub(super) struct MemoryCache<E: FetchFailure> {
    answers: sync::Cache<CacheKey, Arc<CacheEntry>>,
    pub(super) asked: Arc<RequestMemos>,
    /// The fetches under way.
    pub(super) flights: Flights<CacheKey, Result<Arc<CacheEntry>, E>>,
    failures: sync::Cache<CacheKey, NegativeEntry<E>>,
    largest: usize,
    started: Arc<AtomicU64>,
    /// How often everything was dropped.
    cleared: Arc<AtomicU64>,
    /// The purges, numbered for each tenant.
    purges: Arc<Mutex<PurgeList<u64>>>,
}

/// What is known when a flight starts, to be held against what is when it lands.
#[derive(Clone, Copy)]
pub(super) struct FetchStart {
    /// The flight's number; later flights have larger ones.
    number: u64,
    /// How often everything was dropped before.
    pub(super) cleared: u64,
    /// Purges of the tenant before.
    purges: u64,
    /// The latest purge before that concerns this answer.
    pub(super) latest_purge: u64,
}

impl<E: FetchFailure> MemoryCache<E> {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let asked = Arc::new(RequestMemos::new(settings.size));
        let leading_there = asked.clone();
        let answers = sync::Cache::builder()
            .max_capacity(settings.size)
            .weigher(|key: &CacheKey, entry: &Arc<CacheEntry>| weight(key, entry))
            .expire_after(EntryExpiry)
            // Whoever holds the answer elsewhere learns at once that it is no longer the one to give.
            .eviction_listener(move |_, entry, cause| {
                entry.retire();
                leading_there.remove(&entry);
                metrics::cache_removal(name(cause));
            })
            .build();
        let failures = sync::Cache::builder().max_capacity(MOST_FAILURES).time_to_live(LONGEST_FAILURE).build();
        let largest = usize::try_from(settings.size / LARGEST_PART).unwrap_or(usize::MAX);
        Self {
            answers,
            asked,
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

    /// A failure of this question that is still remembered.
    pub(super) fn failure(&self, key: &CacheKey, now: Duration) -> Option<E> {
        let remembered = self.failures.get(key)?;
        (now < remembered.until).then_some(remembered.failure)
    }

    /// The start of a flight for this lookup.
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

    /// Keeps what a fetch brought: an answer, or the failure for a moment; nothing when there was a purge meanwhile.
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

    /// A purge that came between the look and the insertion takes back what was inserted, and nothing else.
    fn was_purged(&self, key: &CacheKey, stores: &[String], start: FetchStart) -> bool {
        start.cleared != self.cleared.load(Ordering::Acquire)
            || self.purges().came_after(start.purges, key.tenant(), stores)
    }

    /// Whether a later flight than this one has brought an answer, which is newer then.
    fn has_newer(&self, key: &CacheKey, start: FetchStart) -> bool {
        self.answers.get(key).is_some_and(|kept| kept.flight() > start.number)
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
        self.keep(&key, entry, start)
    }

    /// Keeps an answer that another replica has fetched, unless there is a younger one by now; gives the one that is kept.
    pub(super) fn store_shared(
        &self,
        lookup: &Lookup,
        entry: CacheEntry,
        now: Duration,
        start: FetchStart,
    ) -> Arc<CacheEntry> {
        let kept = self.answers.get(&lookup.key);
        if let Some(kept) = kept.filter(|kept| kept.age(now) <= entry.age(now)) {
            return kept;
        }
        self.keep(&lookup.key, entry, start)
    }

    fn keep(&self, key: &CacheKey, entry: CacheEntry, start: FetchStart) -> Arc<CacheEntry> {
        let entry = Arc::new(entry.of_flight(start.number));
        let is_wanted = entry.size() <= self.largest && !self.has_newer(key, start);
        if is_wanted && !self.was_purged(key, entry.stores(), start) {
            entry.mark_cached();
            self.answers.insert(key.clone(), entry.clone());
            if self.was_purged(key, entry.stores(), start) {
                self.answers.invalidate(key);
            }
        }
        entry
    }

    /// The document, unless it has no content and must be confirmed yet, because an older answer says otherwise.
    pub(super) fn believe(&self, key: &CacheKey, brought: FetchResult<E>, now: Duration) -> Result<FetchedBody, E> {
        let FetchResult { document, suspicion: doubt } = brought;
        let says_the_same = || self.answers.get(key).is_some_and(|kept| kept.identity().body == document.body);
        match doubt {
            Some(doubt) if !says_the_same() && !self.is_the_truth(key, &doubt, now) => {
                let (tenant, resource) = (key.tenant(), key.resource());
                tracing::warn!(
                    tenant,
                    resource,
                    "older answer served: the gateway gave nothing, and has to say so again"
                );
                Err(doubt)
            }
            _ => Ok(document),
        }
    }

    /// Whether the failure is the truth, so that an answer that was kept is wrong. One that must be confirmed is not
    /// believed where there is an answer that may be given yet, until it is repeated.
    pub(super) fn is_the_truth(&self, key: &CacheKey, failure: &E, now: Duration) -> bool {
        if failure.stale_is_better() {
            return false;
        }
        let usable = |kept: &Arc<CacheEntry>| kept.state(now) != FreshnessState::Expired;
        match self.answers.get(key).filter(usable) {
            Some(kept) if failure.must_be_confirmed() => {
                kept.doubt(now);
                kept.is_refuted(now)
            }
            _ => true,
        }
    }

    /// A failure that is the truth, such as that there is no such store, ends the answer that was kept. One that is not
    /// believed yet is remembered for no longer than a moment.
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

    /// Drops the tenant's answers about these stores, or all of them; gives their number. Failures are forgotten, too.
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
        let answers = self.answers.iter().filter(|(key, entry)| concerned(key, entry.stores()));
        let keys: Vec<Arc<CacheKey>> = answers.map(|(key, _)| key).collect();
        keys.iter().for_each(|key| self.answers.invalidate(key.as_ref()));
        keys.len() as u64
    }

    /// Drops all answers of all tenants, one tenant after the other.
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

/// Reading a long answer for its tag takes milliseconds, which a worker's other requests would wait for, so that is done
/// elsewhere.
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

/// Why an answer left, as the metric names it.
const fn name(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Explicit => "dropped",
        RemovalCause::Replaced => "replaced",
        RemovalCause::Size => "no_room",
    }
}

fn weight(key: &CacheKey, entry: &CacheEntry) -> u32 {
    // What was asked is about as long as the key that it was brought to.
    let asked = size_of::<RequestMemo>() + key.len();
    u32::try_from(key.len() + asked + entry.size() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
}

/// moka's expiry by the machine's clock: the upper bound of an entry's use. An update starts it anew, which moka's
/// default would not.
struct EntryExpiry;

impl Expiry<CacheKey, Arc<CacheEntry>> for EntryExpiry {
    fn expire_after_create(&self, _key: &CacheKey, entry: &Arc<CacheEntry>, _created_at: Instant) -> Option<Duration> {
        Some(entry.freshness().end())
    }

    fn expire_after_update(
        &self,
        _key: &CacheKey,
        entry: &Arc<CacheEntry>,
        _updated_at: Instant,
        _left: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.freshness().end())
    }
}
