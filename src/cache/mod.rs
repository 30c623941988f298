//! The response cache, shared by all workers. It serves fresh responses, stale ones while one refresh runs, and stale
//! ones if the vendor's gateway fails. One fetch serves any number of callers.
//!
//! The freshness is decided by [`Clock`]; moka's own expiry is only the upper bound that frees memory.

mod encoding;
mod entry;
mod flight;
mod freshness;
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
use crate::settings::{SettingsDigest, named};

use memory::MemoryCache;
use shared::SharedLevel;

pub use entry::{CacheEntry, Encoding, EntityTag, FetchResult, FetchedBody, Representation};
pub use freshness::{Freshness, FreshnessState};
pub use memory::CacheSettings;
pub use request_memo::{AuthorizationClass, RequestMemo};

/// Of this many hits by memo, one is also looked up by its key, which is enough to know the popular responses.
const HITS_PER_LOOKUP: u32 = 16;

/// The key of a cached response. It names everything that the response depends on, except the time of the fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(Arc<str>);

impl CacheKey {
    /// Builds the key of the response of `resource` to the canonical parameters in `lookup` for `tenant`. `shape` is a
    /// digest of what the program and its configuration make of the vendor's data. `source` is a digest of the
    /// credential and the settings of the fetch.
    pub fn new(tenant: &str, resource: &str, shape: &SettingsDigest, source: &SettingsDigest, lookup: &str) -> Self {
        Self(format!("{tenant}\0{resource}\0{shape}{source}\0{lookup}").into())
    }

    /// Returns the tenant's name.
    fn tenant(&self) -> &str {
        self.0.split('\0').next().unwrap_or_default()
    }

    /// Returns the resource's name.
    fn resource(&self) -> &str {
        self.0.split('\0').nth(1).unwrap_or_default()
    }

    /// Returns a key for the same response that differs by a suffix.
    fn suffixed(&self, suffix: &str) -> Self {
        Self(format!("{}\0{suffix}", self.0).into())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A lookup of the cache.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The key of the response.
    pub key: CacheKey,
    /// How long the response may be served.
    pub freshness: Freshness,
    /// The ids of the stores that the response is about; a purge selects by them.
    pub stores: Vec<String>,
    /// Call the vendor's gateway even if there is a fresh response.
    pub bypass: bool,
    /// Wait for a due refresh, however long the vendor's gateway takes, and do not serve a stale response meanwhile.
    pub require_fresh: bool,
    /// The principal whose share of the gateway calls a fetch uses.
    pub principal: Principal,
}

named! {
    /// How the cache produced a response.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum CacheOutcome {
        /// The response was cached and fresh.
        #[default]
        Hit = "hit",
        /// The response was cached and stale; one refresh runs.
        StaleWhileRevalidate = "stale_while_revalidate",
        /// The response was cached and stale; the vendor's gateway failed or is slow.
        StaleIfError = "stale_if_error",
        /// No response was cached; this caller's single flight fetched it.
        Miss = "miss",
        /// The cached response was too old; this caller's single flight fetched it.
        Expired = "expired",
        /// Another caller's single flight fetched it.
        Collapsed = "collapsed",
        /// Another replica fetched it, or this replica before its last start.
        Shared = "shared",
        /// The caller bypassed the cache.
        Bypass = "bypass",
    }
}

/// A cached response and how it was produced.
#[derive(Clone, Debug)]
pub struct CachedResponse {
    /// The cache entry.
    pub entry: Arc<CacheEntry>,
    /// How the response was produced.
    pub outcome: CacheOutcome,
    /// The age of the response.
    pub age: Duration,
}

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

    /// Finds the memo of a target that this authorization class requested before, if its response is still fresh.
    pub fn fresh_memo(&self, class: AuthorizationClass, target: &str, now: Duration) -> Option<Arc<RequestMemo>> {
        let memo = self.memory.memos.find(class, target).filter(|memo| memo.entry.is_fresh(now))?;
        // Chosen at random, since a counter would always meet the same responses when they are requested in rotation.
        if fastrand::u32(..HITS_PER_LOOKUP) == 0 {
            let _used = self.memory.get(&memo.key);
        }
        Some(memo)
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

/// Stale-if-error: whether the older response is better for the caller than this failure, as far as is known now.
fn is_better(older: &CacheEntry, failure: &impl FetchFailure, now: Duration) -> bool {
    failure.stale_is_better() || (failure.must_be_confirmed() && !older.is_refuted(now))
}

fn or_stale<E: FetchFailure>(failure: E, older: Option<Arc<CacheEntry>>, now: Duration) -> Result<CachedResponse, E> {
    match older {
        // The response may have become too old while the caller waited.
        Some(entry) if is_better(&entry, &failure, now) && entry.state(now) != FreshnessState::Expired => {
            Ok(found(entry, CacheOutcome::StaleIfError, now))
        }
        _ => Err(failure),
    }
}

#[cfg(test)]
mod tests;
