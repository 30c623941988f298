//! Whether the service is shutting down: `/readyz` reports it, and responses close their connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a stop has begun. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Whether a stop has begun: answers are the last ones on their connections.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins the stop.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
