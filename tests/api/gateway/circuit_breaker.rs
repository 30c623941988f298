//! A gateway that keeps failing is left alone: its callers get an older answer or an error at once, and one call at a
//! time looks how it does. A method that fails stops no other one that works.

use std::time::Duration;

use futures_util::future::join_all;
use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::requests::TOTAL_DATA;
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{A_STORE, app_before, gateway};

const DISTRIBUTION: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
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
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("-500"), FOR_EVER);
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
async fn it_opens_after_ten_failures_and_responses_have_retry_after() {
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
async fn with_an_open_breaker_a_stale_response_is_served_at_once_to_the_end_of_on_error() {
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
async fn a_gateway_with_retry_after_is_not_called_for_as_long_as_it_says() {
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

/// Asks for the demographics of so many stores, each of which is another question.
async fn demographics(app: &TestApp, from: u32, count: u32) -> Vec<u16> {
    let mut statuses = Vec::new();
    for store in from..from + count {
        statuses.push(app.get(&format!("/stores/S_{store}/demographics?from=2026-11-01&to=2026-11-07")).await.status);
    }
    statuses
}

async fn flow_is_read(app: &TestApp, after: &Fault) {
    for path in flows(100_001, 3) {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{after:?}: {}", answer.text());
    }
    assert_eq!(breakers(app).await[0], "opretail closed", "{after:?}");
}

#[actix_web::test]
async fn a_failing_method_is_not_called_and_the_others_go_on() {
    for fault in [
        Fault::code("-500"),
        Fault::code("-1"),
        Fault::HttpStatus(502),
        Fault::Reset,
        Fault::Truncate,
        Fault::AskToWait { status: 429, seconds: 30 },
    ] {
        let app = TestApp::spawn();
        app.sandbox().fail_next_of(DISTRIBUTION, fault.clone(), FOR_EVER);
        let statuses = demographics(&app, 100_001, 25).await;
        assert!(!statuses.contains(&200) && statuses.last() == Some(&503), "{fault:?}: {statuses:?}");
        let calls = app.sandbox().calls_of(DISTRIBUTION);
        assert!(calls <= 10, "{fault:?}: {calls} calls");
        flow_is_read(&app, &fault).await;
        assert_eq!(app.sandbox().calls_of(DISTRIBUTION), calls, "{fault:?}: it is still left alone");
        app.sandbox().clear_faults();
        app.pass(30);
        assert_eq!(demographics(&app, 100_031, 5).await, [200; 5], "{fault:?}");
    }
}

#[actix_web::test]
async fn unreadable_responses_of_one_method_do_not_stop_the_others() {
    for fault in [
        Fault::Empty,
        Fault::BrotliBomb,
        Fault::Garbage,
        Fault::Html,
        Fault::Body("{\"stat\":{\"code\":".to_owned()),
        Fault::HttpStatus(403),
        Fault::HttpStatus(404),
        Fault::HttpStatus(407),
    ] {
        let app = TestApp::spawn();
        app.sandbox().fail_next_of(DISTRIBUTION, fault.clone(), FOR_EVER);
        let statuses = demographics(&app, 100_001, 25).await;
        assert_eq!(statuses, [502; 25], "{fault:?}");
        assert!(app.sandbox().calls_of(DISTRIBUTION) >= 25, "{fault:?}");
        flow_is_read(&app, &fault).await;
        app.sandbox().clear_faults();
        assert_eq!(demographics(&app, 100_031, 5).await, [200; 5], "{fault:?}");
    }
}

#[actix_web::test]
async fn a_method_of_an_oms_that_only_says_that_it_failed_stops_no_other() {
    for body in
        [r#"{"rsp":"fail"}"#, r#"{"rsp":"fail","res":"e","data":null}"#, r#"{"error_response":{"code":"oops"}}"#]
    {
        let app = TestApp::spawn();
        app.sandbox().fail_next_of("shop.get", Fault::Body(body.to_owned()), FOR_EVER);
        for number in 1..=25 {
            assert!(app.get(&format!("/stores/SHOP{number:03}")).await.status >= 500, "{body}");
        }
        assert_eq!(app.get("/stores").await.status, 200, "{body}");
    }
}

#[actix_web::test]
async fn a_gateway_that_is_down_is_found_out_by_few_calls_of_each_method() {
    let app = TestApp::spawn();
    for path in flows(100_001, 5) {
        assert_eq!(app.get(&path).await.status, 200);
    }
    assert_eq!(demographics(&app, 100_001, 5).await, [200; 5]);
    let before = app.sandbox().calls();
    app.sandbox().fail_next(Fault::HttpStatus(503), FOR_EVER);
    for path in flows(500_000, 20) {
        assert_ne!(app.get(&path).await.status, 200);
    }
    let flows = app.sandbox().calls() - before;
    assert!(flows <= 14, "of the last twenty, five of which were answered: {flows}");
    assert!(!demographics(&app, 500_000, 20).await.contains(&200));
    for day in 1..=20 {
        assert_ne!(app.get(&format!("/inspections?from=2026-10-{day:02}&to=2026-10-{day:02}")).await.status, 200);
    }
    let others = app.sandbox().calls() - before - flows;
    assert_eq!(others, 2 + 2, "two calls of each other method");
    assert_eq!(breakers(&app).await[0], "opretail open");
}
