//! The current [`Auth`]. A reload replaces it between two requests; a request in progress ends with the one it began
//! with. What was verified about a caller holds for its further requests until keys, clients or limits change.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use rustls::ClientConfig;

use super::issuers::KeyFetcher;
use super::quota::{Quota, headers};
use super::verify::VerifiedToken;
use super::{Auth, AuthSettings, AuthSetupError};
use crate::http::exchange::CallerIdentity;
use crate::http::rate_limit::RateLimit;
use crate::supervisor::Supervisor;

/// The number of changes of keys, clients and limits so far. What is verified about a token under one generation,
/// except for its expiry and revocation, holds for as long as the generation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Generation(u64);

/// A verified token, with the generation that it was verified under.
#[derive(Clone, Debug)]
pub struct VerifiedCaller {
    /// The token.
    pub token: Arc<VerifiedToken>,
    /// The generation of keys, clients and limits.
    pub generation: Generation,
}

/// A caller whose further requests with the same token need not be authenticated again.
#[derive(Debug)]
pub struct KnownCaller {
    verified: VerifiedCaller,
    /// The client and its tenant.
    pub identity: CallerIdentity,
    /// When the token is valid, in seconds since 1970.
    valid: Range<i64>,
    quota: Quota,
    /// How many tokens were revoked when this one was last found not to be among them.
    revocations: Cell<Option<u64>>,
}

/// The current [`Auth`], shared by all workers as `web::Data<CurrentAuth>`. Reading it takes no lock.
#[derive(Debug)]
pub struct CurrentAuth {
    auth: ArcSwap<Auth>,
    generation: Arc<AtomicU64>,
    /// Fetches the keys of trusted issuers, including those that a reload adds.
    fetcher: Option<KeyFetcher>,
}

impl CurrentAuth {
    /// Creates the holder of the first [`Auth`].
    pub fn new(auth: Auth) -> Self {
        auth.memory.trusted_proxies.replace(auth.limits.trusted_proxies.clone());
        let generation = auth.verifier.trusted.changes.clone();
        Self { auth: ArcSwap::from_pointee(auth), generation, fetcher: None }
    }

    /// Starts fetching the keys of trusted issuers. Must be called once, inside the runtime that runs the fetches.
    #[must_use]
    pub fn fetching_keys(self, tls: Arc<ClientConfig>, supervisor: &Supervisor) -> Self {
        let fetcher = KeyFetcher::start(tls, supervisor);
        self.load().verifier.trusted.fetch_keys(&fetcher);
        Self { fetcher: Some(fetcher), ..self }
    }

    /// Returns the current [`Auth`] for use without waiting.
    pub fn load(&self) -> Guard<Arc<Auth>> {
        self.auth.load()
    }

    /// Returns the current [`Auth`] for the whole of a request.
    pub fn get(&self) -> Arc<Auth> {
        self.auth.load_full()
    }

    /// Replaces keys, clients and limits. Revoked tokens, failed logins and quotas stay known, and so do the keys of
    /// issuers that are still trusted.
    ///
    /// # Errors
    /// Returns an error if there is no key; the old configuration stays in use.
    pub fn renew(&self, settings: AuthSettings) -> Result<(), AuthSetupError> {
        self.renew_after(settings, || ())
    }

    /// Replaces keys, clients and limits as [`Self::renew`] does. It calls `first` when nothing can fail any more, to
    /// apply other parts of the same configuration: a reader of the new generation sees those, too.
    ///
    /// # Errors
    /// Returns an error if there is no key; the old configuration stays in use, and `first` is not called.
    pub fn renew_after(&self, settings: AuthSettings, first: impl FnOnce()) -> Result<(), AuthSetupError> {
        let old = self.get();
        let renewed = old.renewed(settings)?;
        if let Some(fetcher) = &self.fetcher {
            renewed.verifier.trusted.fetch_keys(fetcher);
        }
        first();
        renewed.memory.trusted_proxies.replace(renewed.limits.trusted_proxies.clone());
        self.auth.store(Arc::new(renewed));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Returns the current generation. It must be read before what is verified under it.
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Prepares the further requests of a caller.
    pub fn known(&self, verified: VerifiedCaller) -> KnownCaller {
        KnownCaller {
            identity: verified.token.identity().clone(),
            valid: verified.token.validity(),
            quota: self.load().quota_of(&verified.token),
            revocations: Cell::new(None),
            verified,
        }
    }

    /// Admits another request of a known caller, and counts it against the client's quota. Returns `None` if only the
    /// ordinary way can tell: the token has expired or may be revoked, keys, clients or limits have changed, the quota is
    /// exhausted, or Redis must be asked for it.
    pub fn admit(&self, known: &KnownCaller, now: Duration) -> Option<Option<RateLimit>> {
        let (auth, VerifiedCaller { token, generation }) = (self.auth.load(), &known.verified);
        if *generation != self.generation() || !known.valid.contains(&auth.clock.now().as_second()) {
            return None;
        }
        let revocations = auth.memory.revoked.revocations.load(Ordering::Acquire);
        if known.revocations.get() != Some(revocations) {
            auth.verifier.check_standing(token).ok()?;
            known.revocations.set(Some(revocations));
        }
        let Quota::Limited(rate) = known.quota else { return Some(None) };
        let counted = auth.memory.quotas.take_now(token, rate, now)?.ok()?;
        Some(Some(headers::rate_limit(rate, 1, Ok(counted))))
    }
}
