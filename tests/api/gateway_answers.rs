//! What comes back from a gateway that is not the sandbox: whole answers in every form, and none that is not whole.

use crate::wire::{A_STORE, NO_CACHE, app_before, gateway};

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
async fn an_answer_shorter_than_promised_is_not_taken_for_a_whole_one() {
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
        let answer = app.ask("operator", "GET", "/stores/A1", NO_CACHE).await;
        assert_eq!(answer.status, 200, "{envelope}: {}", answer.text());
        assert_eq!((answer.json()["id"].as_str(), answer.json()["name"].as_str()), (Some("A1"), Some("a\u{7}b")));
    }
}
