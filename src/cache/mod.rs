//! Finished answers, shared by all workers: fresh, stale while one refresh runs, stale when the gateway fails, and one
//! fetch for any number of callers.
//!
//! Freshness is decided by our clock; moka's own expiry is only the upper bound that frees memory.

mod encoding;
mod entry;
mod flight;
mod freshness;
mod lookup;
mod memory;
mod request_memo;
mod shared;
pub mod stored;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::fair_queue::Principal;
use crate::replicas::Replicas;
use crate::replicas::journal::ReplicaEvent;

use memory::MemoryCache;
use shared::SharedLevel;

pub use encoding::Encoding;
pub use entry::{CacheEntry, EntityTag, FetchResult, FetchedBody, Representation};
pub use freshness::{Freshness, FreshnessState};
pub use lookup::{CacheKey, CacheOutcome, CachedResponse, Lookup};
pub use memory::CacheSettings;
pub use request_memo::{AuthorizationClass, RequestMemo};

/// What the cache must know of a failed fetch.
pub trait FetchFailure: Clone + Send + Sync + 'static {
    /// Whether an older answer is better for the caller than this failure.
    fn stale_is_better(&self) -> bool;

    /// Whether one such failure may be a mistake: an older answer ends only when the next fetch, after a moment, fails so
    /// again.
    fn must_be_confirmed(&self) -> bool {
        false
    }

    /// How long the failure is remembered, so that a crowd does not repeat it.
    fn remembered(&self) -> Duration;
}

/// The cache of finished answers. Cloning shares it.
#[derive(Clone)]
pub struct AnswerCache<E: FetchFailure> {
    memory: MemoryCache<E>,
    clock: Clock,
    slow_after: Duration,
    replicas: Option<Replicas>,
    shared: Option<SharedLevel>,
}

impl<E: FetchFailure> AnswerCache<E> {
    /// A cache of this size, of this process alone.
    pub fn new(settings: &CacheSettings, clock: Clock) -> Self {
        Self {
            memory: MemoryCache::new(settings),
            clock,
            slow_after: settings.slow_after,
            replicas: None,
            shared: None,
        }
    }

    /// The same in front of what replicas share.
    #[must_use]
    pub fn sharing(self, replicas: Option<Replicas>) -> Self {
        let shared = replicas.as_ref().map(|replicas| SharedLevel::new(replicas.answers(), self.clock.clone()));
        Self { replicas, shared, ..self }
    }

    /// Answers the question from the cache, or by `fetch`, which runs at most once for all callers who ask the same, on behalf
    /// of the one who started it; of the tenant alone when nobody waits for it.
    ///
    /// # Errors
    /// The failure of the fetch, when there is no older answer that is better.
    pub async fn read<F, Fut>(&self, lookup: Lookup, fetch: F) -> Result<CachedResponse, E>
    where
        F: FnOnce(Principal) -> Fut + 'static,
        Fut: Future<Output = Result<FetchResult<E>, E>> + 'static,
    {
        let now = self.clock.elapsed();
        let kept = self.memory.get(&lookup.key);
        let state = kept.as_ref().map(|entry| entry.state(now));
        let older = kept.filter(|_| state != Some(FreshnessState::Expired));
        match (state, older) {
            (Some(FreshnessState::Fresh), Some(entry)) if !lookup.bypass => Ok(found(entry, CacheOutcome::Hit, now)),
            (Some(FreshnessState::Revalidate), Some(entry)) if !lookup.bypass && !lookup.require_fresh => {
                self.refresh_once(lookup, &entry, now, fetch);
                Ok(found(entry, CacheOutcome::StaleWhileRevalidate, now))
            }
            (state, older) => {
                // A remembered failure that is the truth does not stop who asks for an answer from the gateway.
                let remembered = self.memory.failure(&lookup.key, now);
                if let Some(failure) = remembered.filter(|failure| !lookup.bypass || failure.stale_is_better()) {
                    return or_stale(failure, older, now);
                }
                let outcome = match state {
                    _ if lookup.bypass => CacheOutcome::Bypass,
                    None => CacheOutcome::Miss,
                    Some(_) => CacheOutcome::Expired,
                };
                self.fetch_for_caller(lookup, older, outcome, fetch).await
            }
        }
    }

    /// The kept answer, whatever its age.
    pub fn cached(&self, key: &CacheKey) -> Option<Arc<CacheEntry>> {
        self.memory.get(key)
    }

    /// What was asked so before by somebody of this class, and its answer.
    pub fn from_memo(&self, class: AuthorizationClass, target: &str) -> Option<Arc<RequestMemo>> {
        self.memory.asked.find(class, target)
    }

    /// Remembers what was asked, for as long as its answer is kept.
    pub fn remember(&self, asked: RequestMemo) {
        if asked.entry.is_cached() {
            self.memory.asked.remember(asked);
        }
    }

    /// An answer that is made of kept ones, to be given like those and not kept. It is `age` old.
    pub fn given_once(
        &self,
        body: Vec<u8>,
        tag: &EntityTag,
        freshness: Freshness,
        age: Duration,
        outcome: CacheOutcome,
    ) -> CachedResponse {
        let entry = CacheEntry::uncached(body, tag, freshness, self.clock.elapsed()).of_age(age);
        CachedResponse { entry: Arc::new(entry), outcome, age }
    }

    /// Drops the answers of a tenant that are about one of these stores, or all of the tenant's; gives their number.
    /// Other replicas do the same within a second.
    pub fn purge(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        // First for those that are shared, so that none of them gets back into memory meanwhile.
        if let Some(replicas) = &self.replicas {
            replicas.send(ReplicaEvent::Purged { tenant: tenant.to_owned(), stores: stores.map(<[String]>::to_vec) });
        }
        self.purge_here(tenant, stores)
    }

    /// Drops them in this process alone: another replica has told of it.
    pub fn purge_here(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        self.memory.purge(tenant, stores)
    }

    /// Drops all answers of all tenants in this process.
    pub fn clear_here(&self) {
        self.memory.clear();
    }

    /// Frees what has expired and gives the number of answers and their weight in bytes.
    pub fn maintain(&self) -> (u64, u64) {
        self.memory.maintain()
    }
}

fn found(entry: Arc<CacheEntry>, outcome: CacheOutcome, now: Duration) -> CachedResponse {
    let age = entry.age(now);
    CachedResponse { entry, outcome, age }
}

/// What follows from what a failure says of itself.
trait StaleIfError: FetchFailure {
    /// Whether an older answer is better for the caller, as far as is known by now.
    fn is_outlived_by(&self, older: &CacheEntry, now: Duration) -> bool {
        self.stale_is_better() || (self.must_be_confirmed() && !older.is_refuted(now))
    }
}

impl<E: FetchFailure> StaleIfError for E {}

fn or_stale<E: FetchFailure>(failure: E, older: Option<Arc<CacheEntry>>, now: Duration) -> Result<CachedResponse, E> {
    match older {
        // It may have become too old while the caller waited.
        Some(entry) if failure.is_outlived_by(&entry, now) && entry.state(now) != FreshnessState::Expired => {
            Ok(found(entry, CacheOutcome::StaleIfError, now))
        }
        _ => Err(failure),
    }
}

#[cfg(test)]
mod tests;
