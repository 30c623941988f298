//! What comes back from a gateway that is not the sandbox: whole answers in every form, and none that is not whole.

use crate::app::requests::NO_CACHE;
use crate::peers::independent_gateway::{A_STORE, app_before, gateway};

#[actix_web::test]
async fn a_redirect_does_not_carry_the_signed_form_to_another_place() {
    let gateway = gateway();
    let head = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /stolen\r\ncontent-length: 0\r\n";
    gateway.answer_whole("shop.get", head, "");
    let app = app_before(&gateway, |_| {});
    let answer = app.get("/stores/A1").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"));
    assert!(gateway.received().iter().all(|received| received.path != "/stolen"));
}

#[actix_web::test]
async fn a_body_shorter_than_its_content_length_is_an_error() {
    let gateway = gateway();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n", A_STORE.len() + 1);
    gateway.answer_whole("shop.get", &head, A_STORE);
    let app = app_before(&gateway, |_| {});
    let answer = app.get("/stores/A1").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"));
    assert_eq!(gateway.verdicts(), ["ok"; 2], "it is asked for once more");
}

#[actix_web::test]
async fn each_envelope_of_an_oms_is_read() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    let store = r#"{"shop_code":"A1","shop_name":"a\u0007b"}"#.replace("\\u0007", "\u{7}");
    let envelopes = [
        format!(r#"{{"response":{store}}}"#),
        format!(r#"{{"rsp":"succ","data":{store}}}"#),
        format!(r#"{{"code":0,"msg":"","data":{store}}}"#),
        store,
    ];
    for envelope in envelopes {
        gateway.answer("shop.get", &envelope);
        let answer = app.request("operator", "GET", "/stores/A1", NO_CACHE).await;
        assert_eq!(answer.status, 200, "{envelope}: {}", answer.text());
        assert_eq!((answer.json()["id"].as_str(), answer.json()["name"].as_str()), (Some("A1"), Some("a\u{7}b")));
    }
}

#[actix_web::test]
async fn stores_that_were_not_requested_are_never_shown() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    // A server that does not know the filter's name gives every store.
    gateway.answer("shop.getList", r#"{"response":{"count":"2","lists":[{"shop_bn":"A1"},{"shop_bn":"B2"}]}}"#);
    assert_eq!(app.get("/stores").await.status, 200);
    let answer = app.get("/stores?code=A1").await;
    assert_eq!((answer.status, &answer.json()["page"]["total"]), (200, &1.into()));
    assert!(answer.text().contains("A1") && !answer.text().contains("B2"));
    gateway.answer("shop.get", r#"{"response":{"shop_bn":"B2"}}"#);
    let answer = app.get("/stores/A1").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"));
}

#[actix_web::test]
async fn the_number_of_other_stores_is_never_shown() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    // The filter is ignored, but this page would show nothing of it.
    for lists in ["[]", r#"[{"shop_bn":"SHOP001"}]"#] {
        gateway.answer("shop.getList", &format!(r#"{{"response":{{"count":"47114711","lists":{lists}}}}}"#));
        for (client, code) in [("franchisee", ""), ("operator", "code=SHOP001&")] {
            for rest in ["page=9999", "page_size=1", "name=xyzzy", "page=9999&page_size=1", "page_size=1000"] {
                let path = format!("/stores?{code}{rest}");
                let answer = app.get_as(client, &path).await;
                // A list with a count and without a store is no answer to a caller with two stores either.
                if answer.status == 200 {
                    assert!(answer.json()["page"]["total"].as_i64().unwrap() <= 1, "{}", answer.text());
                } else {
                    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-error"), "{client} {path}");
                }
                assert!(!answer.text().contains("47114711"), "{}", answer.text());
            }
        }
    }
}

#[actix_web::test]
async fn the_filters_name_on_the_wire_follows_the_configuration() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| setup.set("TENANTS__ACME__OMS__CODE_PARAMETER", "shop_code"));
    gateway.answer("shop.getList", r#"{"response":{"count":1,"lists":[{"shop_code":"A1"}]}}"#);
    assert_eq!(app.get("/stores?code=A1").await.status, 200);
    let received = gateway.received();
    let sent = &received.last().unwrap().parameters;
    assert!(format!("{sent:?}").contains("shop_code") && !format!("{sent:?}").contains("shop_bn"), "{sent:?}");
}
