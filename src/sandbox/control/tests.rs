//! The control endpoints as their users call them, and the answers to invalid requests.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sandbox::testing::TestBed;
use crate::sandbox::{Fault, SandboxSettings};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

impl TestBed {
    async fn control(&self, method: &str, endpoint: &str, body: impl Into<Bytes>) -> (u16, String) {
        let request = self.client.request(method.parse().unwrap(), self.url(&format!("/_sandbox/{endpoint}")));
        let mut answer = request.send_body(body.into()).await.unwrap();
        let body = answer.body().await.unwrap();
        (answer.status().as_u16(), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn shown(&self, endpoint: &str) -> Value {
        serde_json::from_str(&self.control("GET", endpoint, "").await.1).unwrap()
    }

    async fn flow_code(&self) -> Value {
        let nonce = self.sandbox.calls().to_string();
        self.call_m_api(self.opretail(FLOW, &[("id", "S_123456"), ("_nonce", &nonce)])).await["stat"]["code"].clone()
    }
}

#[actix_web::test]
async fn faults_can_be_ordered_and_calls_counted_over_http() {
    let bed = TestBed::start();
    let order = json!({"fault": "code", "code": "-500", "times": 2}).to_string();
    assert_eq!(bed.control("POST", "faults", order).await, (204, String::new()));
    assert_eq!(bed.flow_code().await, -500);
    assert_eq!(bed.control("DELETE", "faults", "").await.0, 204);
    assert_eq!(bed.flow_code().await, 0);
    assert_eq!(bed.shown("calls").await, json!({"total": 2, "methods": {FLOW: 2}}));
    assert_eq!((bed.sandbox.calls(), bed.sandbox.calls_of(FLOW), bed.sandbox.calls_of("other")), (2, 2, 0));
}

#[actix_web::test]
async fn the_faults_still_to_come_are_listed_as_they_were_placed() {
    let bed = TestBed::start();
    let orders = json!([
        {"fault": "code", "code": "-500", "gateway": "opretail", "times": 3},
        {"fault": "delay", "delay": "300ms", "method": "shop.get", "percent": 25},
    ]);
    for order in orders.as_array().unwrap() {
        assert_eq!(bed.control("POST", "faults", order.to_string()).await.0, 204);
    }
    assert_eq!(bed.shown("faults").await, orders);
    bed.flow_code().await;
    assert_eq!(bed.shown("faults").await[0]["times"], 2, "one has come");
    bed.control("DELETE", "faults", "").await;
    assert_eq!(bed.shown("faults").await, json!([]));
}

#[actix_web::test]
async fn a_wrong_request_is_explained_and_changes_nothing() {
    let bed = TestBed::start();
    let before = bed.sandbox.behaviour();
    let wrong = [
        ("POST", "faults", r#"{"fault":"flood"}"#, "there is no fault `flood`; there are code, http_status"),
        ("POST", "faults", r#"{"fault":"cut"}"#, "`bytes` is missing"),
        ("PATCH", "behaviour", r#"{"latency":"1s","slowness":"1s"}"#, "no behaviour `slowness`; there are"),
        ("PATCH", "behaviour", r#"{"clock_skew":"1h","latency":1}"#, "`latency`: write it in quotes"),
    ];
    for (method, endpoint, body, sentence) in wrong {
        let (status, message) = bed.control(method, endpoint, body).await;
        assert_eq!(status, 400);
        assert!(message.contains(sentence), "{message}");
    }
    assert_eq!((bed.sandbox.behaviour(), bed.shown("faults").await), (before, json!([])));
}

#[actix_web::test]
async fn a_body_that_is_no_text_or_too_large_is_refused_and_not_repaired() {
    let bed = TestBed::start();
    for (method, endpoint) in [("POST", "faults"), ("PATCH", "behaviour")] {
        let (status, message) =
            bed.control(method, endpoint, b"{\"fault\":\"body\",\"body\":\"\xff\"}".as_slice()).await;
        assert_eq!(status, 400);
        assert!(message.contains("not UTF-8") && message.contains("body_base64"), "{message}");
        let large = bed.control(method, endpoint, vec![b' '; (256 << 10) + 1]).await;
        assert_eq!(large, (413, "the body is larger than 256 KiB\n".to_owned()));
        let request = bed.client.request(method.parse().unwrap(), bed.url(&format!("/_sandbox/{endpoint}")));
        let mut answer = request.insert_header(("content-encoding", "gzip")).send_body("{}").await.unwrap();
        let message = answer.body().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(message.starts_with(b"the body does not arrive whole"), "{message:?}");
    }
    assert_eq!(bed.shown("faults").await, json!([]));
    let spaces = " ".repeat((256 << 10) - 2);
    assert_eq!(bed.control("PATCH", "behaviour", spaces + "{}").await.0, 204, "the limit itself is allowed");
}

#[actix_web::test]
async fn an_unknown_path_and_a_wrong_method_are_answered_with_what_there_is() {
    let bed = TestBed::start();
    for path in ["fault", "faults/", ""] {
        let (status, message) = bed.control("GET", path, "").await;
        assert_eq!(status, 404);
        assert!(
            message.starts_with(&format!("there is no /_sandbox/{path}; there are /_sandbox/faults, ")),
            "{message}"
        );
    }
    let allowed =
        [("faults", "GET, POST, DELETE"), ("behaviour", "GET, PATCH, DELETE"), ("logins", "DELETE"), ("calls", "GET")];
    for (endpoint, allow) in allowed {
        let mut answer = bed.client.put(bed.url(&format!("/_sandbox/{endpoint}"))).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("allow").unwrap().to_str().unwrap()), (405, allow));
        let sentence = format!("/_sandbox/{endpoint} does not take PUT; it takes {allow}\n");
        assert_eq!(answer.body().await.unwrap(), sentence);
        for method in allow.split(", ").filter(|method| !["POST", "PATCH"].contains(method)) {
            assert!(bed.control(method, endpoint, "").await.0 < 300, "{method} {endpoint}");
        }
    }
}

#[actix_web::test]
async fn the_behaviour_is_shown_changed_and_reset_over_http() {
    let bed = TestBed::start();
    let start = bed.shown("behaviour").await;
    assert_eq!((&start["latency"], &start["oms_replay_window"]), (&json!("0s"), &json!("1h")));
    assert_eq!(bed.control("PATCH", "behaviour", r#"{"clock_skew":"-2h"}"#).await, (204, String::new()));
    assert_eq!(bed.shown("behaviour").await["clock_skew"], "-2h");
    assert_eq!(bed.flow_code().await, 16);
    assert_eq!(bed.control("DELETE", "behaviour", "").await.0, 204);
    assert_eq!((bed.shown("behaviour").await, bed.flow_code().await), (start, 0.into()));
}

#[actix_web::test]
async fn logins_are_forgotten_over_http() {
    let bed = TestBed::with(SandboxSettings { require_login: true, ..SandboxSettings::default() });
    let user = [("userName", "13800000000"), ("password", "sandbox-password")];
    let login = bed.call_m_api(bed.opretail("open.shopweb.security.mobileLogin", &user)).await;
    let token = login["data"]["token"].as_str().unwrap();
    let flow = async |nonce| -> Value {
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", nonce)]));
        let request = bed.client.post(bed.url("/m.api")).insert_header(("authenticator", token));
        request.send_form(&signed).await.unwrap().json::<Value>().await.unwrap()["stat"]["code"].clone()
    };
    assert_eq!(flow("1").await, 0);
    assert_eq!(bed.control("DELETE", "logins", "").await.0, 204);
    assert_eq!(flow("2").await, 9_990_001);
}

#[actix_web::test]
async fn an_order_for_one_gateway_or_by_chance_is_for_those_calls_alone() {
    let bed = TestBed::start();
    bed.control("POST", "faults", r#"{"fault":"code","code":"-500","gateway":"opretail","percent":100}"#).await;
    for _ in 0..3 {
        assert_eq!(bed.flow_code().await, -500);
    }
    let shops = bed.call_oms(bed.oms("shop.getList", &[])).await;
    assert_eq!(shops["response"]["count"], "260");
    bed.sandbox.clear_faults();
    bed.sandbox.fail_percent(Fault::code("-999"), 100);
    assert_eq!(bed.flow_code().await, -999);
}
