//! The keys of one issuer as they are known now, and when they may be asked for anew. All workers share it, and so do one
//! configuration and the next; the fetching itself is done elsewhere, by one task.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::fetch::FETCH_TIMEOUT;
use crate::auth::verification_keys::VerificationKeys;
use crate::clock::Clock;
use crate::single_flight::{Flight, Follower, Leader};

/// However many tokens name unknown keys, an issuer is asked for its keys once in this time.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// How long keys are good, if the provider does not say.
const USUAL_AGE: Duration = Duration::from_secs(10 * 60);
/// What a provider may say of it. A key that it withdraws must not live on for a day.
const SHORTEST_AGE: Duration = Duration::from_secs(60);
const LONGEST_AGE: Duration = Duration::from_secs(60 * 60);

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keyring {
    keys: RwLock<Arc<VerificationKeys>>,
    replacements: AtomicU64,
    schedule: Mutex<Schedule>,
    /// Wakes the task that fetches.
    asked: Arc<Notify>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Schedule {
    /// There is a task that fetches.
    served: bool,
    flight: Flight<()>,
    /// Held for the task that fetches.
    under_way: Option<Leader<()>>,
    was_read: bool,
    last_start: Option<Duration>,
    next: Option<Duration>,
}

/// A fetch that is under way. All who wait for it share it.
#[derive(Debug)]
pub struct KeyFetch(Follower<()>);

impl KeyFetch {
    /// Ends with the fetch, whether it brought keys or not.
    pub async fn ended(self) {
        // The fetch has its own end, so this one is only for a task that died.
        let _whatever_came = tokio::time::timeout(2 * FETCH_TIMEOUT, self.0.outcome()).await;
    }
}

impl Keyring {
    /// Keys that stay as they are.
    pub(super) fn fixed(keys: VerificationKeys, clock: Clock) -> Self {
        let ring = Self::empty(clock);
        ring.replace(keys);
        ring
    }

    /// No keys until a fetch brings them.
    pub(super) fn empty(clock: Clock) -> Self {
        Self {
            keys: RwLock::default(),
            replacements: AtomicU64::new(0),
            schedule: Mutex::default(),
            asked: Arc::default(),
            clock,
        }
    }

    /// The keys that are known now.
    pub(super) fn current(&self) -> Arc<VerificationKeys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the keys were replaced.
    pub(super) fn replacements(&self) -> u64 {
        self.replacements.load(Ordering::Acquire)
    }

    /// Whether there ever was an answer.
    pub(super) fn was_read(&self) -> bool {
        self.schedule().was_read
    }

    /// Asks for the keys anew, or joins the fetch that is under way. Nothing when the last one began less than [`PAUSE`]
    /// ago, or when nobody fetches.
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
            self.asked.notify_one();
        }
        schedule.flight.follow().map(KeyFetch)
    }

    /// Says that there is a task that fetches from now on, with its first fetch under way. It is woken by the gift, and
    /// there is none if a task does so already.
    pub(super) fn serve(&self) -> Option<Arc<Notify>> {
        let mut schedule = self.schedule();
        if schedule.served {
            return None;
        }
        schedule.served = true;
        schedule.begin(self.clock.elapsed());
        Some(self.asked.clone())
    }

    /// Says that there is no such task any more, so that another one may begin.
    pub(super) fn abandon_fetch(&self) {
        self.schedule().served = false;
    }

    /// Whether a fetch was asked for or is due. From then on it is under way, until [`Self::land`].
    pub(super) fn is_wanted(&self) -> bool {
        let mut schedule = self.schedule();
        let now = self.clock.elapsed();
        if schedule.under_way.is_none() && schedule.is_due(now) {
            schedule.begin(now);
        }
        schedule.under_way.is_some()
    }

    /// Ends the fetch that is under way: with the keys that it brought and how long they are good by the provider's word,
    /// or without, and then what is known goes on and the next try is after [`PAUSE`].
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
        // Keys are as old as the question for them: the machine may have been suspended before they were read.
        schedule.next = Some(schedule.last_start.unwrap_or_default() + age);
        if let Some(leader) = under_way {
            leader.finish(());
        }
    }

    fn replace(&self, keys: VerificationKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.replacements.fetch_add(1, Ordering::Release);
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
