//! Answers that are made of several parts, at a gateway that does not give all of them in the request's time: what is there by
//! then is the answer.

use std::time::Duration;

use serde_json::Value;
use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::answer::{Answer, problem_name};
use crate::app::requests::TOTAL_DATA;

const DISTRIBUTION: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
const FOR_EVER: u32 = u32::MAX;

/// A service whose requests end long before its calls of a gateway do.
fn app(request_timeout: &str) -> TestApp {
    TestApp::with(|setup| {
        setup.set("SERVER__REQUEST_TIMEOUT", request_timeout);
        setup.set("GATEWAY__ATTEMPT_TIMEOUT", "20s");
        setup.set("GATEWAY__DEADLINE", "60s");
    })
}

fn stores(first: u32, count: u32) -> Vec<String> {
    (first..first + count).map(|number| format!("S_{}", 100_000 + number)).collect()
}

async fn flows(app: &TestApp, stores: &[String]) -> Answer {
    app.get(&format!("/flow?store_id={}", stores.join(","))).await
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["store_id"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn hanging_stores_delay_no_other_and_have_a_timeout_of_their_own() {
    let app = app("4s");
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Hang, 3);
    let stores = stores(1, 60);
    let answer = flows(&app, &stores).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("private, max-age=0"));
    let answer = answer.json();
    let (found, missing) = (ids(&answer["items"]), ids(&answer["errors"]));
    assert_eq!((found.len(), missing.len(), app.sandbox().calls_of(TOTAL_DATA)), (57, 3, 60));
    let in_order: Vec<_> = stores.iter().filter(|store| !missing.contains(&store.as_str())).collect();
    assert_eq!(found, in_order);
    for error in answer["errors"].as_array().unwrap() {
        assert_eq!(
            (problem_name(&error["problem"]["type"]).as_str(), &error["problem"]["status"]),
            ("gateway-timeout", &504.into())
        );
    }
}

#[actix_web::test]
async fn cached_responses_do_not_wait_for_a_gateway_that_hangs() {
    let app = app("1s");
    let known = stores(58, 3);
    assert_eq!(flows(&app, &known).await.status, 200);
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Hang, FOR_EVER);
    let answer = flows(&app, &[stores(1, 30), known.clone()].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((ids(&answer["items"]), ids(&answer["errors"]).len()), (known.iter().map(String::as_str).collect(), 30));
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 3 + 8, "what would come too late is not asked for");
}

#[actix_web::test]
async fn what_comes_too_late_is_there_for_the_next_request() {
    let app = app("1s");
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Delay(Duration::from_millis(1_500)), 2);
    let stores = stores(1, 4);
    let answer = flows(&app, &stores).await.json();
    assert_eq!((ids(&answer["items"]).len(), ids(&answer["errors"]).len()), (2, 2));
    let mut answer = flows(&app, &stores).await.json();
    for _ in 0..10 {
        if ids(&answer["items"]).len() == 4 {
            break;
        }
        answer = flows(&app, &stores).await.json();
    }
    assert_eq!((ids(&answer["items"]).len(), app.sandbox().calls_of(TOTAL_DATA)), (4, 4));
}

#[actix_web::test]
async fn a_gateway_with_few_calls_at_a_time_gives_what_fits_the_timeout() {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__REQUEST_TIMEOUT", "2s");
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "2");
        setup.set("GATEWAY__QUEUE_WAIT", "100ms");
        setup.sandbox.latency = Duration::from_millis(200);
    });
    let answer = flows(&app, &stores(1, 60)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let (found, missing) = (ids(&answer["items"]).len(), ids(&answer["errors"]).len());
    assert!((1..=20).contains(&found) && found + missing == 60, "{found} and {missing}");
    let errors = answer["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["problem"]["status"] == 504), "a request does not refuse its own calls");
}

#[actix_web::test]
async fn an_overview_without_a_hanging_part_is_answered_in_time() {
    let app = app("1s");
    app.sandbox().fail_next_of(DISTRIBUTION, Fault::Hang, FOR_EVER);
    let overview = app.get("/stores/S_100001/overview?parts=flow,demographics").await;
    assert_eq!(overview.status, 200, "{}", overview.text());
    let overview = overview.json();
    assert_eq!(overview["flow"]["store_id"], "S_100001");
    assert_eq!(overview["errors"]["demographics"]["status"], 504);
}

#[actix_web::test]
async fn without_any_part_the_response_is_the_timeout() {
    let app = app("1s");
    app.sandbox().fail_next(Fault::Hang, FOR_EVER);
    let answer = flows(&app, &stores(1, 30)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (504, "gateway-timeout"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("for fewer at once"), "{}", answer.text());
}
