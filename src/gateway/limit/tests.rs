use super::{CallLimit, CallLimits, Full, origin};
use crate::clock::{Clock, Deadline};
use crate::gateway::settings::LimitSettings;
use crate::gateway::vendor::Gateway;
use futures_util::future::join_all;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

fn limit(in_flight: usize, queue: usize, per_second: Option<u32>) -> CallLimit {
    CallLimit::new(LimitSettings {
        calls_in_flight: in_flight,
        calls_per_second: per_second.and_then(NonZeroU32::new),
        queue,
        queue_wait: Duration::from_millis(20),
    })
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(5))
}

#[actix_web::test]
async fn no_more_than_so_many_are_under_way_and_a_place_is_given_back() {
    let (limit, clock) = (limit(2, 8, None), Clock::system());
    let first = limit.enter(&clock, &deadline()).await.unwrap();
    let _second = limit.enter(&clock, &deadline()).await.unwrap();
    assert_eq!(limit.under_way(), 2);
    let third = limit.enter(&clock, &deadline()).await;
    assert_eq!(third.unwrap_err(), Full { retry_after: Duration::from_millis(20) });
    drop(first);
    assert!(limit.enter(&clock, &deadline()).await.is_ok());
}

#[actix_web::test]
async fn who_waits_gets_the_next_place() {
    let (limit, clock) = (Arc::new(limit(1, 8, None)), Clock::system());
    let first = limit.enter(&clock, &deadline()).await.unwrap();
    let waits = limit.clone();
    let waiting = actix_web::rt::spawn(async move { waits.enter(&Clock::system(), &deadline()).await.is_ok() });
    while limit.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    drop(first);
    assert!(waiting.await.unwrap());
    assert_eq!((limit.waiting(), limit.under_way()), (0, 0));
}

#[actix_web::test]
async fn a_full_queue_refuses_at_once() {
    let (limit, clock) = (limit(1, 3, None), Clock::system());
    let _first = limit.enter(&clock, &deadline()).await.unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    let all = join_all((0..10).map(|_| limit.enter(&clock, &deadline))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(limit.waiting(), 0);
}

#[test]
fn a_seconds_worth_starts_at_once_and_the_others_a_second_later() {
    let limit = limit(100, 100, Some(10));
    let patience = Duration::from_secs(1);
    for number in 0..10 {
        assert_eq!(limit.start(Duration::ZERO, patience), Ok(Duration::ZERO), "{number}");
    }
    assert_eq!(limit.start(Duration::from_millis(300), patience), Ok(Duration::from_millis(700)));
    let refused = limit.start(Duration::from_millis(300), Duration::from_millis(600));
    assert_eq!(refused, Err(Full { retry_after: Duration::from_millis(700) }));
    assert_eq!(limit.start(Duration::from_secs(60), patience), Ok(Duration::ZERO));
}

#[test]
fn no_second_has_more_starts_than_are_allowed_wherever_it_begins() {
    let limit = limit(100, 100, Some(10));
    let mut starts: Vec<Duration> = Vec::new();
    for step in 0..2_000 {
        let now = Duration::from_millis(step * 7);
        if let Ok(pause) = limit.start(now, Duration::from_millis(500)) {
            starts.push(now + pause);
        }
    }
    for start in &starts {
        let second = *start..*start + Duration::from_secs(1);
        let within = starts.iter().filter(|other| second.contains(*other)).count();
        assert!(within <= 10, "{within} from {start:?} on");
    }
    assert!(starts.len() > 130, "and nearly as many as are allowed: {}", starts.len());
}

#[test]
fn accounts_at_one_address_share_their_limits_and_vendors_do_not() {
    let limits = CallLimits::default();
    let settings = LimitSettings::default();
    let of = |gateway, url| limits.of(gateway, url, settings);
    let first = of(Gateway::OpRetail, "https://Open.example.com/m.api");
    assert!(Arc::ptr_eq(&first, &of(Gateway::OpRetail, "https://open.example.com/cloud.api")));
    assert!(!Arc::ptr_eq(&first, &of(Gateway::Oms, "https://open.example.com/")));
    assert!(!Arc::ptr_eq(&first, &of(Gateway::OpRetail, "https://other.example.com/m.api")));
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    assert_eq!(origin("http://127.0.0.1:8090/m.api?x"), "http://127.0.0.1:8090");
}
