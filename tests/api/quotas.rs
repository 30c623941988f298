//! How much a client may ask, and what it is told about it.

use futures_util::future::join_all;
use storegate::sandbox::Fault;

use crate::answer::Answer;
use crate::companies::grant;
use crate::test_app::TestApp;

const FLOW: &str = "/stores/S_123456/flow";

fn limited() -> TestApp {
    TestApp::with(|setup| setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "6/1m"))
}

fn told(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

#[actix_web::test]
async fn every_answer_tells_the_quota_and_the_one_too_many_is_429() {
    let app = limited();
    let paths = [(FLOW, 200), (FLOW, 200), ("/stores/NOSUCH", 404), ("/stores?nonsense=1", 400), ("/stores", 200)];
    for (number, (path, status)) in paths.iter().enumerate() {
        let answer = app.get(path).await;
        assert_eq!(answer.status, *status);
        let standing = format!("\"default\";r={};t=10", 5 - number);
        assert_eq!(told(&answer), (Some("\"default\";q=6;w=60"), Some(standing.as_str())), "{path}");
    }
    assert_eq!(app.ask("dashboard", "DELETE", "/cache", &[]).await.status, 403, "a refusal counts, too");
    let calls = app.sandbox().calls();
    let refused = app.get(FLOW).await;
    assert_eq!((refused.status, refused.problem().as_str()), (429, "quota-exceeded"));
    assert_eq!(told(&refused), (Some("\"default\";q=6;w=60"), Some("\"default\";r=0;t=10")));
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
async fn a_request_that_ends_at_its_deadline_tells_the_quota_too() {
    let app = TestApp::with(|setup| {
        setup.set("AUTH__CLIENTS__DASHBOARD__QUOTA", "6/1m");
        setup.set("SERVER__REQUEST_TIMEOUT", "1s");
    });
    app.sandbox().fail_next(Fault::Hang, 1);
    let late = app.get(FLOW).await;
    assert_eq!((late.status, late.problem().as_str()), (504, "gateway-timeout"));
    assert_eq!(told(&late), (Some("\"default\";q=6;w=60"), Some("\"default\";r=5;t=10")));
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
        assert_eq!((answer.status, told(&answer)), (200, (None, None)), "{client}");
    }
}

#[actix_web::test]
async fn the_quota_of_all_holds_for_each_client_by_company_and_its_own_goes_before() {
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
    // A client of the same name, but another company's.
    let namesake = storegate::auth::issue::TokenGrant { client_id: "dashboard".to_owned(), ..grant("zenith") };
    let token = app.token_for("storegate", &namesake);
    assert_eq!(app.get_with_token(&token, "/stores").await.header("ratelimit"), Some("\"default\";r=1;t=30"));
}

#[actix_web::test]
async fn whoever_shows_no_good_token_spends_nobodys_quota() {
    let app = limited();
    let token = app.token_for("another-service", &grant("dashboard"));
    for _ in 0..10 {
        let answer = app.get_with_token(&token, FLOW).await;
        assert_eq!((answer.status, told(&answer)), (401, (None, None)));
    }
    assert_eq!(app.get(FLOW).await.header("ratelimit"), Some("\"default\";r=5;t=10"));
}
