use super::{Breaker, BreakerEffect, BreakerState, CircuitChange};
use std::time::Duration;

const FLOW: &str = "getTotalData";
const OTHERS: [&str; 3] = ["shop.getList", "getFlowGroupDistribution", "authentication"];
const REST: Duration = Duration::from_secs(5);

fn breaker() -> Breaker {
    Breaker::new(REST, Duration::from_secs(10))
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn call(breaker: &Breaker, counts: BreakerEffect, now: Duration) -> CircuitChange {
    call_of(breaker, FLOW, counts, now)
}

fn call_of(breaker: &Breaker, method: &str, counts: BreakerEffect, now: Duration) -> CircuitChange {
    breaker.pass(method, now).unwrap().record(counts, None, now)
}

fn opened() -> Breaker {
    let breaker = breaker();
    for _ in 0..10 {
        call(&breaker, BreakerEffect::AsFailure, at(0));
    }
    breaker
}

#[test]
fn it_opens_when_most_of_enough_calls_fail() {
    let breaker = breaker();
    for number in 0..10 {
        assert_eq!(breaker.state(at(0)), BreakerState::Closed, "{number}");
        call(&breaker, BreakerEffect::AsFailure, at(0));
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Open);
    assert_eq!(breaker.pass(FLOW, at(1)).unwrap_err(), at(4));
}

#[test]
fn it_stays_closed_when_a_third_fails_or_failures_are_rare() {
    let breaker = breaker();
    for number in 0..300 {
        let counts = if number % 3 == 0 { BreakerEffect::AsFailure } else { BreakerEffect::Healthy };
        assert_eq!(call(&breaker, counts, at(number / 10)), CircuitChange::None);
    }
    let rare = super::Breaker::new(REST, at(10));
    for number in 0..50 {
        assert_eq!(call(&rare, BreakerEffect::AsFailure, at(number * 7)), CircuitChange::None);
    }
}

#[test]
fn after_its_cool_down_one_probe_passes_and_an_answer_closes_it() {
    let breaker = opened();
    let probe = breaker.pass(FLOW, at(5)).unwrap();
    assert_eq!(breaker.pass(FLOW, at(5)).unwrap_err(), at(10), "while the probe is under way");
    assert_eq!(breaker.state(at(5)), BreakerState::HalfOpen);
    assert_eq!(probe.record(BreakerEffect::Healthy, None, at(6)), CircuitChange::Closed);
    assert_eq!(breaker.state(at(6)), BreakerState::Closed);
}

#[test]
fn a_failed_probe_doubles_the_rest_up_to_a_minute() {
    let breaker = opened();
    let mut now = at(5);
    for rest in [10, 20, 40, 60, 60] {
        assert_eq!(call(&breaker, BreakerEffect::AsFailure, now), CircuitChange::Opened);
        assert_eq!(breaker.wait(FLOW, now), Some(at(rest)));
        now += at(rest);
    }
}

#[test]
fn a_probe_that_vanished_or_was_never_sent_does_not_hold_it() {
    let breaker = opened();
    drop(breaker.pass(FLOW, at(5)).unwrap());
    breaker.pass(FLOW, at(5)).unwrap().record(BreakerEffect::Not, None, at(5));
    let vanished = breaker.pass(FLOW, at(5)).unwrap();
    assert!(breaker.pass(FLOW, at(14)).is_err());
    assert!(breaker.pass(FLOW, at(15)).is_ok());
    drop(vanished);
}

#[test]
fn what_was_sent_before_it_opened_neither_closes_nor_prolongs_it() {
    let breaker = breaker();
    let earlier = [(); 2].map(|()| breaker.pass(FLOW, at(0)).unwrap());
    for _ in 0..10 {
        call(&breaker, BreakerEffect::AsFailure, at(0));
    }
    let [answered, failed] = earlier;
    answered.record(BreakerEffect::Healthy, None, at(1));
    assert_eq!(breaker.state(at(1)), BreakerState::Open);
    failed.record(BreakerEffect::AsFailure, None, at(4));
    assert_eq!(breaker.wait(FLOW, at(4)), Some(at(1)));
}

#[test]
fn a_gateway_that_asks_to_wait_is_left_alone_for_that_long() {
    let breaker = breaker();
    let leave = breaker.pass(FLOW, at(0)).unwrap();
    assert_eq!(leave.record(BreakerEffect::AsFailure, Some(at(17)), at(0)), CircuitChange::Opened);
    assert_eq!(breaker.wait(FLOW, at(0)), Some(at(17)));
}

#[test]
fn a_method_that_fails_stops_no_other_whether_that_was_called_before_or_not() {
    let breaker = breaker();
    for number in 0..40 {
        let now = at(number * 90);
        for failing in [FLOW, OTHERS[0]] {
            for _ in 0..30 {
                if let Ok(leave) = breaker.pass(failing, now) {
                    leave.record(BreakerEffect::AsFailure, None, now);
                }
            }
        }
        for working in &OTHERS[1..] {
            assert_eq!(call_of(&breaker, working, BreakerEffect::Healthy, now), CircuitChange::None, "{number}");
        }
        assert_eq!(breaker.state(now), BreakerState::Closed, "something answers");
        assert!(breaker.pass(FLOW, now).is_err() && breaker.pass(OTHERS[0], now).is_err());
    }
}

#[test]
fn when_nothing_answers_any_more_two_failures_of_each_other_method_are_enough() {
    let breaker = breaker();
    for method in OTHERS {
        call_of(&breaker, method, BreakerEffect::Healthy, at(0));
    }
    for _ in 0..10 {
        call(&breaker, BreakerEffect::AsFailure, at(1));
    }
    for method in OTHERS.into_iter().chain(["never called before"]) {
        assert_eq!(call_of(&breaker, method, BreakerEffect::AsFailure, at(1)), CircuitChange::None, "{method}");
        assert_eq!(call_of(&breaker, method, BreakerEffect::AsFailure, at(1)), CircuitChange::Opened, "{method}");
    }
    assert_eq!(breaker.state(at(1)), BreakerState::Open);
}

#[test]
fn a_method_that_answers_most_of_the_time_goes_on_beside_one_that_fails() {
    let breaker = opened();
    assert_eq!(call_of(&breaker, OTHERS[0], BreakerEffect::Healthy, at(1)), CircuitChange::None);
    for number in 0..300 {
        let counts = if number % 2 == 0 { BreakerEffect::AsFailure } else { BreakerEffect::Healthy };
        let now = at(2 + number);
        assert_eq!(call_of(&breaker, OTHERS[0], counts, now), CircuitChange::None, "{number}");
        if let Ok(leave) = breaker.pass(FLOW, now) {
            leave.record(BreakerEffect::AsFailure, None, now);
        }
    }
}

#[test]
fn an_answer_to_a_probe_lets_every_other_method_probe_but_those_that_were_asked_to_wait() {
    let breaker = opened();
    for _ in 0..2 {
        call_of(&breaker, OTHERS[0], BreakerEffect::AsFailure, at(2));
    }
    breaker.pass(OTHERS[1], at(2)).unwrap().record(BreakerEffect::AsFailure, Some(at(40)), at(2));
    assert_eq!(call(&breaker, BreakerEffect::Healthy, at(5)), CircuitChange::Closed);
    assert_eq!(call_of(&breaker, OTHERS[0], BreakerEffect::Healthy, at(5)), CircuitChange::Closed);
    assert_eq!(breaker.pass(OTHERS[1], at(5)).unwrap_err(), at(37));
}

#[test]
fn a_method_that_was_asked_to_wait_waits_alone() {
    let breaker = breaker();
    breaker.pass(FLOW, at(0)).unwrap().record(BreakerEffect::AsFailure, Some(at(17)), at(0));
    assert_eq!(call_of(&breaker, OTHERS[0], BreakerEffect::Healthy, at(0)), CircuitChange::None);
    assert_eq!(breaker.wait(FLOW, at(0)), Some(at(17)));
}
