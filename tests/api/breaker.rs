//! A gateway that keeps failing is left alone: its callers get an older answer or an error at once, and one call at a
//! time looks how it does.

use std::time::Duration;

use futures_util::future::join_all;
use storegate::sandbox::Fault;

use crate::answer::Answer;
use crate::independent_gateway::IndependentGateway;
use crate::test_app::TestApp;
use crate::wire::{A_STORE, app_before, gateway};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const FOR_EVER: u32 = u32::MAX;

/// The flow of another store each time, so that nothing is remembered of it.
fn flows(from: u32, count: u32) -> impl Iterator<Item = String> {
    (from..from + count).map(|store| format!("/stores/S_{store}/flow"))
}

async fn breakers(app: &TestApp) -> Vec<String> {
    let ready = app.get("/readyz").await.json();
    let gateways = ready["gateways"].as_array().unwrap().iter();
    gateways.map(|gateway| format!("{} {}", gateway["gateway"], gateway["breaker"]).replace('"', "")).collect()
}

/// Lets acme's OPRetail fail until its breaker opens; gives the number of calls that it took.
async fn open(app: &TestApp) -> u64 {
    app.sandbox().fail_next_of(FLOW, Fault::code("-500"), FOR_EVER);
    let before = app.sandbox().calls();
    for path in flows(500_000, 12) {
        assert_ne!(app.get(&path).await.status, 200);
    }
    assert_eq!(breakers(app).await[0], "opretail open");
    app.sandbox().calls() - before
}

fn is_refused_at_once(answer: &Answer, seconds: &str) -> bool {
    answer.status == 503 && answer.problem() == "gateway-unavailable" && answer.header("retry-after") == Some(seconds)
}

#[actix_web::test]
async fn it_opens_after_ten_failures_and_callers_are_told_when_to_come_back() {
    let app = TestApp::spawn();
    assert_eq!(open(&app).await, 10, "retries count, too");
    let answer = app.get("/stores/S_600000/flow").await;
    assert!(is_refused_at_once(&answer, "5"), "{}", answer.text());
    app.pass(3);
    assert!(is_refused_at_once(&app.get("/stores/S_600001/flow").await, "2"));
    assert_eq!(app.sandbox().calls(), 10, "nothing more was sent");
}

#[actix_web::test]
async fn it_is_the_breaker_of_one_credential_at_one_gateway() {
    let app = TestApp::spawn();
    open(&app).await;
    app.sandbox().clear_faults();
    assert_eq!(breakers(&app).await, ["opretail open", "oms closed", "opretail closed", "oms closed"]);
    assert_eq!(app.get("/stores/SHOP001").await.status, 200);
    assert_eq!(app.get_as("zenith", "/organizations/2168/flow").await.status, 200);
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 503);
}

#[actix_web::test]
async fn after_its_rest_a_probe_closes_it_or_doubles_the_rest() {
    let app = TestApp::spawn();
    open(&app).await;
    app.pass(5);
    assert_eq!(breakers(&app).await[0], "opretail half_open");
    assert_eq!(app.get("/stores/S_600000/flow").await.status, 502, "the probe sees how it failed");
    assert_eq!(app.sandbox().calls(), 11, "a probe is not repeated");
    assert!(is_refused_at_once(&app.get("/stores/S_600001/flow").await, "10"));
    app.sandbox().clear_faults();
    app.pass(10);
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    assert_eq!(breakers(&app).await[0], "opretail closed");
    for answer in join_all(flows(100_001, 20).collect::<Vec<_>>().iter().map(|path| app.get(path))).await {
        assert_eq!(answer.status, 200);
    }
}

#[actix_web::test]
async fn one_probe_at_a_time_goes_ahead() {
    let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "300ms"));
    open(&app).await;
    app.sandbox().clear_faults();
    app.sandbox().fail_next(Fault::Hang, FOR_EVER);
    app.pass(5);
    let paths: Vec<String> = flows(600_000, 30).collect();
    let answers = join_all(paths.iter().map(|path| app.get(path))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 504).count(), 1, "the probe");
    assert_eq!(answers.iter().filter(|answer| answer.status == 503).count(), 29);
    assert_eq!(app.sandbox().calls(), 11);
}

#[actix_web::test]
async fn with_an_open_breaker_an_older_answer_is_served_at_once_to_the_end_of_on_error() {
    let app = TestApp::with(|setup| setup.set("CACHE__SLOW_AFTER", "10s"));
    let path = "/stores/S_123456/flow";
    assert_eq!(app.get(path).await.status, 200);
    app.pass(120);
    open(&app).await;
    for _ in 0..20 {
        // A caller who had to wait for anything would wait ten seconds.
        let answer = tokio::time::timeout(Duration::from_secs(5), app.get(path)).await.unwrap();
        assert_eq!(answer.header("cache-status"), Some("storegate; fwd=stale; ttl=-90; detail=stale-if-error"));
    }
    app.pass(3600 + 30 - 120 - 1);
    assert_eq!(app.get(path).await.header("age"), Some("3629"), "the last second of on_error");
    app.pass(1);
    assert_ne!(app.get(path).await.status, 200, "and never beyond");
}

fn answer_with_status(gateway: &IndependentGateway, status: &str) {
    gateway.answer_whole("shop.get", &format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n"), "");
}

#[actix_web::test]
async fn a_gateway_that_asks_to_wait_is_left_alone_for_as_long_as_it_says() {
    for (status, seconds) in [
        ("429 Too Many Requests\r\nretry-after: 17", "17"),
        ("503 Service Unavailable\r\nretry-after: 9", "9"),
        ("503 Service Unavailable\r\nretry-after: Sun, 22 Nov 2026 02:00:21 GMT", "21"),
        ("429 Too Many Requests\r\nretry-after: 86400", "60"),
        ("429 Too Many Requests\r\nretry-after: 18446744073709551615", "60"),
        ("503 Service Unavailable\r\nretry-after: -1", "5"),
        ("503 Service Unavailable\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT", "5"),
        ("429 Too Many Requests", "5"),
    ] {
        let gateway = gateway();
        let app = app_before(&gateway, |_| {});
        answer_with_status(&gateway, status);
        for path in ["/stores/A1", "/stores/A2"] {
            let answer = app.get(path).await;
            assert!(is_refused_at_once(&answer, seconds), "{status}: {:?} {}", answer.headers, answer.text());
        }
        assert_eq!(gateway.received().len(), 1, "{status}");
        gateway.answer("shop.get", A_STORE);
        app.pass(seconds.parse().unwrap());
        assert_eq!(app.get("/stores/A1").await.status, 200, "{status}");
    }
}
