use super::{CallLimit, CallLimits, LimitReached, origin};
use crate::clock::Clock;
use crate::fair_queue::Principal;
use crate::gateway::fixtures::vendor;
use crate::gateway::settings::LimitSettings;
use jiff::Timestamp;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

fn limit(in_flight: usize, per_second: Option<u32>) -> Arc<CallLimit> {
    let settings = LimitSettings {
        calls_in_flight: in_flight,
        calls_per_second: per_second.and_then(NonZeroU32::new),
        queue: 8,
        queue_wait: Duration::from_millis(20),
    };
    Arc::new(CallLimit::new(settings, Clock::manual(Timestamp::UNIX_EPOCH).0))
}

#[actix_web::test]
async fn no_more_than_so_many_are_under_way_and_a_permit_is_given_back() {
    let (limit, who) = (limit(2, None), Principal::of(&["acme", "dashboard"]));
    let first = limit.enter(&who, limit.queue_wait).await.unwrap();
    let _second = limit.enter(&who, limit.queue_wait).await.unwrap();
    assert_eq!(limit.under_way(), 2);
    let third = limit.enter(&who, limit.queue_wait).await;
    assert_eq!(third.unwrap_err(), LimitReached { retry_after: Duration::from_millis(20) });
    assert_eq!((limit.under_way(), limit.waiting()), (2, 0));
    drop(first);
    assert!(limit.enter(&who, limit.queue_wait).await.is_ok());
}

#[actix_web::test]
async fn a_caller_whom_the_pace_keeps_waiting_learns_when_the_next_call_may_start() {
    let (limit, who) = (limit(8, Some(1)), Principal::of(&["acme", "dashboard"]));
    let _first = limit.enter(&who, limit.queue_wait).await.unwrap();
    let second = limit.enter(&who, limit.queue_wait).await;
    assert_eq!(second.unwrap_err(), LimitReached { retry_after: Duration::from_secs(1) });
}

#[actix_web::test]
async fn accounts_that_share_a_gateway_leave_an_eighth_of_it_for_each_other_and_one_that_is_alone_does_not() {
    for (in_flight, reserve) in [(1, 0), (2, 1), (8, 1), (64, 8)] {
        let limits = CallLimits::default();
        let settings = LimitSettings { calls_in_flight: in_flight, queue: 0, ..LimitSettings::default() };
        let account = || limits.of(vendor("oms"), "https://oms.example.com/", settings, &Clock::system());
        let (acme, who) = (account(), Principal::of(&["acme", "dashboard"]));
        let mut permits = Vec::new();
        while let Ok(permit) = acme.enter(&who, acme.queue_wait).await {
            permits.push(permit);
        }
        assert_eq!(permits.len(), in_flight, "alone");
        permits.clear();
        let zenith = account();
        while let Ok(permit) = acme.enter(&who, acme.queue_wait).await {
            permits.push(permit);
        }
        assert_eq!(permits.len(), in_flight - reserve, "of {in_flight}");
        let newcomer = zenith.enter(&Principal::of(&["zenith", "till"]), zenith.queue_wait).await;
        assert_eq!(newcomer.is_ok(), reserve > 0, "of {in_flight}");
        permits.clear();
        drop((newcomer, zenith));
        while let Ok(permit) = acme.enter(&who, acme.queue_wait).await {
            permits.push(permit);
        }
        assert_eq!(permits.len(), in_flight, "alone again");
    }
}

#[test]
fn accounts_at_one_address_share_their_limits_and_vendors_do_not() {
    let limits = CallLimits::default();
    let settings = LimitSettings::default();
    let of = |gateway, url| limits.of(gateway, url, settings, &Clock::system());
    let first = of(vendor("opretail"), "https://Open.example.com/m.api");
    assert!(Arc::ptr_eq(&first, &of(vendor("opretail"), "https://open.example.com/cloud.api")));
    assert!(!Arc::ptr_eq(&first, &of(vendor("oms"), "https://open.example.com/")));
    assert!(!Arc::ptr_eq(&first, &of(vendor("opretail"), "https://other.example.com/m.api")));
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    assert_eq!(origin("http://127.0.0.1:8090/m.api?x"), "http://127.0.0.1:8090");
}
