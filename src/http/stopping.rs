//! Whether the service is shutting down: `/readyz` reports it, and responses close their connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a shutdown has begun. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Whether a shutdown has begun, so that responses close their connections.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins the shutdown.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
