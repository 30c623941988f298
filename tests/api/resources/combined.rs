//! Answers that are made of several kept ones: the overview of a store, and the flow of many stores. And the demographics of
//! many stores, which the gateway itself sums.

use serde_json::{Value, json};
use storegate::auth::issue::TokenGrant;
use storegate::sandbox::{Fault, OmsServer};

use crate::app::TestApp;
use crate::app::answer::problem_name;
use crate::app::configurations::stores_file;
use crate::app::requests::TOTAL_DATA;
use crate::app::tenants::grant;

const DISTRIBUTION: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
const SHOP: &str = "shop.get";
const WEEK: &str = "from=2026-11-01&to=2026-11-07";

/// With a store that has a number at both vendors, and one that the OMS does not have.
fn app(name: &str) -> TestApp {
    app_before(name, OmsServer::Published)
}

fn app_before(name: &str, server: OmsServer) -> TestApp {
    let path = stores_file(name, "id,opretail_id,oms_code\nflagship,S_123456,SHOP061\nkiosk,S_100002,\n");
    TestApp::with(|setup| {
        setup.sandbox.oms_server = server;
        setup.set("DIRECTORY__ACME__STORES_FILE", path.to_str().unwrap());
    })
}

/// In the order of the alphabet.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn an_overview_has_each_part_as_its_own_path_gives_it_and_parts_are_cached_separately() {
    for (server, calls) in [(OmsServer::Published, 4), (OmsServer::Documented, 3)] {
        let app = app_before("overview-parts", server);
        let overview = app.get(&format!("/stores/flagship/overview?{WEEK}")).await;
        assert_eq!(overview.status, 200, "{}", overview.text());
        assert!(overview.header("cache-status").unwrap().starts_with("storegate; fwd=miss"));
        let overview = overview.json();
        assert_eq!(names(&overview), ["demographics", "errors", "flow", "store", "store_id"]);
        assert_eq!((&overview["store_id"], &overview["errors"]), (&json!("flagship"), &json!({})));
        for (path, part) in [
            ("/stores/SHOP061".to_owned(), "store"),
            ("/stores/S_123456/flow".to_owned(), "flow"),
            (format!("/stores/flagship/demographics?{WEEK}"), "demographics"),
        ] {
            let alone = app.get(&path).await;
            assert!(alone.header("cache-status").unwrap().starts_with("storegate; hit"), "{path}");
            assert_eq!(alone.json(), overview[part], "{path}");
        }
        assert_eq!(app.sandbox().calls(), calls, "the published server has a store in a list only");
        let again = app.get(&format!("/stores/flagship/overview?{WEEK}")).await;
        assert!(again.header("cache-status").unwrap().starts_with("storegate; hit"));
        assert_eq!((again.json(), app.sandbox().calls()), (overview, calls));
    }
}

#[actix_web::test]
async fn only_the_requested_parts_are_read_in_the_order_of_the_document() {
    let app = app("overview-asked");
    let overview = app.get("/stores/flagship/overview?parts=flow,store").await;
    let places =
        ["\"store_id\":", "\"store\":", "\"flow\":", "\"errors\":"].map(|name| overview.text().find(name).unwrap());
    assert!(places.is_sorted(), "{}", overview.text());
    let overview = overview.json();
    assert_eq!(names(&overview), ["errors", "flow", "store", "store_id"]);
    assert_eq!(app.sandbox().calls_of(DISTRIBUTION), 0);
    for (query, name) in
        [("parts=flow,weather", "parts"), ("parts=", "parts"), ("part=flow", "part"), ("from=x", "from")]
    {
        let refused = app.get(&format!("/stores/flagship/overview?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.json()["errors"][0]["parameter"], name, "{query}");
    }
}

#[actix_web::test]
async fn a_part_that_cannot_be_had_has_its_own_error_beside_the_others() {
    let app = app("overview-errors");
    let overview = app.get_with("/stores/SHOP002/overview?parts=store,flow", &[("x-request-id", "build-7")]).await;
    assert_eq!((overview.status, overview.header("cache-control")), (200, Some("private, max-age=0")));
    let problem = &overview.json()["errors"]["flow"];
    assert_eq!((problem_name(&problem["type"]).as_str(), &problem["status"]), ("store-not-mapped", &json!(404)));
    assert_eq!((&problem["instance"], &problem["request_id"]), (&json!("/stores/SHOP002/overview"), &json!("build-7")));

    app.sandbox().fail_next_of(DISTRIBUTION, Fault::code("-500"), 3);
    let overview = app.get(&format!("/stores/flagship/overview?{WEEK}")).await.json();
    assert_eq!(names(&overview), ["errors", "flow", "store", "store_id"]);
    let problem = &overview["errors"]["demographics"];
    assert_eq!((&problem["status"], &problem["gateway"]["code"]), (&json!(502), &json!("-500")));
}

#[actix_web::test]
async fn without_any_part_the_first_problem_is_the_response() {
    let app = app("overview-none");
    let refused = app.get("/stores/SHOP002/overview?parts=flow,demographics").await;
    assert_eq!((refused.status, refused.problem().as_str()), (404, "store-not-mapped"));
    app.sandbox().fail_next_of(SHOP, Fault::code("404"), 1);
    let refused = app.get("/stores/SHOP002/overview?parts=store,flow").await;
    assert_eq!((refused.status, refused.problem().as_str()), (404, "store-not-found"));
}

#[actix_web::test]
async fn without_any_part_the_gateways_failure_is_the_response_whatever_the_order() {
    let app = app("joined-outages");
    for stores in ["SHOP002,S_123456", "S_123456,SHOP002", "SHOP002,SHOP003,S_100001,SHOP004"] {
        app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("-500"), 9);
        let refused = app.get(&format!("/flow?store_id={stores}")).await;
        // The breaker may have opened meanwhile.
        assert!([502, 503].contains(&refused.status) && refused.problem().starts_with("gateway-"), "{stores}");
        app.sandbox().clear_faults();
        app.pass(60);
    }
    // It has no OMS code.
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("-500"), 9);
    let refused = app.get("/stores/S_100001/overview?parts=store,flow").await;
    assert!([502, 503].contains(&refused.status) && refused.problem().starts_with("gateway-"), "{}", refused.text());
}

#[actix_web::test]
async fn each_part_needs_its_own_scope_and_one_of_them_is_enough_for_the_request() {
    let app = app("overview-scopes");
    let overview = app.get_as("counter", "/stores/flagship/overview").await.json();
    assert_eq!(names(&overview), ["errors", "flow", "store_id"]);
    assert_eq!(names(&overview["errors"]), ["demographics", "store"]);
    assert_eq!(problem_name(&overview["errors"]["store"]["type"]), "insufficient-scope");
    let refused = app.get_as("counter", "/stores/flagship/overview?parts=store,demographics").await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "insufficient-scope"));
    let other = TokenGrant { scopes: vec!["inspections:read".to_owned()], ..grant("operator") };
    let refused = app.get_with_token(&app.token_for("storegate", &other), "/stores/flagship/overview").await;
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("scope=\"stores:read flow:read demographics:read\""), "{challenge}");
    let limited = app.get_as("franchisee", "/stores/kiosk/overview").await;
    assert_eq!((limited.status, limited.problem().as_str()), (403, "store-not-granted"));
    assert_eq!(app.sandbox().calls(), 1);
}

#[actix_web::test]
async fn an_overview_is_fresh_as_long_as_its_shortest_part_and_has_an_etag() {
    let app = app("overview-age");
    let path = "/stores/flagship/overview?parts=store,flow";
    let fresh = app.get(path).await;
    assert_eq!((fresh.header("age"), fresh.header("cache-control")), (Some("0"), Some("private, max-age=30")));
    app.pass(10);
    let later = app.get(path).await;
    assert_eq!((later.header("age"), later.header("cache-control")), (Some("10"), Some("private, max-age=30")));
    let etag = fresh.header("etag").unwrap();
    assert_eq!(later.header("etag"), Some(etag));
    let known = app.get_with(path, &[("if-none-match", etag)]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    // The flow is fetched anew behind an answer that is stale, and the store is still fresh.
    app.pass(25);
    let stale = app.get(path).await;
    assert_eq!((stale.header("age"), stale.header("cache-control")), (Some("35"), Some("private, max-age=35")));
    assert!(stale.header("cache-status").unwrap().contains("stale-while-revalidate"));
}

#[actix_web::test]
async fn the_flow_of_many_stores_is_one_call_each_in_the_order_of_the_request() {
    let app = app("flows");
    let flows = app.get("/flow?store_id=S_100003&store_id=flagship&store_id=123456,SHOP061,100001").await;
    assert_eq!(flows.status, 200, "{}", flows.text());
    let flows = flows.json();
    let ids: Vec<_> = flows["items"].as_array().unwrap().iter().map(|item| item["store_id"].clone()).collect();
    assert_eq!((ids, &flows["errors"]), (vec![json!("S_100003"), json!("flagship"), json!("S_100001")], &json!([])));
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 3);
    assert_eq!(app.get("/stores/flagship/flow").await.json(), flows["items"][1]);
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 3);
}

#[actix_web::test]
async fn a_store_whose_flow_cannot_be_had_is_named_with_its_problem() {
    let app = app("flow-errors");
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("-500"), 3);
    let flows = app.get("/flow?store_id=S_100001&store_id=SHOP002").await;
    assert_eq!(
        (flows.status, flows.problem().as_str()),
        (502, "gateway-error"),
        "the first one's, since there is no flow"
    );
    let flows = app.get("/flow?store_id=SHOP002&store_id=flagship").await;
    assert_eq!((flows.status, flows.header("cache-control")), (200, Some("private, max-age=0")));
    let flows = flows.json();
    assert_eq!(flows["items"][0]["store_id"], "flagship");
    let errors = flows["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["store_id"]), (1, &json!("SHOP002")));
    assert_eq!(problem_name(&errors[0]["problem"]["type"]), "store-not-mapped");
    let limited = app.get_as("franchisee", "/flow?store_id=S_123456&store_id=S_100002").await.json();
    assert_eq!(problem_name(&limited["errors"][0]["problem"]["type"]), "store-not-granted");
}

#[actix_web::test]
async fn many_stores_are_read_at_once_and_more_than_two_hundred_are_refused() {
    let app = app("flow-many");
    let list = |count: u32| (0..count).map(|number| format!("S_{}", 300_000 + number)).collect::<Vec<_>>().join(",");
    for (path, name) in [
        (format!("/flow?store_id={}", list(201)), "store_id"),
        ("/flow".to_owned(), "store_id"),
        ("/flow?store_id=".to_owned(), "store_id"),
        ("/flow?store_id=S_1,A'B".to_owned(), "store_id"),
        ("/demographics".to_owned(), "store_id"),
    ] {
        let refused = app.get(&path).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["parameter"]), (400, &json!(name)), "{path}");
    }
    let stores = (0..60).map(|number| format!("S_{}", 100_001 + number)).collect::<Vec<_>>().join(",");
    let flows = app.get(&format!("/flow?store_id={stores}")).await.json();
    assert_eq!((flows["items"].as_array().unwrap().len(), app.sandbox().calls_of(TOTAL_DATA)), (60, 60));
}

#[actix_web::test]
async fn the_demographics_of_many_stores_are_one_call_in_whatever_order_they_are_given() {
    let app = app("sum");
    let one = app.get(&format!("/stores/S_100001/demographics?{WEEK}")).await.json();
    let other = app.get(&format!("/stores/flagship/demographics?{WEEK}")).await.json();
    let both = app.get(&format!("/demographics?store_id=flagship&store_id=100001&{WEEK}")).await;
    assert_eq!(both.status, 200, "{}", both.text());
    let sum = both.json();
    assert_eq!(sum["store_ids"], json!(["S_100001", "flagship"]));
    assert_eq!(sum["visitors"].as_i64(), Some(one["visitors"].as_i64().unwrap() + other["visitors"].as_i64().unwrap()));
    assert_eq!(app.sandbox().calls_of(DISTRIBUTION), 3);
    let again = app.get(&format!("/demographics?{WEEK}&store_id=S_100001,S_123456,SHOP061")).await;
    assert!(again.header("cache-status").unwrap().starts_with("storegate; hit"));
    let refused = app.get(&format!("/demographics?store_id=flagship&store_id=SHOP002&{WEEK}")).await;
    assert_eq!((refused.status, refused.problem().as_str()), (404, "store-not-mapped"));
    let refused = app.get_as("franchisee", &format!("/demographics?store_id=flagship&store_id=kiosk&{WEEK}")).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "store-not-granted"));
    assert_eq!(app.sandbox().calls_of(DISTRIBUTION), 3);
}
