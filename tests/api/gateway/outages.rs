//! Bad days: a gateway that is started anew, fails for a moment, or keeps its callers waiting.

use std::sync::Arc;
use std::time::Duration;

use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::requests::NO_CACHE;
use crate::app::waiting::eventually;

#[actix_web::test]
async fn a_restart_of_the_gateway_is_survived_without_an_error() {
    let mut app = TestApp::spawn();
    for round in 0..3 {
        for path in ["/stores/S_123456/flow", "/stores/SHOP001", "/inspections?page_size=1"] {
            let answer = app.request("operator", "GET", path, NO_CACHE).await;
            assert_eq!(answer.status, 200, "{round} {path}: {}", answer.text());
        }
        app.restart_gateway();
    }
}

#[actix_web::test]
async fn one_outage_of_any_kind_is_not_seen_by_the_caller() {
    let faults = [Fault::code("-500"), Fault::HttpStatus(502), Fault::Truncate, Fault::Empty, Fault::Reset];
    for fault in faults {
        let app = TestApp::spawn();
        for path in ["/stores/S_123456/flow", "/stores/SHOP001"] {
            app.sandbox().fail_next(fault.clone(), 1);
            assert_eq!(app.get(path).await.status, 200, "{fault:?} {path}");
        }
    }
}

#[actix_web::test]
async fn a_client_that_disconnects_neither_stops_nor_repeats_the_gateway_call() {
    let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "200ms"));
    // The first attempt hangs, so that there is time to leave; the second one answers.
    app.sandbox().fail_next(Fault::Hang, 1);
    let sandbox = Arc::clone(&app.gateway.as_ref().unwrap().sandbox);
    let arrived = async {
        eventually("the first call arrives", async || sandbox.calls() != 0).await;
    };
    let leaving = Box::pin(app.get("/stores/S_123456/flow"));
    futures_util::future::select(leaving, Box::pin(arrived)).await;
    drop(sandbox);
    let answer = tokio::time::timeout(Duration::from_secs(10), app.get("/stores/S_123456/flow")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(app.sandbox().calls(), 2, "one that hung, and one that answered");
}
