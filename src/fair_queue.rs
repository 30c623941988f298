//! Permits that are shared fairly between tenants, and within a tenant between its clients.
//!
//! A free permit goes to the waiting tenant with the fewest in use, and within it to the client with the fewest; equals
//! are served in rotation. A single tenant may use all permits, or all but a reserve. With a reserve, a tenant leaves
//! as many permits free as it has in use, up to the reserve, so that a tenant with none is served at once, however long
//! others hold theirs. The places of the queue are shared equally, too: if it is full, a newcomer displaces the last
//! waiter of the principal with the most waiters.

mod pace;
mod shares;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;

use self::pace::Pace;
use self::shares::{Room, Shares, Waiter};

/// The shortest pause, so that a clock that stands still does not keep a worker busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The principal of some work: a tenant, a client of it, and finer parts where needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Principal(Arc<[Arc<str>]>);

impl Principal {
    /// Returns the principal for a client of a tenant.
    pub fn new(tenant: &Arc<str>, client: &Arc<str>) -> Self {
        Self([tenant.clone(), client.clone()].into())
    }

    /// Returns the principal for these names, from the largest group to the smallest.
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| Arc::from(*name)).collect())
    }

    /// Returns the principal for the tenant's work for which no client waits.
    #[must_use]
    pub fn in_background(&self) -> Self {
        self.0.first().map_or_else(Self::default, |tenant| Self::new(tenant, &Arc::from("")))
    }
}

/// A number of permits and the queue for them. Clones share it.
#[derive(Clone, Debug)]
pub struct FairQueue(Arc<QueueInner>);

#[derive(Debug)]
struct QueueInner {
    permits: usize,
    queue: usize,
    clock: Clock,
    state: Mutex<QueueState>,
}

#[derive(Debug)]
struct QueueState {
    shares: Shares,
    pace: Option<Pace>,
    /// The number of permits reserved for tenants with fewer in use.
    reserve: usize,
    /// The number of the next waiter.
    next: u64,
    /// Whether a task waits until the pace allows the next permit.
    is_paced: bool,
}

impl QueueState {
    /// Returns the free permits, and how many of them are reserved.
    fn room(&self, permits: usize) -> Room {
        Room { free: permits.saturating_sub(self.shares.in_use()), reserve: self.reserve }
    }

    /// Whether a waiter is delayed by nothing but the pace.
    fn is_held_back(&self, permits: usize) -> bool {
        self.shares.has_next(self.room(permits))
    }
}

/// The task that waits for the pace. If it ends with its worker, the next caller starts another.
struct Pacing(FairQueue);

impl Drop for Pacing {
    fn drop(&mut self) {
        self.0.lock().is_paced = false;
    }
}

/// A permit, which is returned when it is dropped.
#[derive(Debug)]
pub struct Permit {
    queue: FairQueue,
    principal: Principal,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.queue.lock().shares.leave(&self.principal.0);
        self.queue.serve();
    }
}

/// There is no permit, because the queue is full or the wait was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

/// Removes a waiter from the queue when it stops waiting.
struct WaiterGuard<'a> {
    queue: &'a FairQueue,
    principal: &'a Principal,
    number: u64,
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.queue.lock().shares.withdraw(&self.principal.0, self.number);
    }
}

impl FairQueue {
    /// Creates `permits` permits, with a queue for at most `queue` waiters.
    pub fn new(permits: usize, queue: usize) -> Self {
        Self::paced(permits, queue, None, Clock::system())
    }

    /// Creates permits of which at most `per_second` are given out in any second.
    pub fn paced(permits: usize, queue: usize, per_second: Option<NonZeroU32>, clock: Clock) -> Self {
        let pace = per_second.map(Pace::new);
        let state = QueueState { shares: Shares::default(), pace, reserve: 0, next: 0, is_paced: false };
        Self(Arc::new(QueueInner { permits, queue, clock, state: Mutex::new(state) }))
    }

    /// Reserves this many permits for tenants with fewer in use.
    pub fn reserve(&self, permits: usize) {
        self.lock().reserve = permits;
    }

    /// Waits for a permit, at most `longest`.
    ///
    /// # Errors
    /// Returns [`QueueFull`] if there is no permit in time, or no place in the queue.
    pub async fn acquire(&self, principal: &Principal, longest: Duration) -> Result<Permit, QueueFull> {
        let (waiter, mut permit) = oneshot::channel();
        let number = self.enqueue(principal, waiter)?;
        // The guard is dropped before the receiver, which then returns a permit that was sent in between.
        let waiting = WaiterGuard { queue: self, principal, number };
        self.serve();
        if let Ok(permit) = permit.try_recv() {
            return Ok(permit);
        }
        let outcome = tokio::time::timeout(longest, &mut permit).await;
        drop(waiting);
        // An error means that another waiter has displaced this one.
        outcome.ok().and_then(Result::ok).ok_or(QueueFull)
    }

    /// Returns the number of permits in use.
    pub fn in_use(&self) -> usize {
        self.lock().shares.in_use()
    }

    /// Returns the number of waiters.
    pub fn waiting(&self) -> usize {
        self.lock().shares.waiting()
    }

    /// Returns the time until the pace allows the next permit.
    pub fn next_in(&self) -> Duration {
        let now = self.0.clock.elapsed();
        self.lock().pace.as_mut().map_or(Duration::ZERO, |pace| pace.wait(now))
    }

    /// Adds a waiter and returns its number. A waiter that can be served at once needs no place in the queue.
    fn enqueue(&self, principal: &Principal, permit: oneshot::Sender<Permit>) -> Result<u64, QueueFull> {
        let mut state = self.lock();
        let room = state.room(self.0.permits);
        let is_next = !state.shares.has_next(room) && state.shares.may_have(&principal.0, room);
        let is_free = is_next && self.pace_allows(&mut state);
        // The displaced waiter is dropped after the lock is released, because its receiver wakes.
        let mut _displaced = None;
        if !is_free && state.shares.waiting() >= self.0.queue {
            _displaced = state.shares.displace_for(&principal.0);
            if _displaced.is_none() {
                return Err(QueueFull);
            }
        }
        state.next += 1;
        let number = state.next;
        state.shares.enqueue(&principal.0, Waiter { number, principal: principal.clone(), permit });
        drop(state);
        Ok(number)
    }

    /// Whether the pace allows a permit now.
    fn pace_allows(&self, state: &mut QueueState) -> bool {
        let now = self.0.clock.elapsed();
        state.pace.as_mut().is_none_or(|pace| pace.wait(now).is_zero())
    }

    /// Gives out all permits that can be given out now.
    fn serve(&self) {
        let mut served = Vec::new();
        let mut state = self.lock();
        while self.pace_allows(&mut state) {
            let room = state.room(self.0.permits);
            let Some(waiter) = state.shares.serve_next(room) else { break };
            if let Some(pace) = &mut state.pace {
                pace.count(self.0.clock.elapsed());
            }
            served.push(waiter);
        }
        if state.is_held_back(self.0.permits) && !state.is_paced {
            state.is_paced = self.serve_later();
        }
        drop(state);
        for Waiter { principal, permit, .. } in served {
            // A permit that nobody waits for any more is dropped here, and thereby returned.
            let _unwanted = permit.send(Permit { queue: self.clone(), principal });
        }
    }

    /// Serves again whenever the pace allows it, until no waiter is delayed by it.
    fn serve_later(&self) -> bool {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        let pacing = Pacing(self.clone());
        runtime.spawn(async move {
            let Pacing(queue) = &pacing;
            loop {
                tokio::time::sleep(queue.next_in().max(SHORTEST_PAUSE)).await;
                queue.serve();
                let mut state = queue.lock();
                if !state.is_held_back(queue.0.permits) {
                    state.is_paced = false;
                    return;
                }
            }
        });
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, QueueState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
