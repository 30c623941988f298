//! Makes each attempt unique, by a nonce or by a second that no equal call has used. Gateways refuse a signature that
//! they have seen, and equal calls within one second would have the same one. A replica knows only its own seconds: a
//! call whose signature another replica has sent is signed again.

mod runs;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::protocol::call::TimeFormIndex;
use super::protocol::{Call, TimestampAndNonce};
use crate::sha256::sha256_half_of_list;

use runs::Runs;

/// The largest random step after a repeat that is not our own, in seconds. Another program then uses the same
/// credential, and random steps make it unlikely that both keep choosing the same seconds.
const LARGEST_STEP: i64 = 16;

/// How many calls are tracked before those whose seconds are past are dropped.
const REMEMBERED: usize = 4096;

/// A hash of everything that a call's signature covers except the time.
type CallHash = [u8; 16];

/// The timestamp allocator of all accounts: the seconds that calls have used. It is shared because two tenants may
/// share a credential, and the gateway counts by credential.
#[derive(Debug, Default)]
pub struct TimestampAllocator(Mutex<HashMap<CallHash, Runs>>);

impl TimestampAllocator {
    fn used(&self) -> MutexGuard<'_, HashMap<CallHash, Runs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first second from `now` on that no equal call has used; `None` when it would be too far ahead.
    fn take(&self, call: CallHash, now: i64, lead: i64) -> Option<i64> {
        let mut used = self.used();
        make_room(&mut used, now);
        let runs = used.entry(call).or_default();
        let second = runs.free(now, lead)?;
        runs.add(second, lead);
        Some(second)
    }

    /// Skips some of the next seconds of a call.
    fn step_aside(&self, call: CallHash) {
        if let Some(runs) = self.used().get_mut(&call) {
            runs.pass_over(fastrand::i64(0..LARGEST_STEP));
        }
    }
}

fn make_room(used: &mut HashMap<CallHash, Runs>, now: i64) {
    if used.len() >= REMEMBERED {
        used.retain(|_, runs| runs.reaches(now));
    }
}

/// Issues the timestamps and nonces of one account, shared by all workers.
#[derive(Debug)]
pub struct Stamps {
    credential: String,
    unique: Uniqueness,
    /// The timestamp form that the gateway accepts.
    pub form: FormMemory,
    used: Arc<TimestampAllocator>,
}

/// What makes the signatures of equal calls differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// A nonce, which the gateway verifies with the signature and otherwise ignores.
    Nonce,
    /// A second that no equal call has used.
    Second {
        /// How far ahead of the gateway's clock the second may be: inside the gateway's window, with room for a clock
        /// that is a little off.
        lead: Duration,
    },
}

impl Stamps {
    /// Creates an issuer of nonces, or of strictly increasing seconds for equal calls. `credential` is what the gateway
    /// knows the account by, such as its key.
    pub fn new(credential: String, unique: Uniqueness, form: FormMemory, used: Arc<TimestampAllocator>) -> Self {
        Self { credential, unique, form, used }
    }

    /// Issues a timestamp of this form at the gateway's time `now`, with a nonce if the account uses them; `None` when
    /// every allowed second has been used.
    pub fn issue(&self, call: &Call, now: Timestamp, form: TimeFormIndex) -> Option<TimestampAndNonce> {
        match self.unique {
            Uniqueness::Nonce => {
                Some(TimestampAndNonce { time: now, nonce: Some(Uuid::new_v4().simple().to_string()), form })
            }
            Uniqueness::Second { lead } => {
                let lead = i64::try_from(lead.as_secs()).unwrap_or(i64::MAX);
                let second = self.used.take(self.hash(call), now.as_second(), lead)?;
                Some(TimestampAndNonce { time: Timestamp::from_second(second).ok()?, nonce: None, form })
            }
        }
    }

    /// Records that the gateway had seen a timestamp that we had not used.
    pub fn repeated(&self, call: &Call) {
        if self.unique != Uniqueness::Nonce {
            self.used.step_aside(self.hash(call));
        }
    }

    fn hash(&self, call: &Call) -> CallHash {
        let parameters = call.arguments.iter().flat_map(|argument| [&*argument.name, argument.value.as_str()]);
        sha256_half_of_list([self.credential.as_str(), &call.method.name].into_iter().chain(parameters))
    }
}

/// The timestamp form that a gateway accepts, among those of its vendor: fixed by configuration, or learned.
#[derive(Debug)]
pub struct FormMemory {
    /// The number of forms to learn from; one when the form is fixed.
    forms: usize,
    current: AtomicUsize,
}

impl FormMemory {
    /// Fixes the form.
    pub const fn fixed(form: TimeFormIndex) -> Self {
        Self { forms: 1, current: AtomicUsize::new(form) }
    }

    /// Starts with the first form and may learn another one.
    pub const fn learning(forms: usize) -> Self {
        Self { forms, current: AtomicUsize::new(0) }
    }

    /// The form to send now.
    pub fn current(&self) -> TimeFormIndex {
        self.current.load(Ordering::Relaxed)
    }

    /// The form to try after this one was refused; `None` when the form is fixed.
    pub fn other_than(&self, refused: TimeFormIndex) -> Option<TimeFormIndex> {
        (self.forms > 1).then(|| (refused + 1) % self.forms)
    }

    /// Remembers the form that the gateway accepted.
    pub fn remember(&self, form: TimeFormIndex) {
        if self.forms > 1 {
            self.current.store(form, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
