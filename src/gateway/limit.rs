//! How many calls of a gateway may be under way at once, and how many may start in a second, across all workers and
//! all companies that use it. Each gateway has its own, so that one that hangs does not slow the others.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::settings::LimitSettings;
use super::vendor::Gateway;
use crate::clock::{Clock, Deadline};

/// The limits of one gateway, shared by all workers.
#[derive(Debug)]
pub struct CallLimit {
    settings: LimitSettings,
    under_way: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// When the last calls started or will start, if calls per second are limited.
    starts: Mutex<VecDeque<Duration>>,
}

/// A call's place among those under way; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// There is no place, and none will be for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// When it is worth coming back.
    pub retry_after: Duration,
}

/// Counts a caller who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl CallLimit {
    /// Limits as configured.
    pub fn new(settings: LimitSettings) -> Self {
        let under_way = Arc::new(Semaphore::new(settings.calls_in_flight));
        Self { settings, under_way, waiting: AtomicUsize::new(0), starts: Mutex::default() }
    }

    /// Waits for a place, but not longer than configured, nor in a queue longer than configured.
    ///
    /// # Errors
    /// [`Full`] when there is none in time.
    pub async fn enter(&self, clock: &Clock, deadline: &Deadline) -> Result<Place, Full> {
        let patience = Deadline::after(self.settings.queue_wait.min(deadline.left()));
        let permit = match self.under_way.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.queue(patience.left()).await?,
        };
        let pause = self.start(clock.elapsed(), patience.left())?;
        if !pause.is_zero() {
            let _waiting = self.wait_in_line();
            tokio::time::sleep(pause).await;
        }
        Ok(Place { _permit: permit })
    }

    /// How many calls are under way.
    pub fn under_way(&self) -> usize {
        self.settings.calls_in_flight.saturating_sub(self.under_way.available_permits())
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    async fn queue(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Full> {
        let full = Full { retry_after: self.settings.queue_wait };
        let _waiting = self.wait_in_line();
        if self.waiting() > self.settings.queue {
            return Err(full);
        }
        match tokio::time::timeout(patience, self.under_way.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(full),
        }
    }

    fn wait_in_line(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(&self.waiting)
    }

    /// Takes the next start and gives the pause until then: no second has more starts than are allowed, wherever it begins.
    fn start(&self, now: Duration, patience: Duration) -> Result<Duration, Full> {
        let Some(per_second) = self.settings.calls_per_second else { return Ok(Duration::ZERO) };
        let most = usize::try_from(per_second.get()).unwrap_or(usize::MAX);
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        while starts.len() > most {
            starts.pop_front();
        }
        let earliest =
            starts.front().filter(|_| starts.len() == most).map_or(now, |first| *first + Duration::from_secs(1));
        let start = earliest.max(now);
        let pause = start - now;
        if pause > patience {
            return Err(Full { retry_after: pause });
        }
        starts.push_back(start);
        Ok(pause)
    }
}

/// The limits of all gateways: one for each vendor and address, whichever companies call there.
#[derive(Debug, Default)]
pub struct CallLimits(Mutex<HashMap<(Gateway, String), Arc<CallLimit>>>);

impl CallLimits {
    /// The limits of the gateway at `url`, made with the first account there.
    pub fn of(&self, gateway: Gateway, url: &str, settings: LimitSettings) -> Arc<CallLimit> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = limits.entry((gateway, origin(url))).or_insert_with(|| Arc::new(CallLimit::new(settings)));
        limit.clone()
    }

    /// Calls under way and waiting at all gateways of a vendor.
    pub fn load(&self, gateway: Gateway) -> (usize, usize) {
        let limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_vendor = limits.iter().filter(|((vendor, _), _)| *vendor == gateway);
        of_vendor
            .fold((0, 0), |(under_way, waiting), (_, limit)| (under_way + limit.under_way(), waiting + limit.waiting()))
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
