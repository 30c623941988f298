use super::{Breaker, BreakerState, Change, Counts};
use std::time::Duration;

const REST: Duration = Duration::from_secs(5);

fn breaker() -> Breaker {
    Breaker::new(REST, Duration::from_secs(10))
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn call(breaker: &Breaker, counts: Counts, now: Duration) -> Change {
    breaker.pass(now).unwrap().record(counts, None, now)
}

fn opened() -> Breaker {
    let breaker = breaker();
    for _ in 0..10 {
        call(&breaker, Counts::AsFailure, at(0));
    }
    breaker
}

#[test]
fn it_opens_when_most_of_enough_calls_fail() {
    let breaker = breaker();
    for number in 0..10 {
        assert_eq!(breaker.state(at(0)), BreakerState::Closed, "{number}");
        call(&breaker, Counts::AsFailure, at(0));
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Open);
    assert_eq!(breaker.pass(at(1)).unwrap_err(), at(4));
}

#[test]
fn it_stays_closed_when_a_third_fails_or_failures_are_rare() {
    let breaker = breaker();
    for number in 0..300 {
        let counts = if number % 3 == 0 { Counts::AsFailure } else { Counts::AsAnswer };
        assert_eq!(call(&breaker, counts, at(number / 10)), Change::None);
    }
    let rare = super::Breaker::new(REST, at(10));
    for number in 0..50 {
        assert_eq!(call(&rare, Counts::AsFailure, at(number * 7)), Change::None);
    }
}

#[test]
fn after_its_rest_one_probe_goes_ahead_and_an_answer_closes_it() {
    let breaker = opened();
    let probe = breaker.pass(at(5)).unwrap();
    assert_eq!(breaker.pass(at(5)).unwrap_err(), at(10), "while the probe is under way");
    assert_eq!(breaker.state(at(5)), BreakerState::HalfOpen);
    assert_eq!(probe.record(Counts::AsAnswer, None, at(6)), Change::Closed);
    assert_eq!(breaker.state(at(6)), BreakerState::Closed);
}

#[test]
fn a_failed_probe_doubles_the_rest_up_to_a_minute() {
    let breaker = opened();
    let mut now = at(5);
    for rest in [10, 20, 40, 60, 60] {
        assert_eq!(call(&breaker, Counts::AsFailure, now), Change::Opened);
        assert_eq!(breaker.wait(now), Some(at(rest)));
        now += at(rest);
    }
}

#[test]
fn a_probe_that_vanished_or_was_never_sent_does_not_hold_it() {
    let breaker = opened();
    drop(breaker.pass(at(5)).unwrap());
    breaker.pass(at(5)).unwrap().record(Counts::Not, None, at(5));
    let vanished = breaker.pass(at(5)).unwrap();
    assert!(breaker.pass(at(14)).is_err());
    assert!(breaker.pass(at(15)).is_ok());
    drop(vanished);
}

#[test]
fn what_was_sent_before_it_opened_neither_closes_nor_prolongs_it() {
    let breaker = breaker();
    let earlier = [(); 2].map(|()| breaker.pass(at(0)).unwrap());
    for _ in 0..10 {
        call(&breaker, Counts::AsFailure, at(0));
    }
    let [answered, failed] = earlier;
    answered.record(Counts::AsAnswer, None, at(1));
    assert_eq!(breaker.state(at(1)), BreakerState::Open);
    failed.record(Counts::AsFailure, None, at(4));
    assert_eq!(breaker.wait(at(4)), Some(at(1)));
}

#[test]
fn a_gateway_that_asks_to_wait_is_left_alone_for_that_long() {
    let breaker = breaker();
    let leave = breaker.pass(at(0)).unwrap();
    assert_eq!(leave.record(Counts::AsFailure, Some(at(17)), at(0)), Change::Opened);
    assert_eq!(breaker.wait(at(0)), Some(at(17)));
}
