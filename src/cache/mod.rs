//! The response cache, shared by all workers. It serves fresh responses, stale ones while one refresh runs, and stale
//! ones if the vendor's gateway fails. One fetch serves any number of callers.
//!
//! The freshness is decided by [`Clock`]; moka's own expiry is only the upper bound that frees memory.

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

/// What the cache needs to know about a failed fetch.
pub trait FetchFailure: Clone + Send + Sync + 'static {
    /// Whether a stale response is better for the caller than this failure.
    fn stale_is_better(&self) -> bool;

    /// Whether one such failure may be a mistake. If so, an older response is removed only after the next fetch, a
    /// moment later, fails in the same way.
    fn must_be_confirmed(&self) -> bool {
        false
    }

    /// How long the failure is remembered, so that many callers do not repeat the fetch.
    fn remembered(&self) -> Duration;
}

/// The response cache. Clones share it.
#[derive(Clone)]
pub struct AnswerCache<E: FetchFailure> {
    memory: MemoryCache<E>,
    clock: Clock,
    slow_after: Duration,
    replicas: Option<Replicas>,
    shared: Option<SharedLevel>,
}

impl<E: FetchFailure> AnswerCache<E> {
    /// Creates a cache of this size for this process alone.
    pub fn new(settings: &CacheSettings, clock: Clock) -> Self {
        Self {
            memory: MemoryCache::new(settings),
            clock,
            slow_after: settings.slow_after,
            replicas: None,
            shared: None,
        }
    }

    /// Adds the second level: the cache that replicas share.
    #[must_use]
    pub fn sharing(self, replicas: Option<Replicas>) -> Self {
        let shared = replicas.as_ref().map(|replicas| SharedLevel::new(replicas.answers(), self.clock.clone()));
        Self { replicas, shared, ..self }
    }

    /// Returns the response from the cache or by `fetch`. `fetch` runs at most once for all callers of the same lookup,
    /// on behalf of the caller who started it, or of the tenant alone when nobody waits.
    ///
    /// # Errors
    /// Returns the failure of the fetch if there is no older response to serve instead.
    pub async fn read<F, Fut>(&self, lookup: Lookup, fetch: F) -> Result<CachedResponse, E>
    where
        F: FnOnce(Principal) -> Fut + 'static,
        Fut: Future<Output = Result<FetchResult<E>, E>> + 'static,
    {
        let now = self.clock.elapsed();
        let cached = self.memory.get(&lookup.key);
        let state = cached.as_ref().map(|entry| entry.state(now));
        let older = cached.filter(|_| state != Some(FreshnessState::Expired));
        match (state, older) {
            (Some(FreshnessState::Fresh), Some(entry)) if !lookup.bypass => Ok(found(entry, CacheOutcome::Hit, now)),
            (Some(FreshnessState::Revalidate), Some(entry)) if !lookup.bypass && !lookup.require_fresh => {
                self.refresh_once(lookup, &entry, now, fetch);
                Ok(found(entry, CacheOutcome::StaleWhileRevalidate, now))
            }
            (state, older) => {
                // A remembered failure that is believed does not stop a lookup that bypasses the cache.
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

    /// Returns the cached response, whatever its age.
    pub fn cached(&self, key: &CacheKey) -> Option<Arc<CacheEntry>> {
        self.memory.get(key)
    }

    /// Finds the memo of a target that this authorization class requested before.
    pub fn from_memo(&self, class: AuthorizationClass, target: &str) -> Option<Arc<RequestMemo>> {
        self.memory.memos.find(class, target)
    }

    /// Stores a request memo for as long as its response is cached.
    pub fn remember(&self, memo: RequestMemo) {
        if memo.entry.is_cached() {
            self.memory.memos.remember(memo);
        }
    }

    /// Wraps a response composed of cached ones, which is served like them but not cached itself. `age` is its age.
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

    /// Removes a tenant's responses about these stores, or all of the tenant's, and returns their number. Other
    /// replicas do the same within a second.
    pub fn purge(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        // The shared cache is purged first, so that none of its responses returns to memory meanwhile.
        if let Some(replicas) = &self.replicas {
            replicas.send(ReplicaEvent::Purged { tenant: tenant.to_owned(), stores: stores.map(<[String]>::to_vec) });
        }
        self.purge_here(tenant, stores)
    }

    /// Removes a tenant's responses in this process alone, after another replica reported the purge.
    pub fn purge_here(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        self.memory.purge(tenant, stores)
    }

    /// Removes all responses of all tenants in this process.
    pub fn clear_here(&self) {
        self.memory.clear();
    }

    /// Removes expired entries and returns the number of entries and their weight in bytes.
    pub fn maintain(&self) -> (u64, u64) {
        self.memory.maintain()
    }
}

fn found(entry: Arc<CacheEntry>, outcome: CacheOutcome, now: Duration) -> CachedResponse {
    let age = entry.age(now);
    CachedResponse { entry, outcome, age }
}

/// Stale-if-error: decides between a failure and an older response.
trait StaleIfError: FetchFailure {
    /// Whether the older response is better for the caller than this failure, as far as is known now.
    fn is_outlived_by(&self, older: &CacheEntry, now: Duration) -> bool {
        self.stale_is_better() || (self.must_be_confirmed() && !older.is_refuted(now))
    }
}

impl<E: FetchFailure> StaleIfError for E {}

fn or_stale<E: FetchFailure>(failure: E, older: Option<Arc<CacheEntry>>, now: Duration) -> Result<CachedResponse, E> {
    match older {
        // The response may have become too old while the caller waited.
        Some(entry) if failure.is_outlived_by(&entry, now) && entry.state(now) != FreshnessState::Expired => {
            Ok(found(entry, CacheOutcome::StaleIfError, now))
        }
        _ => Err(failure),
    }
}

#[cfg(test)]
mod tests;
