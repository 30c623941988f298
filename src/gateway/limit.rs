//! How many calls of a gateway may be under way at once, and how many may start in a second, across all workers and
//! all companies that use it. Each gateway has its own, so that one that hangs does not slow the others.

use std::collections::HashMap;
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
    /// When the next call may start, if calls per second are limited.
    next_start: Mutex<Duration>,
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
        Self { settings, under_way, waiting: AtomicUsize::new(0), next_start: Mutex::default() }
    }

    /// Waits for a place, but not longer than configured, nor in a queue longer than configured.
    ///
    /// # Errors
    /// [`Full`] when there is none in time.
    pub async fn enter(&self, clock: &Clock, deadline: &Deadline) -> Result<Place, Full> {
        let patience = self.settings.queue_wait.min(deadline.left());
        let permit = match self.under_way.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.queue(patience).await?,
        };
        let pause = self.start(clock.elapsed(), patience)?;
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

    /// Takes the next start and gives the pause until then. A second's worth of calls may start at once.
    fn start(&self, now: Duration, patience: Duration) -> Result<Duration, Full> {
        let Some(per_second) = self.settings.calls_per_second else { return Ok(Duration::ZERO) };
        let interval = Duration::from_secs(1) / per_second.get();
        let burst = Duration::from_secs(1) - interval;
        let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
        let start = (*next).max(now);
        let pause = start.saturating_sub(now + burst);
        if pause > patience {
            return Err(Full { retry_after: pause });
        }
        *next = start + interval;
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
mod tests {
    use super::{CallLimit, CallLimits, Full, origin};
    use crate::clock::{Clock, Deadline};
    use crate::gateway::settings::LimitSettings;
    use crate::gateway::vendor::Gateway;
    use futures_util::future::join_all;
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    fn limit(in_flight: usize, queue: usize, per_second: Option<u32>) -> CallLimit {
        CallLimit::new(LimitSettings {
            calls_in_flight: in_flight,
            calls_per_second: per_second.and_then(NonZeroU32::new),
            queue,
            queue_wait: Duration::from_millis(20),
        })
    }

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(5))
    }

    #[actix_web::test]
    async fn no_more_than_so_many_are_under_way_and_a_place_is_given_back() {
        let (limit, clock) = (limit(2, 8, None), Clock::system());
        let first = limit.enter(&clock, &deadline()).await.unwrap();
        let _second = limit.enter(&clock, &deadline()).await.unwrap();
        assert_eq!(limit.under_way(), 2);
        let third = limit.enter(&clock, &deadline()).await;
        assert_eq!(third.unwrap_err(), Full { retry_after: Duration::from_millis(20) });
        drop(first);
        assert!(limit.enter(&clock, &deadline()).await.is_ok());
    }

    #[actix_web::test]
    async fn who_waits_gets_the_next_place() {
        let (limit, clock) = (Arc::new(limit(1, 8, None)), Clock::system());
        let first = limit.enter(&clock, &deadline()).await.unwrap();
        let waits = limit.clone();
        let waiting = actix_web::rt::spawn(async move { waits.enter(&Clock::system(), &deadline()).await.is_ok() });
        while limit.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert!(waiting.await.unwrap());
        assert_eq!((limit.waiting(), limit.under_way()), (0, 0));
    }

    #[actix_web::test]
    async fn a_full_queue_refuses_at_once() {
        let (limit, clock) = (limit(1, 3, None), Clock::system());
        let _first = limit.enter(&clock, &deadline()).await.unwrap();
        let deadline = Deadline::after(Duration::from_secs(5));
        let all = join_all((0..10).map(|_| limit.enter(&clock, &deadline))).await;
        assert!(all.iter().all(Result::is_err));
        assert_eq!(limit.waiting(), 0);
    }

    #[test]
    fn a_seconds_worth_starts_at_once_and_the_others_one_after_the_other() {
        let limit = limit(100, 100, Some(10));
        let patience = Duration::from_secs(1);
        for number in 0..10 {
            assert_eq!(limit.start(Duration::ZERO, patience), Ok(Duration::ZERO), "{number}");
        }
        assert_eq!(limit.start(Duration::ZERO, patience), Ok(Duration::from_millis(100)));
        assert_eq!(limit.start(Duration::ZERO, patience), Ok(Duration::from_millis(200)));
        let refused = limit.start(Duration::ZERO, Duration::from_millis(250));
        assert_eq!(refused, Err(Full { retry_after: Duration::from_millis(300) }));
        assert_eq!(limit.start(Duration::from_secs(60), patience), Ok(Duration::ZERO));
    }

    #[test]
    fn accounts_at_one_address_share_their_limits_and_vendors_do_not() {
        let limits = CallLimits::default();
        let settings = LimitSettings::default();
        let of = |gateway, url| limits.of(gateway, url, settings);
        let first = of(Gateway::OpRetail, "https://Open.example.com/m.api");
        assert!(Arc::ptr_eq(&first, &of(Gateway::OpRetail, "https://open.example.com/cloud.api")));
        assert!(!Arc::ptr_eq(&first, &of(Gateway::Oms, "https://open.example.com/")));
        assert!(!Arc::ptr_eq(&first, &of(Gateway::OpRetail, "https://other.example.com/m.api")));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("http://127.0.0.1:8090/m.api?x"), "http://127.0.0.1:8090");
    }
}
