//! The current [`Auth`]. A reload replaces it between two requests; a request in progress ends with the one it began
//! with.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use rustls::ClientConfig;

use super::issuers::KeyFetcher;
use super::{Auth, AuthSettings, AuthSetupError};
use crate::supervisor::Supervisor;

/// The current [`Auth`], shared by all workers as `web::Data<CurrentAuth>`. Reading it takes no lock.
#[derive(Debug)]
pub struct CurrentAuth {
    auth: ArcSwap<Auth>,
    /// Fetches the keys of trusted issuers, including those that a reload adds.
    fetcher: Option<KeyFetcher>,
}

impl CurrentAuth {
    /// Creates the holder of the first [`Auth`].
    pub fn new(auth: Auth) -> Self {
        Self { auth: ArcSwap::from_pointee(auth), fetcher: None }
    }

    /// Starts fetching the keys of trusted issuers. Must be called once, inside the runtime that runs the fetches.
    #[must_use]
    pub fn fetching_keys(self, tls: Arc<ClientConfig>, supervisor: &Supervisor) -> Self {
        let fetcher = KeyFetcher::start(tls, supervisor);
        self.load().verifier().trusted().fetch_keys(&fetcher);
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
            renewed.verifier().trusted().fetch_keys(fetcher);
        }
        first();
        self.auth.store(Arc::new(renewed));
        Ok(())
    }
}
