//! What a caller gets when something is wrong with the request or with the gateway.

use insta::assert_json_snapshot;
use storegate::sandbox::Fault;

use crate::app::answer::Answer;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::SECRETS;
use crate::app::{TestApp, documented};

/// Nothing in an answer may help anybody to call the gateway.
fn assert_reveals_nothing(app: &TestApp, answer: &Answer) {
    let told = format!("{:?} {}", answer.headers, answer.text());
    let gateway = app.sandbox().base_url();
    let address = gateway.strip_prefix("http://").unwrap();
    for secret in SECRETS.into_iter().chain([address, "/m.api", "openapi/rpc", "_sig", "assemble", "charsetutf-8"]) {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[actix_web::test]
async fn all_wrong_parameters_are_reported_at_once_and_an_unknown_one_with_the_nearest_name() {
    let app = TestApp::spawn();
    let path = "/inspections?from=yesterday&page_size=2000&source_type=onsite&pagesize=3";
    let answer = app.get_with(path, &[("x-request-id", "build-7")]).await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-parameter"));
    assert_eq!(answer.json()["request_id"], "build-7");
    assert_json_snapshot!("invalid_parameters", answer.snapshot());
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn an_impossible_number_with_a_vendors_prefix_is_400_before_any_call() {
    let app = TestApp::spawn();
    for path in [
        "/stores/S_12a/flow",
        "/stores/S_12a",
        "/stores/S_1.2/overview",
        "/inspections?from=2026-11-15&to=2026-11-20&store_id=S_-1",
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-parameter"), "{path}");
        assert!(answer.text().contains("such as S_123456"), "{path}: {}", answer.text());
    }
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn every_malformed_value_is_400_and_names_its_parameter() {
    let app = TestApp::spawn();
    let wrong = [
        ("/stores/S_1'--/flow", "store_id"),
        ("/stores/%E5%BA%97", "store_id"),
        ("/stores/A%20B", "store_id"),
        ("/stores/S_1/flow?x=1", "x"),
        ("/stores/S_1/demographics?from=2026-11-08&to=2026-11-07", "from"),
        ("/stores/S_1/demographics?from=2025-01-01&to=2026-11-07", "from"),
        ("/stores/S_1/demographics?start_hour=25", "start_hour"),
        ("/stores/S_1/demographics?business_hours_only=yes", "business_hours_only"),
        ("/stores?page=0", "page"),
        ("/stores?page=1&page=2", "page"),
        ("/stores?name=a%0Ab", "name"),
        ("/stores?code=A;B", "code"),
        ("/organizations/O_12x/flow", "organization_id"),
        ("/inspections?store_id=S_1%2C2", "store_id"),
    ];
    for (path, name) in wrong {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-parameter"), "{path}");
        assert_eq!(answer.json()["errors"][0]["parameter"], name, "{path}");
    }
    assert_eq!(app.sandbox().calls(), 0, "nothing of it was sent");
}

#[actix_web::test]
async fn a_path_that_is_not_there_and_a_store_that_is_not_there_are_404() {
    let app = TestApp::with(documented);
    for path in ["/nowhere", "/stores/S_1/flow/more", "/stores/", "/problems/unheard-of", "/docs/unheard.js"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{path}");
    }
    let unknown = app.get("/stores/NOSUCH").await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "store-not-found"));
    assert_json_snapshot!("not_found", unknown.snapshot());
    let without_data = app.get("/stores/S_999999/flow").await;
    assert_eq!((without_data.status, without_data.problem().as_str()), (404, "store-not-found"));
}

#[actix_web::test]
async fn a_path_that_needs_the_number_of_the_other_vendor_says_so() {
    let app = TestApp::spawn();
    for path in ["/stores/SHOP001/flow", "/stores/SHOP001/demographics", "/inspections?store_id=SHOP001", "/stores/S_1"]
    {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "store-not-mapped"), "{path}");
    }
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn a_client_that_excludes_json_gets_406() {
    let app = TestApp::spawn();
    for accept in ["text/html", "application/xml, text/*;q=0.5", "application/json;q=0"] {
        let answer = app.get_with(FLOW, &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.problem().as_str()), (406, "not-acceptable"), "{accept}");
    }
    assert_eq!(app.get_with(FLOW, &[("accept", "text/html, */*;q=0.1")]).await.status, 200);
}

#[actix_web::test]
async fn a_long_target_is_414_and_a_large_head_is_431() {
    let app = TestApp::spawn();
    let long = app.get(&format!("/stores?name={}", "x".repeat(11 << 10))).await;
    assert_eq!((long.status, long.problem().as_str()), (414, "uri-too-long"));
    let cookie = "x".repeat(17 << 10);
    let large = app.get_with("/stores", &[("cookie", &cookie)]).await;
    assert_eq!((large.status, large.problem().as_str()), (431, "headers-too-large"));
    let names: Vec<String> = (0..70).map(|number| format!("x-header-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let many = app.get_with("/stores", &many).await;
    assert_eq!((many.status, many.problem().as_str()), (431, "headers-too-large"));
}

#[actix_web::test]
async fn a_failure_of_the_gateway_itself_is_502_with_its_code() {
    let app = TestApp::spawn();
    app.sandbox().fail_next(Fault::code("-500"), 2);
    let answer = app.get(FLOW).await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"));
    assert_json_snapshot!("gateway_error", answer.snapshot());
    assert_reveals_nothing(&app, &answer);
    assert_eq!(app.sandbox().calls(), 2, "a read is tried once more");
}

#[actix_web::test]
async fn whatever_is_no_envelope_is_502_and_names_no_code() {
    for fault in [Fault::HttpStatus(503), Fault::Empty, Fault::Html, Fault::Truncate, Fault::Reset] {
        let app = TestApp::spawn();
        app.sandbox().fail_next(fault.clone(), 4);
        for path in [FLOW, "/stores/SHOP001"] {
            let answer = app.get(path).await;
            assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"), "{fault:?} {path}");
            assert!(answer.json().get("gateway").is_none(), "the gateway said nothing");
            assert_reveals_nothing(&app, &answer);
        }
    }
}

#[actix_web::test]
async fn a_gateway_that_never_answers_is_504_in_time() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__ATTEMPT_TIMEOUT", "100ms");
        setup.set("GATEWAY__DEADLINE", "300ms");
    });
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Hang, 3);
    let answer = app.get(FLOW).await;
    assert_eq!((answer.status, answer.problem().as_str()), (504, "gateway-timeout"));
    assert_reveals_nothing(&app, &answer);
}

#[actix_web::test]
async fn a_refused_key_is_502_and_never_401() {
    let keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "17"];
    let app = TestApp::spawn();
    for (store, code) in (100_001..).zip(keys) {
        app.sandbox().fail_next(Fault::code(code), 1);
        let answer = app.get(&format!("/stores/S_{store}/flow")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"), "{code}");
        assert!(answer.header("www-authenticate").is_none());
        assert_reveals_nothing(&app, &answer);
        // A refused key is given a rest before it is tried again.
        app.pass(61);
    }
    for (store, code) in (1..).zip(["e000001", "e000002", "e000004", "e000007", "401", "403", "1003"]) {
        app.sandbox().fail_next(Fault::code(code), 1);
        let answer = app.get(&format!("/stores/SHOP{store:03}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"), "{code}");
        assert_eq!(answer.json()["gateway"]["code"], code);
        app.pass(61);
    }
}

#[actix_web::test]
async fn the_signed_string_that_the_oms_sends_back_is_not_passed_on() {
    let app = TestApp::with(|setup| setup.set("TENANTS__ACME__OMS__TOKEN", "a-wrong-token"));
    let answer = app.get("/stores/SHOP001").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
    assert_eq!(answer.json()["gateway"]["code"], "e000002");
    assert_reveals_nothing(&app, &answer);
    assert!(!answer.text().contains("a-wrong-token"));
}

#[actix_web::test]
async fn a_parameter_that_the_gateway_refuses_is_422_with_its_words() {
    let app = TestApp::spawn();
    for (path, code) in [("/stores/SHOP001", "e000006"), ("/stores/SHOP002", "2002"), ("/stores/SHOP003", "400")] {
        app.sandbox().fail_next(Fault::code(code), 1);
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "gateway-rejected-request"), "{code}");
        assert_eq!(answer.json()["gateway"]["code"], code);
        assert_reveals_nothing(&app, &answer);
    }
}

#[actix_web::test]
async fn an_undocumented_code_is_503_with_retry_after() {
    let app = TestApp::spawn();
    for (path, code) in [(FLOW, "100001"), ("/stores/SHOP001", "4711"), ("/stores/SHOP002", "e000099")] {
        app.sandbox().fail_next(Fault::code(code), 1);
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (503, "gateway-unavailable"), "{code}");
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.json()["gateway"]["code"], code);
        assert_reveals_nothing(&app, &answer);
    }
}

#[actix_web::test]
async fn a_foreign_organization_is_403() {
    let app = TestApp::spawn();
    for path in ["/organizations/2168/flow", "/organizations/3/developer-account"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "store-not-granted"), "{path}");
        assert_eq!(answer.json()["gateway"]["code"], "102005");
        assert_reveals_nothing(&app, &answer);
    }
}

#[actix_web::test]
async fn a_gateway_that_keeps_saying_repeated_is_503_with_retry_after() {
    let app = TestApp::spawn();
    for (path, code) in [(FLOW, "-100"), ("/stores/SHOP001", "e000009")] {
        app.sandbox().fail_next(Fault::code(code), 3);
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (503, "gateway-unavailable"), "{code}");
        assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|wait| wait > 0)));
    }
}

#[actix_web::test]
async fn a_gateway_that_is_not_there_is_503() {
    let mut app = TestApp::spawn();
    let _port = app.gateway.take().map(SandboxGateway::stop);
    for path in [FLOW, "/stores/SHOP001"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (503, "gateway-unavailable"), "{path}");
        assert!(answer.header("retry-after").is_some());
    }
}
