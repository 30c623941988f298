//! How much a client may ask, and what it is told about it.

use futures_util::future::join_all;
use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::tenants::grant;

fn limited() -> TestApp {
    TestApp::with(|setup| setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "6/1m"))
}

fn quota_headers(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

#[actix_web::test]
async fn every_response_has_the_quota_headers_and_the_one_too_many_is_429() {
    let app = limited();
    let paths = [(FLOW, 200), (FLOW, 200), ("/stores/NOSUCH", 404), ("/stores?nonsense=1", 400), ("/stores", 200)];
    for (number, (path, status)) in paths.iter().enumerate() {
        let answer = app.get(path).await;
        assert_eq!(answer.status, *status);
        let standing = format!("\"default\";r={};t=10", 5 - number);
        assert_eq!(quota_headers(&answer), (Some("\"default\";q=6;w=60"), Some(standing.as_str())), "{path}");
    }
    assert_eq!(app.request("dashboard", "DELETE", "/cache", &[]).await.status, 403, "a refusal counts, too");
    let calls = app.sandbox().calls();
    let refused = app.get(FLOW).await;
    assert_eq!((refused.status, refused.problem().as_str()), (429, "quota-exceeded"));
    assert_eq!(quota_headers(&refused), (Some("\"default\";q=6;w=60"), Some("\"default\";r=0;t=10")));
    assert_eq!(refused.header("retry-after"), Some("10"));
    assert_eq!((refused.header("cache-status"), app.sandbox().calls()), (None, calls));
    app.pass(4);
    let refused = app.get(FLOW).await;
    assert_eq!((refused.header("ratelimit"), refused.header("retry-after")), (Some("\"default\";r=0;t=6"), Some("6")));
    app.pass(6);
    assert_eq!(app.get(FLOW).await.status, 200);
    assert_eq!(app.get(FLOW).await.status, 429);
}

#[actix_web::test]
async fn a_request_that_ends_at_its_deadline_has_the_quota_headers_too() {
    let app = TestApp::with(|setup| {
        setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "6/1m");
        setup.set("SERVER__REQUEST_TIMEOUT", "1s");
    });
    app.sandbox().fail_next(Fault::Hang, 1);
    let late = app.get(FLOW).await;
    assert_eq!((late.status, late.problem().as_str()), (504, "gateway-timeout"));
    assert_eq!(quota_headers(&late), (Some("\"default\";q=6;w=60"), Some("\"default\";r=5;t=10")));
}

#[actix_web::test]
async fn one_clients_quota_is_not_anothers_and_none_is_none() {
    let app = limited();
    for _ in 0..7 {
        app.get(FLOW).await;
    }
    assert_eq!(app.get(FLOW).await.status, 429);
    for client in ["operator", "zenith"] {
        let answer = app.get_as(client, "/stores").await;
        assert_eq!((answer.status, quota_headers(&answer)), (200, (None, None)), "{client}");
    }
}

#[actix_web::test]
async fn the_default_quota_applies_to_each_client_of_a_tenant_and_its_own_overrides_it() {
    let app = TestApp::with(|setup| {
        setup.set("LIMITS__QUOTA", "2/1m");
        setup.set("AUTH__CLIENTS__OPERATOR__QUOTA", "none");
        setup.set("AUTH__CLIENTS__COUNTER__QUOTA", "4/1m");
    });
    let mut given = Vec::new();
    for client in ["dashboard", "operator", "counter"] {
        let answers = join_all((0..20).map(|_| app.get_as(client, FLOW))).await;
        given.push(answers.iter().filter(|answer| answer.status == 200).count());
    }
    assert_eq!(given, [2, 20, 4], "counted exactly, over both workers");
    // A client of the same name, but another tenant's.
    let namesake = storegate::auth::issue::TokenGrant { client_id: "dashboard".to_owned(), ..grant("zenith") };
    let token = app.token_for("storegate", &namesake);
    assert_eq!(app.get_with_token(&token, "/stores").await.header("ratelimit"), Some("\"default\";r=1;t=30"));
}

fn batch(first: u32, stores: u32) -> String {
    let ids: Vec<String> = (first..first + stores).map(|store| format!("S_{store}")).collect();
    format!("/flow?store_id={}", ids.join(","))
}

#[actix_web::test]
async fn a_request_for_many_stores_costs_each_of_them_or_nothing() {
    let app = TestApp::with(|setup| setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "10/1m"));
    let answer = app.get(&batch(100_001, 6)).await;
    assert_eq!((answer.status, app.sandbox().calls()), (200, 6));
    let policy = "\"default\";q=10;w=60;storegate-cost=6";
    assert_eq!(quota_headers(&answer), (Some(policy), Some("\"default\";r=4;t=6")));
    // A batch for which too little is left takes nothing, however often it is tried.
    for _ in 0..3 {
        let refused = app.get(&batch(100_010, 6)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (429, "quota-exceeded"));
        assert_eq!(quota_headers(&refused), (Some(policy), Some("\"default\";r=4;t=12")));
        assert_eq!(refused.header("retry-after"), Some("12"));
    }
    assert_eq!(app.sandbox().calls(), 6);
    app.pass(12);
    assert_eq!(app.get(&batch(100_010, 6)).await.header("ratelimit"), Some("\"default\";r=0;t=6"));
    assert_eq!(app.get(FLOW).await.status, 429);
}

#[actix_web::test]
async fn a_store_given_twice_and_a_cached_one_count_against_the_quota_as_any_other() {
    let app = limited();
    assert_eq!(
        app.get("/flow?store_id=S_100001,100001,S_100001").await.header("ratelimit"),
        Some("\"default\";r=5;t=10")
    );
    assert_eq!(app.get(&batch(100_001, 2)).await.header("ratelimit"), Some("\"default\";r=3;t=10"));
    assert_eq!(app.sandbox().calls(), 2);
}

#[actix_web::test]
async fn a_batch_larger_than_the_whole_quota_is_refused_for_good() {
    let app = TestApp::with(|setup| setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "5/1m"));
    let refused = app.get(&batch(100_001, 60)).await;
    assert_eq!((refused.status, refused.problem().as_str(), app.sandbox().calls()), (429, "quota-exceeded", 0));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("costs 60") && detail.contains("at most 5"), "{detail}");
    assert_eq!(refused.header("retry-after"), None, "waiting is of no help");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"default\";q=5;w=60;storegate-cost=60"));
    assert_eq!(refused.header("ratelimit"), Some("\"default\";r=5;t=12"));
    // It takes nothing, however often it is tried.
    for _ in 0..7 {
        assert_eq!(app.get(&batch(100_001, 6)).await.header("ratelimit"), Some("\"default\";r=5;t=12"));
    }
    assert_eq!(app.get(FLOW).await.header("ratelimit"), Some("\"default\";r=4;t=12"));
    assert_eq!(app.get(&batch(100_001, 60)).await.header("ratelimit"), Some("\"default\";r=4;t=12"));
}

#[actix_web::test]
async fn an_overview_costs_its_parts_and_a_sum_of_many_stores_one() {
    let app = limited();
    let sum = app.get("/demographics?store_id=S_100001,S_100002,S_100003&from=2026-11-01&to=2026-11-07").await;
    assert_eq!((sum.status, sum.header("ratelimit")), (200, Some("\"default\";r=5;t=10")), "the gateway sums");
    let whole = app.get("/stores/S_123456/overview?from=2026-11-01&to=2026-11-07").await;
    assert_eq!(whole.header("ratelimit"), Some("\"default\";r=2;t=10"), "{}", whole.status);
    let one = app.get("/stores/S_123456/overview?parts=flow&from=2026-11-01&to=2026-11-07").await;
    assert_eq!((one.status, one.header("ratelimit")), (200, Some("\"default\";r=1;t=10")));
}

#[actix_web::test]
async fn a_request_without_a_valid_token_consumes_no_quota() {
    let app = limited();
    let token = app.token_for("another-service", &grant("dashboard"));
    for _ in 0..10 {
        let answer = app.get_with_token(&token, FLOW).await;
        assert_eq!((answer.status, quota_headers(&answer)), (401, (None, None)));
    }
    assert_eq!(app.get(FLOW).await.header("ratelimit"), Some("\"default\";r=5;t=10"));
}
