//! Makes each attempt unlike every other: a nonce, or a second that no equal call has used.
//! Both vendors refuse a signature that they have seen (OMS for 3600 s), and equal calls within one second would carry
//! the same one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::dialect::{Call, Stamp, TimestampForm};

/// How far ahead of the gateway's clock a timestamp may be moved to find an unused second. Well inside the OMS's
/// ±3600 s, and inside the window of minutes that OPRetail is assumed to have.
const LONGEST_LEAD_SECONDS: i64 = 60;

/// Seconds remembered before those that lie in the past are dropped.
const REMEMBERED: usize = 4096;

/// The seconds that calls have used, of all accounts: two companies may share a credential, and the gateway counts by it.
#[derive(Debug, Default)]
pub struct UsedSeconds(Mutex<HashMap<u64, i64>>);

impl UsedSeconds {
    /// The first second from `now` on that no equal call has used; `None` when it would lie too far ahead.
    fn take(&self, call: u64, now: i64) -> Option<i64> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, second| *second >= now);
        }
        let last = used.entry(call).or_insert(i64::MIN);
        let second = now.max(last.saturating_add(1));
        if second > now.saturating_add(LONGEST_LEAD_SECONDS) {
            return None;
        }
        *last = second;
        Some(second)
    }
}

/// Issues the stamps of one account, shared by all workers.
#[derive(Debug)]
pub struct Stamps {
    credential: String,
    nonce: bool,
    form: FormMemory,
    used: Arc<UsedSeconds>,
}

impl Stamps {
    /// Stamps with a nonce each, or with strictly increasing seconds for equal calls.
    /// `credential` is what the gateway knows the account by, such as its key.
    pub fn new(credential: String, nonce: bool, form: FormMemory, used: Arc<UsedSeconds>) -> Self {
        Self { credential, nonce, form, used }
    }

    /// A stamp at the gateway's time `now`; `None` when every second that may be used has been used.
    pub fn issue(&self, call: &Call, now: Timestamp) -> Option<Stamp> {
        let form = self.form.current();
        if self.nonce {
            return Some(Stamp { time: now, nonce: Some(Uuid::new_v4().simple().to_string()), form });
        }
        let second = self.used.take(self.digest(call), now.as_second())?;
        Some(Stamp { time: Timestamp::from_second(second).ok()?, nonce: None, form })
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

    /// Moves away from a form that the gateway refused; false when the form is fixed.
    ///
    /// The refused form is given, so that many calls refused at once agree instead of undoing each other.
    pub fn refused(&self, form: TimestampForm) -> bool {
        if self.learns {
            self.current.store(encode(form.other()), Ordering::Relaxed);
        }
        self.learns
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
    use super::{FormMemory, Stamps, UsedSeconds};
    use crate::gateway::dialect::{Call, TimestampForm};
    use crate::gateway::oms::methods::SHOP_GET;
    use jiff::Timestamp;
    use std::collections::HashSet;
    use std::sync::Arc;

    fn call(shop: &str) -> Call {
        Call::new(SHOP_GET).with("shop_bn", shop)
    }

    fn stamps(nonce: bool, credential: &str, used: &Arc<UsedSeconds>) -> Stamps {
        Stamps::new(credential.to_owned(), nonce, FormMemory::fixed(TimestampForm::Unix), used.clone())
    }

    #[test]
    fn two_accounts_with_one_credential_never_use_the_same_second() {
        let used = Arc::default();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let second = |stamps: Stamps| stamps.issue(&call("A"), now).unwrap().time.as_second() - now.as_second();
        let seconds = ["demo", "demo", "other"].map(|credential| second(stamps(false, credential, &used)));
        assert_eq!(seconds, [0, 1, 0]);
    }

    #[test]
    fn without_a_nonce_equal_calls_get_increasing_seconds_and_others_do_not_wait() {
        let stamps = stamps(false, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let seconds: Vec<i64> =
            (0..3).map(|_| stamps.issue(&call("A"), now).unwrap().time.as_second() - now.as_second()).collect();
        assert_eq!(seconds, [0, 1, 2]);
        assert_eq!(stamps.issue(&call("B"), now).unwrap().time, now);
    }

    #[test]
    fn a_second_too_far_ahead_is_never_given() {
        let stamps = stamps(false, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let given = (0..200).filter(|_| stamps.issue(&call("A"), now).is_some()).count();
        assert_eq!(given, 61);
    }

    #[test]
    fn nonces_do_not_repeat() {
        let stamps = stamps(true, "demo", &Arc::default());
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let nonces: HashSet<String> =
            (0..1000).filter_map(|_| stamps.issue(&call("A"), now).and_then(|stamp| stamp.nonce)).collect();
        assert_eq!(nonces.len(), 1000);
    }

    #[test]
    fn many_refusals_of_one_form_agree_on_the_other() {
        let memory = FormMemory::learning(TimestampForm::Unix);
        assert!(memory.refused(TimestampForm::Unix));
        assert!(memory.refused(TimestampForm::Unix));
        assert_eq!(memory.current(), TimestampForm::Compact);
        assert!(!FormMemory::fixed(TimestampForm::Unix).refused(TimestampForm::Unix));
    }
}
