//! Permits that are shared out fairly: between tenants, and within a tenant between its clients.
//!
//! A free permit goes to the waiting tenant that has the fewest in use, and within it to the client that has the fewest;
//! among equals in turn. Whoever is alone may use all of them, or all but a reserve: then a tenant leaves as many free as it has
//! in use, up to the reserve, so that a tenant that has none is served at once, however long others hold theirs. The places of
//! the queue are shared out equally: when all are taken, a newcomer takes the place of the last one in line of whoever has the
//! most.

mod pace;
mod shares;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;

use self::pace::Pace;
use self::shares::{Room, Shares, Waiter};

/// A clock that stands still must not keep a worker busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// For whom something is done: a tenant, then a client of it, and more where that is told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Principal(Arc<[Arc<str>]>);

impl Principal {
    /// A client of a tenant.
    pub fn new(tenant: &Arc<str>, client: &Arc<str>) -> Self {
        Self([tenant.clone(), client.clone()].into())
    }

    /// What is told apart by these names, from the largest group to the smallest.
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| Arc::from(*name)).collect())
    }

    /// The same tenant, for work that no client waits for.
    #[must_use]
    pub fn in_background(&self) -> Self {
        self.0.first().map_or_else(Self::default, |tenant| Self::new(tenant, &Arc::from("")))
    }
}

/// A number of permits, and the queue of those who wait for one. Cloning shares it.
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
    /// How many permits are left for tenants that have fewer in use.
    reserve: usize,
    /// Numbers the waiters.
    next: u64,
    /// Whether a task waits for the moment when the pace allows the next permit.
    is_paced: bool,
}

impl QueueState {
    /// The permits that nobody uses, and how many of them are left for others.
    fn room(&self, permits: usize) -> Room {
        Room { free: permits.saturating_sub(self.shares.in_use()), reserve: self.reserve }
    }

    /// Whether nothing but the pace keeps somebody waiting.
    fn is_held_back(&self, permits: usize) -> bool {
        self.shares.has_next(self.room(permits))
    }
}

/// The task that waits for the pace. If it ends with its worker, the next caller begins another.
struct Pacing(FairQueue);

impl Drop for Pacing {
    fn drop(&mut self) {
        self.0.lock().is_paced = false;
    }
}

/// One of the permits; given back when it is dropped.
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

/// There is no permit, and the queue is full or was waited in for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

/// Takes a waiter out of the queue when it stops waiting.
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
    /// So many permits, and so many who may wait for one.
    pub fn new(permits: usize, queue: usize) -> Self {
        Self::paced(permits, queue, None, Clock::system())
    }

    /// The same, of which no more than `per_second` are given out in any second.
    pub fn paced(permits: usize, queue: usize, per_second: Option<NonZeroU32>, clock: Clock) -> Self {
        let pace = per_second.map(Pace::new);
        let state = QueueState { shares: Shares::default(), pace, reserve: 0, next: 0, is_paced: false };
        Self(Arc::new(QueueInner { permits, queue, clock, state: Mutex::new(state) }))
    }

    /// From now on leaves so many permits for tenants that have fewer in use.
    pub fn reserve(&self, permits: usize) {
        self.lock().reserve = permits;
    }

    /// Waits for a permit, at most this long.
    ///
    /// # Errors
    /// [`QueueFull`] when there is none in time, or no place in the queue.
    pub async fn acquire(&self, principal: &Principal, longest: Duration) -> Result<Permit, QueueFull> {
        let (waiter, mut permit) = oneshot::channel();
        let number = self.enqueue(principal, waiter)?;
        // Dropped before the receiver, which then gives back what came in between.
        let waiting = WaiterGuard { queue: self, principal, number };
        self.serve();
        if let Ok(permit) = permit.try_recv() {
            return Ok(permit);
        }
        let outcome = tokio::time::timeout(longest, &mut permit).await;
        drop(waiting);
        // An error is a waiter whose place another has taken.
        outcome.ok().and_then(Result::ok).ok_or(QueueFull)
    }

    /// How many permits are in use.
    pub fn in_use(&self) -> usize {
        self.lock().shares.in_use()
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lock().shares.waiting()
    }

    /// When the pace allows another permit.
    pub fn next_in(&self) -> Duration {
        let now = self.0.clock.elapsed();
        self.lock().pace.as_mut().map_or(Duration::ZERO, |pace| pace.wait(now))
    }

    /// Gives the number of the new waiter. Whoever can be served at once needs no place in the queue.
    fn enqueue(&self, principal: &Principal, permit: oneshot::Sender<Permit>) -> Result<u64, QueueFull> {
        let mut state = self.lock();
        let room = state.room(self.0.permits);
        let is_next = !state.shares.has_next(room) && state.shares.may_have(&principal.0, room);
        let is_free = is_next && self.pace_allows(&mut state);
        // Dropped behind the lock: its receiver wakes.
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

    /// Whether the pace allows to give out a permit now.
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
            // One that nobody waits for any more is dropped here, and so given back.
            let _unwanted = permit.send(Permit { queue: self.clone(), principal });
        }
    }

    /// Serves again as often as the pace allows it, until nobody waits for that.
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
