//! Lookups of the cache and their results: the cache key, the lookup, the cached response and its outcome.

use std::sync::Arc;
use std::time::Duration;

use super::entry::CacheEntry;
use super::freshness::Freshness;
use crate::fair_queue::Principal;
use crate::settings::SettingsDigest;

/// The key of a cached response. It names everything that the response depends on, except the time of the fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(pub(super) Arc<str>);

impl CacheKey {
    /// Builds the key of the response of `resource` to the canonical parameters in `lookup` for `tenant`. `shape` is a
    /// digest of what the program and its configuration make of the vendor's data. `source` is a digest of the
    /// credential and the settings of the fetch.
    pub fn new(tenant: &str, resource: &str, shape: &SettingsDigest, source: &SettingsDigest, lookup: &str) -> Self {
        Self(format!("{tenant}\0{resource}\0{shape}{source}\0{lookup}").into())
    }

    /// Returns the tenant's name.
    pub(super) fn tenant(&self) -> &str {
        self.0.split('\0').next().unwrap_or_default()
    }

    /// Returns the resource's name.
    pub(super) fn resource(&self) -> &str {
        self.0.split('\0').nth(1).unwrap_or_default()
    }

    /// Returns a key for the same response that differs by a suffix.
    pub(super) fn suffixed(&self, suffix: &str) -> Self {
        Self(format!("{}\0{suffix}", self.0).into())
    }

    pub(super) fn len(&self) -> usize {
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

/// How the cache produced a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// The response was cached and fresh.
    Hit,
    /// The response was cached and stale; one refresh runs.
    StaleWhileRevalidate,
    /// The response was cached and stale; the vendor's gateway failed or is slow.
    StaleIfError,
    /// No response was cached; this caller's single flight fetched it.
    Miss,
    /// The cached response was too old; this caller's single flight fetched it.
    Expired,
    /// Another caller's single flight fetched it.
    Collapsed,
    /// Another replica fetched it, or this replica before its last start.
    Shared,
    /// The caller bypassed the cache.
    Bypass,
}

impl CacheOutcome {
    /// Returns the name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::StaleWhileRevalidate => "stale_while_revalidate",
            Self::StaleIfError => "stale_if_error",
            Self::Miss => "miss",
            Self::Expired => "expired",
            Self::Collapsed => "collapsed",
            Self::Shared => "shared",
            Self::Bypass => "bypass",
        }
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
