//! The [`Auth`] that is in force. A reload puts another one in its place between two requests; a request that has begun
//! ends with the one it began with.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use rustls::ClientConfig;

use super::issuers::KeyFetcher;
use super::{Auth, AuthSettings, AuthSetupError};
use crate::supervisor::Supervisor;

/// The [`Auth`] in force, shared by all workers as `web::Data<CurrentAuth>`. Reading it takes no lock.
#[derive(Debug)]
pub struct CurrentAuth {
    auth: ArcSwap<Auth>,
    /// Fetches the keys of the trusted issuers, those of a reload included.
    fetcher: Option<KeyFetcher>,
}

impl CurrentAuth {
    /// Puts the first [`Auth`] in force.
    pub fn new(auth: Auth) -> Self {
        Self { auth: ArcSwap::from_pointee(auth), fetcher: None }
    }

    /// Fetches the keys of trusted issuers from now on. Must be called once, inside the runtime that is to do it.
    #[must_use]
    pub fn fetching_keys(self, tls: Arc<ClientConfig>, supervisor: &Supervisor) -> Self {
        let fetcher = KeyFetcher::start(tls, supervisor);
        self.load().verifier().trusted().fetch_keys(&fetcher);
        Self { fetcher: Some(fetcher), ..self }
    }

    /// The [`Auth`] in force, for a look that does not wait for anything.
    pub fn load(&self) -> Guard<Arc<Auth>> {
        self.auth.load()
    }

    /// The [`Auth`] in force, to be held for as long as a request takes.
    pub fn get(&self) -> Arc<Auth> {
        self.auth.load_full()
    }

    /// Puts new keys, clients and limits in force; what was revoked, guessed and counted stays known, and so do the keys of
    /// issuers that are still trusted.
    ///
    /// # Errors
    /// There is no key; the old ones stay.
    pub fn renew(&self, settings: AuthSettings) -> Result<(), AuthSetupError> {
        self.renew_after(settings, || ())
    }

    /// Renews as [`Self::renew`] does. It calls `first` when nothing can fail any more, to put in force what belongs to the same
    /// configuration: a reader of the new generation sees that, too.
    ///
    /// # Errors
    /// There is no key; the old ones stay, and `first` is not called.
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
