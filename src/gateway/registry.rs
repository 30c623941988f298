//! What accounts share: the seconds that a credential has used, and the limits of a gateway, whichever company calls.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use super::limit::{CallLimit, CallLimits};
use super::settings::GatewaySettings;
use super::stamps::TimestampAllocator;
use super::vendor::Vendor;
use crate::clock::Clock;

/// What all accounts of the process share. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Registry {
    used: Arc<TimestampAllocator>,
    limits: Arc<CallLimits>,
    settings: Arc<GatewaySettings>,
    clock: Clock,
}

impl Registry {
    /// A registry that knows no account yet.
    pub fn new(settings: &GatewaySettings, clock: Clock) -> Self {
        Self { used: Arc::default(), limits: Arc::default(), settings: Arc::new(settings.clone()), clock }
    }

    /// The seconds that calls have used.
    pub(super) fn used_seconds(&self) -> Arc<TimestampAllocator> {
        self.used.clone()
    }

    /// The limits of the gateway at `url`.
    pub(super) fn limit(&self, vendor: Vendor, url: &str) -> Arc<CallLimit> {
        self.limits.of(vendor, url, self.settings.limits_of(vendor), &self.clock)
    }

    /// A breaker for one credential.
    pub(super) fn breaker(&self) -> Breaker {
        // A probe that has taken longer than an attempt may has vanished; it starts when the queue is behind it.
        let probe_time = self.settings.attempt_timeout + Duration::from_secs(1);
        Breaker::new(self.settings.breaker_rest, probe_time)
    }

    /// Calls under way and waiting at all gateways of a vendor.
    pub fn load(&self, vendor: Vendor) -> (usize, usize) {
        self.limits.load(vendor)
    }
}
