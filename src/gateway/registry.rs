//! The state that accounts share across tenants: the timestamps that a credential has used, and the limits of a
//! gateway.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use super::limit::{CallLimit, CallLimits};
use super::settings::GatewaySettings;
use super::stamps::TimestampAllocator;
use super::vendor::Vendor;
use crate::clock::Clock;

/// The state that all accounts of the process share. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) used: Arc<TimestampAllocator>,
    limits: Arc<CallLimits>,
    settings: Arc<GatewaySettings>,
    clock: Clock,
}

impl Registry {
    /// Creates a registry without accounts.
    pub fn new(settings: &GatewaySettings, clock: Clock) -> Self {
        Self { used: Arc::default(), limits: Arc::default(), settings: Arc::new(settings.clone()), clock }
    }

    /// The limits of the gateway at `url`.
    pub(super) fn limit(&self, vendor: Vendor, url: &str) -> Arc<CallLimit> {
        self.limits.of(vendor, url, self.settings.limits_of(vendor), &self.clock)
    }

    /// Creates a breaker for one credential.
    pub(super) fn breaker(&self) -> Breaker {
        // A probe that takes longer than an attempt may take has vanished; its time starts after the queue.
        let probe_time = self.settings.attempt_timeout + Duration::from_secs(1);
        Breaker::new(self.settings.breaker_rest, probe_time)
    }

    /// The numbers of calls under way and waiting, over all gateways of a vendor.
    pub fn load(&self, vendor: Vendor) -> (usize, usize) {
        self.limits.load(vendor)
    }
}
