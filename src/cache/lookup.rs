//! What is asked of the cache, and what it gives: the key of an answer, the lookup, the answer and how it came about.

use std::sync::Arc;
use std::time::Duration;

use super::entry::CacheEntry;
use super::freshness::Freshness;
use crate::fair_queue::Principal;
use crate::settings::SettingsDigest;

/// Which answer is wanted: everything that the answer depends on besides the moment when it is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(pub(super) Arc<str>);

impl CacheKey {
    /// The answer of `resource` to `question` (its canonical parameters) for `tenant`. `shape` stands for what the program
    /// and its configuration make of the vendor's data, `source` for the credential and the settings by which it is fetched.
    pub fn new(tenant: &str, resource: &str, shape: &SettingsDigest, source: &SettingsDigest, lookup: &str) -> Self {
        Self(format!("{tenant}\0{resource}\0{shape}{source}\0{lookup}").into())
    }

    /// Whose answer it is.
    pub(super) fn tenant(&self) -> &str {
        self.0.split('\0').next().unwrap_or_default()
    }

    /// Of which resource.
    pub(super) fn resource(&self) -> &str {
        self.0.split('\0').nth(1).unwrap_or_default()
    }

    /// A key for the same answer, told apart by a mark.
    pub(super) fn marked(&self, mark: &str) -> Self {
        Self(format!("{}\0{mark}", self.0).into())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A question to the cache.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Which answer.
    pub key: CacheKey,
    /// How long it keeps.
    pub freshness: Freshness,
    /// The stores it is about, for a purge.
    pub stores: Vec<String>,
    /// Go to the gateway even if there is a fresh answer.
    pub bypass: bool,
    /// Wait for an answer that is due, however long the gateway takes, instead of taking an older one meanwhile.
    pub require_fresh: bool,
    /// Whose share of the gateway's calls a fetch uses.
    pub principal: Principal,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// It was there and fresh.
    Hit,
    /// It was there and stale; one refresh runs.
    StaleWhileRevalidate,
    /// It was there and stale; the gateway failed or is slow.
    StaleIfError,
    /// There was none; this caller's fetch brought it.
    Miss,
    /// The one that was there is too old; this caller's fetch brought it.
    Expired,
    /// Another caller's fetch brought it.
    Collapsed,
    /// Another replica has fetched it, or this one before it was started again.
    Shared,
    /// The caller asked for an answer from the gateway.
    Bypass,
}

impl CacheOutcome {
    /// The name in metrics.
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

/// An answer and how it came about.
#[derive(Clone, Debug)]
pub struct CachedResponse {
    /// The answer.
    pub entry: Arc<CacheEntry>,
    /// How it came about.
    pub outcome: CacheOutcome,
    /// How old the answer is.
    pub age: Duration,
}
