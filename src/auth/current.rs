//! The [`Auth`] that is in force. A reload puts another one in its place between two requests; a request that has begun
//! ends with the one it began with.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::{Auth, AuthSettings, AuthSetupError};

/// Shared by all workers as `web::Data<CurrentAuth>`. Reading it takes no lock.
#[derive(Debug)]
pub struct CurrentAuth(ArcSwap<Auth>);

impl CurrentAuth {
    /// Puts the first one in force.
    pub fn new(auth: Auth) -> Self {
        Self(ArcSwap::from_pointee(auth))
    }

    /// The one in force, for a look that does not wait for anything.
    pub fn load(&self) -> Guard<Arc<Auth>> {
        self.0.load()
    }

    /// The one in force, to be kept for as long as a request takes.
    pub fn get(&self) -> Arc<Auth> {
        self.0.load_full()
    }

    /// Puts new keys, clients and limits in force; what was revoked, guessed and counted stays known.
    ///
    /// # Errors
    /// There is no key; the old ones stay.
    pub fn renew(&self, settings: AuthSettings) -> Result<(), AuthSetupError> {
        let renewed = self.load().renewed(settings)?;
        self.0.store(Arc::new(renewed));
        Ok(())
    }
}
