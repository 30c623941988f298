//! Limits the concurrent calls and the calls per second at one gateway, across all workers and tenants, who get fair
//! shares of both. Each gateway has its own limits, so that one that hangs does not slow the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::settings::LimitSettings;
use super::vendor::Vendor;
use crate::clock::Clock;
use crate::fair_queue::{self, FairQueue, Permit, Principal};

/// One of this many permits is reserved for tenants with fewer in use, where several tenants share a gateway.
const ONE_IN_RESERVE_OF: usize = 8;

/// The limits of one gateway, shared by all workers, and fairly by all tenants and their clients.
#[derive(Debug)]
pub struct CallLimit {
    calls: FairQueue,
    reserve: usize,
    /// How long a single call waits for its permit.
    pub queue_wait: Duration,
}

/// No permit was free in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// The time after which a retry is worthwhile.
    pub retry_after: Duration,
}

impl CallLimit {
    /// Limits as configured.
    pub fn new(settings: LimitSettings, clock: Clock) -> Self {
        let LimitSettings { calls_in_flight, calls_per_second, queue, queue_wait } = settings;
        let calls = FairQueue::paced(calls_in_flight, queue, calls_per_second, clock);
        let reserve = (calls_in_flight / ONE_IN_RESERVE_OF).max(1).min(calls_in_flight.saturating_sub(1));
        Self { calls, reserve, queue_wait }
    }

    /// Waits for a permit to call, at most `longest` and in a queue of the configured length. Where other accounts share
    /// the limits, an eighth of the permits is reserved, so that calls of others that hang do not block this one.
    ///
    /// # Errors
    /// [`LimitReached`] when no permit is free in time.
    pub async fn enter(self: &Arc<Self>, principal: &Principal, longest: Duration) -> Result<Permit, LimitReached> {
        self.calls.reserve(if self.is_shared() { self.reserve } else { 0 });
        let permit = self.calls.acquire(principal, longest).await;
        permit.map_err(|fair_queue::QueueFull| LimitReached { retry_after: self.queue_wait.max(self.calls.next_in()) })
    }

    /// Whether several accounts share these limits: each account holds one reference, and [`CallLimits`] another.
    fn is_shared(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 2
    }

    /// The number of calls under way.
    pub fn under_way(&self) -> usize {
        self.calls.in_use()
    }

    /// The number of calls that wait for a permit.
    pub fn waiting(&self) -> usize {
        self.calls.waiting()
    }
}

/// The limits of all gateways: one for each vendor and address, shared by the tenants that call there.
#[derive(Debug, Default)]
pub struct CallLimits(Mutex<HashMap<(Vendor, String), Arc<CallLimit>>>);

impl CallLimits {
    /// The limits of the gateway at `url`, created with the first account there.
    pub fn of(&self, vendor: Vendor, url: &str, settings: LimitSettings, clock: &Clock) -> Arc<CallLimit> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit =
            limits.entry((vendor, origin(url))).or_insert_with(|| Arc::new(CallLimit::new(settings, clock.clone())));
        limit.clone()
    }

    /// The numbers of calls under way and waiting, over all gateways of a vendor.
    pub fn load(&self, vendor: Vendor) -> (usize, usize) {
        let limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_vendor = limits.iter().filter(|((own, _), _)| *own == vendor);
        of_vendor
            .fold((0, 0), |(under_way, waiting), (_, limit)| (under_way + limit.under_way(), waiting + limit.waiting()))
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
