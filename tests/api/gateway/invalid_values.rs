//! Odd values, odd rows and odd answers of a gateway that is well: each affects only itself.

use serde_json::{Value, json};
use storegate::sandbox::{Fault, SandboxVendor};

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::requests::{FLOW, NO_CACHE};
use crate::fixtures::captures::body;
use crate::fixtures::invalid_bodies::envelope;

async fn answer_to(app: &TestApp, vendor: SandboxVendor, path: &str, data: &str) -> Answer {
    app.sandbox().fail_next_at(vendor, Fault::Body(envelope(vendor, data)), 1);
    app.request("operator", "GET", path, NO_CACHE).await
}

async fn breaker(app: &TestApp, vendor: SandboxVendor) -> Value {
    app.get("/readyz").await.json()["gateways"][usize::from(vendor == SandboxVendor::Oms)]["breaker"].clone()
}

#[actix_web::test]
async fn one_invalid_value_is_one_null_and_is_counted_by_its_field() {
    let app = TestApp::spawn();
    let data = r#"{"DAY_FLOW":318,"WEEK_FLOW":"planted-text","TOTAL_SALE":"21,528.50","EXPENDITURE":"N/A","BUY_RATE":1e400,
        "WEATHER":"","cfgData":[{"key":"a","value":"1"},null],"odd-and-personal":"13800138000"}"#;
    let answer = answer_to(&app, SandboxVendor::OpRetail, FLOW, data).await;
    let flow = answer.json();
    assert_eq!(answer.status, 200, "{flow}");
    assert_eq!(flow["visitors"], json!({"today": 318, "this_week": null, "this_month": null}));
    assert_eq!(flow["sales"], json!({"total": 21528.5, "average_spend": null, "purchase_rate_percent": null}));
    assert!(flow["weather"].is_null());
    assert_eq!(flow["indicators"].as_array().map(Vec::len), Some(1));
    let metrics = app.send("GET", "/metrics", &[], "").await.text();
    let odd: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("storegate_gateway_odd_values_total")).collect();
    for field in ["WEEK_FLOW", "EXPENDITURE", "BUY_RATE", "cfgData[]"] {
        let label = format!("field=\"{field}\"");
        assert!(odd.iter().any(|line| line.contains(&label) && line.contains("getTotalData")), "{field}: {odd:?}");
    }
    assert!(
        !metrics.contains("odd-and-personal") && !metrics.contains("13800138000") && !metrics.contains("planted-text")
    );
}

#[actix_web::test]
async fn an_invalid_row_is_skipped_and_the_others_are_served() {
    let app = TestApp::spawn();
    let [a, b] = [r#"{"shop_bn":"A1"}"#, r#"{"shop_bn":"B2","createtime":"2026-02-30"}"#];
    for odd in ["null", "{}", "[]", "7", r#"{"shop_name":"nameless"}"#, r#"{"shop_bn":["C3"]}"#] {
        for lists in [format!("[{a},{odd},{b}]"), format!(r#"{{"0":{a},"1":{odd},"4":{b}}}"#)] {
            let data = format!(r#"{{"count":"3","lists":{lists}}}"#);
            let list = answer_to(&app, SandboxVendor::Oms, "/stores", &data).await;
            let codes: Vec<Value> =
                list.json()["items"].as_array().unwrap().iter().map(|store| store["oms_code"].clone()).collect();
            assert_eq!((list.status, codes), (200, vec![json!("A1"), json!("B2")]), "{data}");
        }
    }
    let inspections = "/inspections?from=2026-11-01&to=2026-11-07";
    let data = r#"{"total":3,"rows":{"1":{"id":1},"2":null,"9":{"id":2}}}"#;
    let list = answer_to(&app, SandboxVendor::OpRetail, inspections, data).await.json();
    assert_eq!((&list["items"][0]["id"], &list["items"][1]["id"]), (&json!("1"), &json!("2")), "{list}");
}

#[actix_web::test]
async fn an_unreadable_response_is_not_retried_and_affects_nothing_else() {
    let app = TestApp::spawn();
    let odd = [
        envelope(SandboxVendor::OpRetail, r#"{"WEATHER":7}"#),
        envelope(SandboxVendor::OpRetail, r#"{"name":"a "b""}"#),
        "<html>the method failed</html>".to_owned(),
        "[]".to_owned(),
    ];
    for (number, body) in (500_000..).zip(odd.iter().cycle().take(24)) {
        app.sandbox().fail_next(Fault::Body(body.clone()), 1);
        let answer = app.get(&format!("/stores/S_{number}/flow")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"), "{body}");
    }
    assert_eq!(app.sandbox().calls(), 24, "none is asked for twice");
    assert_eq!(breaker(&app, SandboxVendor::OpRetail).await, "closed");
    for path in [FLOW, "/stores/S_123456/demographics", "/inspections?from=2026-11-01&to=2026-11-07"] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn a_cached_response_survives_one_success_without_data() {
    let app = TestApp::spawn();
    for nothing in ["null", "[]", "\"\""] {
        assert_eq!(app.request("operator", "GET", FLOW, NO_CACHE).await.status, 200);
        app.pass(120);
        app.sandbox().fail_next_at(SandboxVendor::OpRetail, Fault::Body(envelope(SandboxVendor::OpRetail, nothing)), 1);
        let older = app.get(FLOW).await;
        assert!(older.header("cache-status").unwrap().ends_with("detail=stale-if-error"), "{nothing}");
        app.pass(1);
        assert_eq!(app.get(FLOW).await.header("age"), Some("0"), "{nothing}: it is asked for again at once");
    }
    app.pass(120);
    app.sandbox().fail_next_at(
        SandboxVendor::OpRetail,
        Fault::Body(envelope(SandboxVendor::OpRetail, "null")),
        u32::MAX,
    );
    assert_eq!(app.get(FLOW).await.status, 200);
    app.pass(1);
    assert_eq!(app.get(FLOW).await.status, 404, "the gateway has said so twice");
    app.sandbox().clear_faults();
    app.pass(29);
    assert_eq!(app.get(FLOW).await.status, 404, "which is remembered");
    app.pass(1);
    assert_eq!(app.get(FLOW).await.status, 200);
}

#[actix_web::test]
async fn an_older_store_outlives_one_404_of_the_oms() {
    let app = TestApp::spawn();
    let path = "/stores/SHOP001";
    assert_eq!(app.get(path).await.status, 200);
    app.pass(5 * 3_600);
    app.sandbox().fail_next_at(SandboxVendor::Oms, Fault::code("404"), 2);
    assert_eq!(app.get(path).await.status, 200);
    app.pass(1);
    assert_eq!(app.get(path).await.status, 404);
}

#[actix_web::test]
async fn a_page_that_a_name_spoils_and_a_method_that_fails_harm_nothing_else() {
    let app = TestApp::spawn();
    for exchange in ["name_quote", "stock_fails"].iter().cycle().take(14) {
        app.sandbox().fail_next_at(SandboxVendor::Oms, Fault::Body(body(exchange)), 1);
        assert_eq!(app.request("operator", "GET", "/stores?page_size=50", NO_CACHE).await.status, 502, "{exchange}");
        app.pass(1);
    }
    assert_eq!(app.sandbox().calls(), 14, "none is asked for twice");
    assert_eq!(breaker(&app, SandboxVendor::Oms).await, "closed");
    assert_eq!(app.get("/stores/SHOP001").await.status, 200);
}
