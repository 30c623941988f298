//! The keyring: the known keys of one issuer, and when they may be fetched again. All workers share it, and a reload
//! hands it on. One task elsewhere does the fetching.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::fetch::FETCH_TIMEOUT;
use crate::auth::verification_keys::VerificationKeys;
use crate::clock::Clock;
use crate::single_flight::{Flight, Follower, Leader};

/// The shortest time between two fetches of an issuer's keys, however many tokens name unknown keys.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// How long keys are valid if the provider does not state it.
const USUAL_AGE: Duration = Duration::from_secs(10 * 60);
/// The shortest lifetime that a provider may state; [`LONGEST_AGE`] is the longest. A key that it withdraws must not
/// stay valid for a day.
const SHORTEST_AGE: Duration = Duration::from_secs(60);
const LONGEST_AGE: Duration = Duration::from_secs(60 * 60);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keyring {
    keys: RwLock<Arc<VerificationKeys>>,
    /// Counts the changes of keys, of this and of other keyrings.
    changes: Arc<AtomicU64>,
    schedule: Mutex<Schedule>,
    /// Wakes the task that fetches.
    wake: Arc<Notify>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Schedule {
    /// Whether a task fetches these keys.
    served: bool,
    flight: Flight<()>,
    /// The leader's side of the fetch in progress, held for the task.
    under_way: Option<Leader<()>>,
    was_read: bool,
    last_start: Option<Duration>,
    next: Option<Duration>,
}

/// A fetch in progress, shared by all who wait for it.
#[derive(Debug)]
pub struct KeyFetch(Follower<()>);

impl KeyFetch {
    /// Waits for the end of the fetch, whether it brought keys or not.
    pub async fn ended(self) {
        // The fetch has its own deadline; this one covers a task that has died.
        let _whatever_came = tokio::time::timeout(2 * FETCH_TIMEOUT, self.0.outcome()).await;
    }
}

impl Keyring {
    /// Creates a keyring whose keys never change.
    pub(super) fn fixed(keys: VerificationKeys, changes: Arc<AtomicU64>, clock: Clock) -> Self {
        let ring = Self::empty(changes, clock);
        ring.replace(keys);
        ring
    }

    /// Creates a keyring without keys until the first fetch. Each change of its keys is added to `changes`.
    pub(super) fn empty(changes: Arc<AtomicU64>, clock: Clock) -> Self {
        Self { keys: RwLock::default(), changes, schedule: Mutex::default(), wake: Arc::default(), clock }
    }

    /// Returns the known keys.
    pub(super) fn current(&self) -> Arc<VerificationKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a fetch ever succeeded.
    pub(super) fn was_read(&self) -> bool {
        self.schedule().was_read
    }

    /// Starts a fetch, or joins the one in progress. Returns `None` if the last one began less than [`PAUSE`] ago, or
    /// if there is no task.
    pub(super) fn begin_fetch(&self) -> Option<KeyFetch> {
        let mut schedule = self.schedule();
        if !schedule.served {
            return None;
        }
        if schedule.under_way.is_none() {
            let now = self.clock.elapsed();
            if schedule.last_start.is_some_and(|start| now.saturating_sub(start) < PAUSE) {
                return None;
            }
            schedule.begin(now);
            self.wake.notify_one();
        }
        schedule.flight.follow().map(KeyFetch)
    }

    /// Registers a task with its first fetch in progress, and returns what wakes the task. Returns `None` if another
    /// task is registered.
    pub(super) fn serve(&self) -> Option<Arc<Notify>> {
        let mut schedule = self.schedule();
        if schedule.served {
            return None;
        }
        schedule.served = true;
        schedule.begin(self.clock.elapsed());
        Some(self.wake.clone())
    }

    /// Removes the task, so that another one may be registered.
    pub(super) fn abandon_fetch(&self) {
        self.schedule().served = false;
    }

    /// Whether a fetch was requested or is due. From then on it is in progress, until [`Self::complete_fetch`].
    pub(super) fn is_wanted(&self) -> bool {
        let mut schedule = self.schedule();
        let now = self.clock.elapsed();
        if schedule.under_way.is_none() && schedule.is_due(now) {
            schedule.begin(now);
        }
        schedule.under_way.is_some()
    }

    /// Completes the fetch in progress. With keys, they are used for as long as the provider states. Without, the known
    /// keys stay in use, and the next attempt is after [`PAUSE`].
    pub(super) fn complete_fetch(&self, brought: Option<(VerificationKeys, Option<Duration>)>) {
        let age = match brought {
            Some((keys, age)) => {
                self.replace(keys);
                age.unwrap_or(USUAL_AGE).clamp(SHORTEST_AGE, LONGEST_AGE)
            }
            None => PAUSE,
        };
        let mut schedule = self.schedule();
        let under_way = schedule.under_way.take();
        // The age of keys counts from the request for them, since the machine may have been suspended before they were
        // read.
        schedule.next = Some(schedule.last_start.unwrap_or_default() + age);
        if let Some(leader) = under_way {
            leader.finish(());
        }
    }

    fn replace(&self, keys: VerificationKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.changes.fetch_add(1, Ordering::Release);
        self.schedule().was_read = true;
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Schedule {
    fn begin(&mut self, now: Duration) {
        self.under_way = Some(self.flight.lead());
        self.last_start = Some(now);
    }

    fn is_due(&self, now: Duration) -> bool {
        self.next.is_none_or(|next| now >= next)
    }
}

#[cfg(test)]
mod tests;
