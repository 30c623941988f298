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
pub struct UsedSeconds(Mutex<HashMap<u64, i64>>);

impl UsedSeconds {
    /// The first second from `now` on that no equal call has used; `None` when it would lie too far ahead.
    fn take(&self, call: u64, now: i64, lead: i64) -> Option<i64> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, second| *second >= now);
        }
        let last = used.entry(call).or_insert(i64::MIN);
        let second = now.max(last.saturating_add(1));
        if second > now.saturating_add(lead) {
            return None;
        }
        *last = second;
        Some(second)
    }

    /// Passes over some of the next seconds.
    fn step_aside(&self, call: u64) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = used.get_mut(&call) {
            *last = last.saturating_add(fastrand::i64(0..LARGEST_STEP));
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
mod tests {
    use super::{FormMemory, Stamps, Unique, UsedSeconds};
    use crate::gateway::dialect::{Call, TimestampForm};
    use crate::gateway::oms::methods::SHOP_GET;
    use jiff::Timestamp;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::time::Duration;

    const UNIX: TimestampForm = TimestampForm::Unix;
    const A_MINUTE_AHEAD: Unique = Unique::Second { lead: Duration::from_secs(60) };

    fn call(shop: &str) -> Call {
        Call::new(SHOP_GET).with("shop_bn", shop)
    }

    fn stamps(unique: Unique, credential: &str, used: &Arc<UsedSeconds>) -> Stamps {
        Stamps::new(credential.to_owned(), unique, FormMemory::fixed(TimestampForm::Unix), used.clone())
    }

    #[test]
    fn two_accounts_with_one_credential_never_use_the_same_second() {
        let used = Arc::default();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let second = |stamps: Stamps| stamps.issue(&call("A"), now, UNIX).unwrap().time.as_second() - now.as_second();
        let seconds = ["demo", "demo", "other"].map(|credential| second(stamps(A_MINUTE_AHEAD, credential, &used)));
        assert_eq!(seconds, [0, 1, 0]);
    }

    #[test]
    fn without_a_nonce_equal_calls_get_increasing_seconds_and_others_do_not_wait() {
        let stamps = stamps(A_MINUTE_AHEAD, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let seconds: Vec<i64> =
            (0..3).map(|_| stamps.issue(&call("A"), now, UNIX).unwrap().time.as_second() - now.as_second()).collect();
        assert_eq!(seconds, [0, 1, 2]);
        assert_eq!(stamps.issue(&call("B"), now, UNIX).unwrap().time, now);
    }

    #[test]
    fn a_second_too_far_ahead_is_never_given() {
        let stamps = stamps(A_MINUTE_AHEAD, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let given = (0..200).filter(|_| stamps.issue(&call("A"), now, UNIX).is_some()).count();
        assert_eq!(given, 61);
    }

    #[test]
    fn nonces_do_not_repeat() {
        let stamps = stamps(Unique::Nonce, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let nonces: HashSet<String> =
            (0..1000).filter_map(|_| stamps.issue(&call("A"), now, UNIX).and_then(|stamp| stamp.nonce)).collect();
        assert_eq!(nonces.len(), 1000);
    }

    #[test]
    fn a_form_is_learned_from_what_the_gateway_took() {
        let memory = FormMemory::learning(UNIX);
        assert_eq!(memory.other_than(UNIX), Some(TimestampForm::Compact));
        assert_eq!(memory.current(), UNIX, "one refusal alone changes nothing");
        memory.remember(TimestampForm::Compact);
        assert_eq!(memory.current(), TimestampForm::Compact);
        let fixed = FormMemory::fixed(UNIX);
        fixed.remember(TimestampForm::Compact);
        assert_eq!((fixed.other_than(UNIX), fixed.current()), (None, UNIX));
    }

    #[test]
    fn two_processes_that_meet_part_again() {
        let sides =
            [(); 2].map(|()| stamps(Unique::Second { lead: Duration::from_secs(1_800) }, "demo", &Arc::default()));
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        fastrand::seed(7);
        let mut seen = HashSet::new();
        let mut unanswered = 0;
        for number in 0..400 {
            let side = &sides[number % 2];
            let answered = (0..3).any(|_| {
                let is_new = seen.insert(side.issue(&call("A"), now, UNIX).unwrap().time);
                if !is_new {
                    side.repeated(&call("A"));
                }
                is_new
            });
            unanswered += i32::from(!answered);
        }
        assert!(unanswered <= 8, "{unanswered} of 400 equal calls in one second");
    }
}
