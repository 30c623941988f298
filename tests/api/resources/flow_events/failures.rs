//! A stream of events while the gateway fails or is slow, and requests that no stream answers.

use std::time::Duration;

use serde_json::json;
use storegate::auth::issue::TokenGrant;
use storegate::sandbox::Fault;

use super::{EVENTS, listen};
use crate::app::TestApp;
use crate::app::answer::problem_name;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::tenants::grant;
use crate::app::waiting::eventually;
use crate::peers::event_stream::EventStream;

#[actix_web::test]
async fn while_the_gateway_fails_streams_send_stale_and_then_flow_again() {
    let app = TestApp::spawn();
    let mut listening = listen(&app).await;
    let first = listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    let stale = listening.next().await.unwrap();
    assert_eq!((stale.name.as_str(), &stale.data, stale.id), ("stale", &json!({"age_seconds": 40}), None));
    let mut another = listen(&app).await;
    assert_eq!(another.next().await.unwrap(), first, "who has nothing gets the old flow first");
    assert_eq!(another.next().await.unwrap().name, "stale");
    let mut back = EventStream::open(&app, EVENTS, &app.token("dashboard"), first.id.as_deref()).await;
    assert_eq!(back.next().await.unwrap().name, "stale", "who has it learns at once that it is old");
    app.sandbox().clear_faults();
    app.pass(60);
    assert_eq!(listening.next().await.unwrap().name, "flow");
    assert_eq!(another.next().await.unwrap().name, "flow");
}

#[actix_web::test]
async fn a_failing_gateway_is_not_called_at_each_refresh() {
    let app = TestApp::with(|setup| setup.set("EVENTS__HEARTBEAT", "1s"));
    let mut listening = listen(&app).await;
    listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    assert_eq!(listening.next().await.unwrap().name, "stale");
    let calls = app.sandbox().calls_of(TOTAL_DATA);
    // Two heartbeats are eight looks, and time stands still meanwhile.
    for _ in 0..2 {
        assert_eq!(listening.comment().await, ": nothing new");
    }
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), calls);
    app.pass(11);
    eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) > calls).await;
}

#[actix_web::test]
async fn a_limit_counts_an_old_flow_and_the_news_that_it_is_old_as_one() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(200);
    let mut listening =
        EventStream::open(&app, "/stores/S_123456/flow/events?limit=1", &app.token("dashboard"), None).await;
    for name in ["flow", "stale", "end"] {
        assert_eq!(listening.next().await.unwrap().name, name);
    }
}

#[actix_web::test]
async fn a_slow_gateway_is_waited_for_and_not_taken_for_one_that_fails() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.pass(200);
    app.sandbox().fail_next(Fault::Delay(Duration::from_millis(600)), 1);
    let mut listening = listen(&app).await;
    let first = listening.next().await.unwrap();
    assert_eq!((first.name.as_str(), app.sandbox().calls_of(TOTAL_DATA)), ("flow", 2));
    assert_eq!(first.data, app.get(FLOW).await.json(), "it is the new one");
}

#[actix_web::test]
async fn without_anything_to_show_a_problem_is_an_event_and_the_stream_goes_on() {
    let app = TestApp::with(|setup| {
        setup.set("CACHE__FLOW__STALE", "0s");
        setup.set("CACHE__FLOW__ON_ERROR", "0s");
    });
    let mut listening = listen(&app).await;
    listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    let problem = listening.next().await.unwrap();
    assert_eq!(problem.name, "problem");
    assert_eq!(
        (problem_name(&problem.data["type"]).as_str(), &problem.data["instance"]),
        ("gateway-error", &json!(EVENTS))
    );
    app.sandbox().clear_faults();
    app.pass(60);
    assert_eq!(listening.next().await.unwrap().name, "flow");
}

#[actix_web::test]
async fn a_request_that_is_wrong_is_a_problem_and_no_stream() {
    let app = TestApp::spawn();
    for (client, path, status, problem) in [
        ("dashboard", "/stores/S_123456/flow/events?limit=0", 400, "invalid-parameter"),
        ("dashboard", "/stores/S_123456/flow/events?since=1", 400, "invalid-parameter"),
        ("franchisee", "/stores/S_100002/flow/events", 403, "store-not-granted"),
        ("dashboard", "/stores/SHOP001/flow/events", 404, "store-not-mapped"),
        ("dashboard", "/stores/S_999/flow/events", 404, "store-not-found"),
    ] {
        let answer = app.get_as(client, path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{path}");
    }
    assert_eq!(app.send("GET", EVENTS, &[], "").await.status, 401);
    let narrow = TokenGrant { scopes: vec!["stores:read".to_owned()], ..grant("dashboard") };
    assert_eq!(app.get_with_token(&app.token_for("storegate", &narrow), EVENTS).await.status, 403);
    let json = app.get_with(EVENTS, &[("accept", "application/json")]).await;
    assert_eq!((json.status, json.problem().as_str()), (406, "not-acceptable"));
    assert!(json.json()["detail"].as_str().unwrap().contains("text/event-stream"));
    let failing = TestApp::spawn();
    failing.sandbox().fail_percent(Fault::code("-500"), 100);
    assert_eq!(failing.get(EVENTS).await.status, 502);
    let head = app.request("dashboard", "HEAD", "/stores/S_999/flow/events", &[]).await;
    assert_eq!(head.status, 404, "HEAD tells what GET would");
}
