//! Makes each attempt unlike every other: a nonce, or a second that no equal call has used.
//! Both vendors refuse a signature that they have seen (OMS for 3600 s), and equal calls within one second would carry
//! the same one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::dialect::{Call, Stamp, TimestampForm};

/// After a repeat that is not our own, somebody else uses the same credential: a step of up to so many seconds, chosen at
/// random, makes it unlikely that both go on choosing the same ones.
const LARGEST_STEP: i64 = 16;

/// Seconds remembered before those that lie in the past are dropped.
const REMEMBERED: usize = 4096;

/// The seconds that calls have used, of all accounts: two companies may share a credential, and the gateway counts by it.
#[derive(Debug, Default)]
pub struct UsedSeconds(Mutex<HashMap<u64, Used>>);

/// What one call has used.
#[derive(Clone, Copy, Debug)]
struct Used {
    last: i64,
    /// The last one before the clock jumped ahead, if it did: what followed was perhaps never taken.
    before_jump: i64,
}

impl UsedSeconds {
    /// The first second from `now` on that no equal call has used; `None` when it would lie too far ahead.
    fn take(&self, call: u64, now: i64, lead: i64) -> Option<i64> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, used| used.last >= now);
        }
        let used = used.entry(call).or_insert(Used { last: i64::MIN, before_jump: i64::MIN });
        let furthest = now.saturating_add(lead);
        if used.last > furthest {
            // It was used by a clock that has been corrected since, and refused.
            used.last = if used.before_jump > furthest { i64::MIN } else { used.before_jump };
        }
        let second = now.max(used.last.saturating_add(1));
        if second > furthest {
            return None;
        }
        if second > used.last.saturating_add(lead) {
            used.before_jump = used.last;
        }
        used.last = second;
        Some(second)
    }

    /// Passes over some of the next seconds.
    fn step_aside(&self, call: u64) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = used.get_mut(&call) {
            used.last = used.last.saturating_add(fastrand::i64(0..LARGEST_STEP));
        }
    }
}

/// Issues the stamps of one account, shared by all workers.
#[derive(Debug)]
pub struct Stamps {
    credential: String,
    unique: Unique,
    form: FormMemory,
    used: Arc<UsedSeconds>,
}

/// What makes the signatures of equal calls differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// A nonce, which the gateway signs and otherwise ignores.
    Nonce,
    /// A second that no equal call has used, at most so much ahead of the gateway's clock.
    Second {
        /// Inside the gateway's window, with room for a clock that is a little off.
        lead: Duration,
    },
}

impl Stamps {
    /// Stamps with a nonce each, or with strictly increasing seconds for equal calls.
    /// `credential` is what the gateway knows the account by, such as its key.
    pub fn new(credential: String, unique: Unique, form: FormMemory, used: Arc<UsedSeconds>) -> Self {
        Self { credential, unique, form, used }
    }

    /// A stamp in this form at the gateway's time `now`; `None` when every second that may be used has been used.
    pub fn issue(&self, call: &Call, now: Timestamp, form: TimestampForm) -> Option<Stamp> {
        match self.unique {
            Unique::Nonce => Some(Stamp { time: now, nonce: Some(Uuid::new_v4().simple().to_string()), form }),
            Unique::Second { lead } => {
                let lead = i64::try_from(lead.as_secs()).unwrap_or(i64::MAX);
                let second = self.used.take(self.digest(call), now.as_second(), lead)?;
                Some(Stamp { time: Timestamp::from_second(second).ok()?, nonce: None, form })
            }
        }
    }

    /// The gateway has seen the stamp before, although we had not used it.
    pub fn repeated(&self, call: &Call) {
        if self.unique != Unique::Nonce {
            self.used.step_aside(self.digest(call));
        }
    }

    /// The memory of the timestamp's form.
    pub const fn form(&self) -> &FormMemory {
        &self.form
    }

    fn digest(&self, call: &Call) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.credential.hash(&mut hasher);
        call.method.name.hash(&mut hasher);
        call.parameters.hash(&mut hasher);
        hasher.finish()
    }
}

/// Which form of timestamp a gateway takes: fixed by configuration, or learned.
#[derive(Debug)]
pub struct FormMemory {
    learns: bool,
    current: AtomicU8,
}

impl FormMemory {
    /// Always this form.
    pub const fn fixed(form: TimestampForm) -> Self {
        Self { learns: false, current: AtomicU8::new(encode(form)) }
    }

    /// Starts with this form and may learn the other one.
    pub const fn learning(form: TimestampForm) -> Self {
        Self { learns: true, current: AtomicU8::new(encode(form)) }
    }

    /// The form to send now.
    pub fn current(&self) -> TimestampForm {
        if self.current.load(Ordering::Relaxed) == encode(TimestampForm::Unix) {
            TimestampForm::Unix
        } else {
            TimestampForm::Compact
        }
    }

    /// The form to try when this one was refused; `None` when the form is fixed.
    pub fn other_than(&self, refused: TimestampForm) -> Option<TimestampForm> {
        self.learns.then(|| refused.other())
    }

    /// Keeps the form that the gateway took.
    pub fn remember(&self, form: TimestampForm) {
        if self.learns {
            self.current.store(encode(form), Ordering::Relaxed);
        }
    }
}

const fn encode(form: TimestampForm) -> u8 {
    match form {
        TimestampForm::Unix => 0,
        TimestampForm::Compact => 1,
    }
}

#[cfg(test)]
mod tests;
