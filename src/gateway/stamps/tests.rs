use super::{FormMemory, Stamps, TimestampAllocator, Uniqueness};
use crate::gateway::protocol::{Call, TimestampAndNonce};
use crate::vendors::built_in_method;
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const UNIX: usize = 0;
const COMPACT: usize = 1;
const A_MINUTE_AHEAD: Uniqueness = Uniqueness::Second { lead: Duration::from_secs(60) };

fn call(shop: &str) -> Call {
    Call::new(&built_in_method("oms", "shop.get")).with("shop_bn", shop)
}

fn stamps(unique: Uniqueness, credential: &str, used: &Arc<TimestampAllocator>) -> Stamps {
    Stamps::new(credential.to_owned(), unique, FormMemory::fixed(UNIX), used.clone())
}

fn issued(stamps: &Stamps, call: &Call, now: Timestamp) -> Option<TimestampAndNonce> {
    stamps.issue(call, now, UNIX)
}

#[test]
fn two_accounts_with_one_credential_never_use_the_same_second() {
    let used = Arc::default();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let second = |stamps: Stamps| issued(&stamps, &call("A"), now).unwrap().time.as_second() - now.as_second();
    let seconds = ["demo", "demo", "other"].map(|credential| second(stamps(A_MINUTE_AHEAD, credential, &used)));
    assert_eq!(seconds, [0, 1, 0]);
}

#[test]
fn without_a_nonce_equal_calls_get_increasing_seconds_and_others_do_not_wait() {
    let stamps = stamps(A_MINUTE_AHEAD, "demo", &Arc::default());
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let seconds: Vec<i64> =
        (0..3).map(|_| issued(&stamps, &call("A"), now).unwrap().time.as_second() - now.as_second()).collect();
    assert_eq!(seconds, [0, 1, 2]);
    assert_eq!(issued(&stamps, &call("B"), now).unwrap().time, now);
}

#[test]
fn a_second_too_far_ahead_is_never_given() {
    let stamps = stamps(A_MINUTE_AHEAD, "demo", &Arc::default());
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let given = (0..200).filter(|_| issued(&stamps, &call("A"), now).is_some()).count();
    assert_eq!(given, 61);
}

#[test]
fn nonces_do_not_repeat() {
    let stamps = stamps(Uniqueness::Nonce, "demo", &Arc::default());
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let nonces: HashSet<String> =
        (0..1000).filter_map(|_| issued(&stamps, &call("A"), now).and_then(|stamp| stamp.nonce)).collect();
    assert_eq!(nonces.len(), 1000);
}

#[test]
fn a_form_is_learned_from_what_the_gateway_took() {
    let memory = FormMemory::learning(2);
    assert_eq!(memory.other_than(UNIX), Some(COMPACT));
    assert_eq!(memory.current(), UNIX, "one refusal alone changes nothing");
    memory.remember(COMPACT);
    assert_eq!(memory.current(), COMPACT);
    let fixed = FormMemory::fixed(UNIX);
    fixed.remember(COMPACT);
    assert_eq!((fixed.other_than(UNIX), fixed.current()), (None, UNIX));
}

#[test]
fn two_processes_that_meet_part_again() {
    let sides =
        [(); 2].map(|()| stamps(Uniqueness::Second { lead: Duration::from_secs(1_800) }, "demo", &Arc::default()));
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    fastrand::seed(7);
    let mut seen = HashSet::new();
    let mut unanswered = 0;
    for number in 0..400 {
        let side = &sides[number % 2];
        let answered = (0..3).any(|_| {
            let is_new = seen.insert(issued(side, &call("A"), now).unwrap().time);
            if !is_new {
                side.repeated(&call("A"));
            }
            is_new
        });
        unanswered += i32::from(!answered);
    }
    assert!(unanswered <= 8, "{unanswered} of 400 equal calls in one second");
}

#[test]
fn seconds_of_a_clock_that_was_off_are_forgotten_and_those_before_are_not() {
    let stamps = stamps(A_MINUTE_AHEAD, "demo", &Arc::default());
    let second = |at: i64| {
        let now = Timestamp::from_second(1_700_000_000 + at).unwrap();
        issued(&stamps, &call("A"), now).map(|stamp| stamp.time.as_second() - 1_700_000_000)
    };
    assert_eq!([0, 0, 0].map(second), [Some(0), Some(1), Some(2)]);
    assert_eq!([7_200, 7_200].map(second), [Some(7_200), Some(7_201)], "the clock is off");
    assert_eq!([0, 0].map(second), [Some(3), Some(4)], "and corrected");
}
