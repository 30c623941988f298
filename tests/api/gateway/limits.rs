//! How much a gateway is asked: retries within a budget, calls in flight and per second within limits, and a gateway that
//! hangs beside one that is well.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::ToSpan;
use storegate::sandbox::Fault;

use crate::app::requests::TOTAL_DATA;
use crate::app::waiting::eventually;
use crate::app::{NOW, TestApp, documented};

const FOR_EVER: u32 = u32::MAX;

fn paths(count: u32, path: impl Fn(u32) -> String) -> Vec<String> {
    (0..count).map(path).collect()
}

fn flow(number: u32) -> String {
    format!("/stores/S_{}/flow", 200_000 + number)
}

fn store(number: u32) -> String {
    format!("/stores/NOSUCH{number}")
}

#[actix_web::test]
async fn when_everything_fails_there_are_few_more_calls_than_requests() {
    // Most of these do not open the breaker, so every retry is held back by the budget alone.
    let failures = [
        ("-100", flow as fn(u32) -> String, 0),
        ("e000009", store, 0),
        ("16", flow, 0),
        ("16", flow, 2),
        ("e000008", store, 0),
        ("e000008", store, 2),
        ("-500", flow, 0),
        ("e000005", store, 0),
    ];
    for (code, path, hours_off) in failures {
        let app = TestApp::with(|setup| setup.proxy_time = NOW.checked_add(hours_off.hours()).unwrap());
        app.sandbox().fail_next(Fault::code(code), FOR_EVER);
        let paths = paths(1_000, path);
        for some in paths.chunks(50) {
            for answer in join_all(some.iter().map(|path| app.get(path))).await {
                assert!(answer.status >= 500, "{code}: {}", answer.status);
            }
        }
        let calls = app.sandbox().calls();
        assert!(calls <= 1_220, "{code}: {calls} calls for 1000 requests");
        let opens_the_breaker = matches!(code, "-500" | "e000005");
        assert_eq!(calls < 1_000, opens_the_breaker, "{code}: {calls}");
    }
}

#[actix_web::test]
async fn a_gateway_that_hangs_does_not_slow_the_other_one() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__ATTEMPT_TIMEOUT", "3s");
        setup.set("GATEWAY__OMS__CALLS_IN_FLIGHT", "4");
        setup.set("GATEWAY__OMS__QUEUE", "8");
        setup.set("GATEWAY__OMS__QUEUE_WAIT", "100ms");
    });
    app.sandbox().fail_next_of("shop.get", Fault::Hang, FOR_EVER);
    let hanging = paths(150, store);
    let hanging = join_all(hanging.iter().map(|path| app.get(path)));
    let well = paths(61, |number| format!("/stores/S_{}/flow", 100_001 + number % 60));
    let well = async {
        // First the other gateway is full.
        eventually("the other gateway is full", async || app.sandbox().calls_of("shop.get") >= 3).await;
        let before = app.sandbox().calls_of(TOTAL_DATA);
        let answers = join_all(well.iter().map(|path| app.get(path))).await;
        (answers, app.sandbox().calls_of(TOTAL_DATA) - before, app.sandbox().calls_of("shop.get"))
    };
    let (hanging, (well, flows, stores)) = futures_util::future::join(hanging, well).await;
    assert!(well.iter().all(|answer| answer.status == 200));
    assert_eq!((flows, stores), (60, 3), "all were answered while the first calls of the other one still hung");
    assert!(hanging.iter().all(|answer| [503, 504].contains(&answer.status)));
    let busy: Vec<_> = hanging.iter().filter(|answer| answer.status == 503).collect();
    assert!(busy.len() >= 138, "{}", busy.len());
    for answer in busy {
        assert_eq!((answer.problem().as_str(), answer.header("retry-after")), ("gateway-unavailable", Some("1")));
    }
    let ready = app.get("/readyz").await.json();
    assert_eq!(ready["gateways"][0]["state"], "answering");
}

#[actix_web::test]
async fn calls_per_second_are_limited_across_workers_and_tenants() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.set("GATEWAY__OMS__CALLS_PER_SECOND", "10");
        setup.set("GATEWAY__OMS__QUEUE_WAIT", "50ms");
    });
    let paths = paths(40, |number| format!("/stores/SHOP{:03}", number + 1));
    let clients = ["dashboard", "zenith"];
    let requests = paths.iter().enumerate().map(|(number, path)| app.get_as(clients[number % 2], path));
    let answers = join_all(requests).await;
    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((answered, app.sandbox().calls()), (10, 10), "the clock of the service stands still");
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.status == 503));
    app.pass(1);
    assert_eq!(join_all(paths.iter().map(|path| app.get(path))).await.len(), 40);
    assert_eq!(app.sandbox().calls(), 20);
}

#[actix_web::test]
async fn calls_are_retried_within_the_budget_and_then_fail_at_once() {
    let app = TestApp::spawn();
    app.sandbox().fail_next(Fault::code("-100"), FOR_EVER);
    let mut calls = Vec::new();
    for path in paths(10, flow) {
        let before = app.sandbox().calls();
        assert_eq!(app.get(&path).await.status, 503);
        calls.push(app.sandbox().calls() - before);
    }
    assert_eq!(calls, [3, 3, 3, 3, 1, 2, 1, 1, 1, 1], "eight retries to begin with, and a fifth of one for each call");
}

#[actix_web::test]
async fn what_our_own_queue_has_cost_does_not_speak_against_the_gateway() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.set("GATEWAY__OMS__CALLS_IN_FLIGHT", "2");
        setup.set("GATEWAY__OMS__QUEUE_WAIT", "1s");
        setup.set("GATEWAY__ATTEMPT_TIMEOUT", "1s");
        setup.set("GATEWAY__DEADLINE", "1s");
        setup.sandbox.latency = Duration::from_millis(300);
    });
    let paths = paths(40, |number| format!("/stores/SHOP{:03}", number + 1));
    let answers = join_all(paths.iter().map(|path| app.get(path))).await;
    assert!(answers.iter().any(|answer| answer.status == 200) && answers.iter().any(|answer| answer.status == 503));
    assert_eq!(app.get("/readyz").await.json()["gateways"][1]["breaker"], "closed");
    assert_eq!(app.get("/stores/SHOP200").await.status, 200);
}
