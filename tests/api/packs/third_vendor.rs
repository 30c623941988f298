//! A vendor that no Rust knows, by its pack alone: signed with HMAC-SHA256 over a JSON body, with a token exchange and another
//! envelope. Its server is a peer of this test, which checks signatures with another library.

use std::fs;
use std::sync::atomic::Ordering;

use serde_json::json;
use storegate::vendors::pack::{compile, failures};

use crate::app::program::{directory, stdout_of};
use crate::peers::lumen::{PACK, PACK_FILE, start_with, token};

#[test]
fn its_vectors_are_reproduced() {
    let pack = compile(PACK, "lumen.toml").unwrap();
    assert_eq!(failures(pack.pack()), Vec::<String>::new());
}

#[actix_web::test]
async fn its_resource_answers_after_one_token_exchange_and_is_cached() {
    let (lumen, _peer, app) = start_with(|_| {});
    let token = token(&app, "dashboard");
    let first = app.get_with_token(&token, "/receipts?page=2").await;
    assert_eq!(first.status, 200, "{}", first.text());
    let items = json!([{"number": "A1", "amount": 12.5}, {"number": "7", "amount": null}]);
    assert_eq!(first.json()["items"], items);
    assert_eq!(lumen.bodies.lock().unwrap()[..], [json!({"page": 2})], "an integer travels as a number");
    let again = app.get_with_token(&token, "/receipts?page=2").await;
    assert!(again.header("cache-status").unwrap().starts_with("storegate; hit"));
    let other = app.get_with_token(&token, "/receipts?page=3").await;
    assert_eq!((other.status, lumen.exchanges.load(Ordering::SeqCst)), (200, 1), "one token for all calls");
    assert!(app.get("/metrics").await.text().contains("gateway=\"lumen\""));
    let ready = app.get("/readyz").await.json();
    assert!(ready["gateways"].as_array().unwrap().iter().any(|gateway| gateway["gateway"] == "lumen"));
}

#[actix_web::test]
async fn a_token_that_is_lost_is_exchanged_again_and_its_codes_have_their_reactions() {
    let (lumen, _peer, app) = start_with(|_| {});
    let token = token(&app, "dashboard");
    assert_eq!(app.get_with_token(&token, "/receipts?page=1").await.status, 200);
    "another".clone_into(&mut lumen.token.lock().unwrap());
    assert_eq!(app.get_with_token(&token, "/receipts?page=2").await.status, 200);
    assert_eq!(lumen.exchanges.load(Ordering::SeqCst), 2);
    for (page, code, status, problem) in [
        (11, "E404", 404, "not-found"),
        (12, "E422", 422, "gateway-rejected-request"),
        (13, "E500", 502, "gateway-error"),
        (14, "E777", 503, "gateway-unavailable"),
    ] {
        *lumen.fails_with.lock().unwrap() = Some(code);
        let answer = app.get_with_token(&token, &format!("/receipts?page={page}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{code}");
    }
}

/// Runs `sign` for a tenant with the built-in OMS and this vendor, or with this vendor alone.
fn signed(name: &str, oms: &str, arguments: &[&str]) -> String {
    let path = directory(name).join("storegate.toml");
    let text = format!(
        "[auth.issuers.company]\nissuer = \"https://login.example.com\"\naudience = \"storegate\"\ntenant = \"acme\"\n[vendors.lumen]\nfile = {PACK_FILE:?}\n[tenants.acme.lumen]\nurl = \"http://127.0.0.1:9\"\napp_key = \"lumen-key\"\n\
         app_secret = \"lumen-secret\"\n{oms}"
    );
    fs::write(&path, text).unwrap();
    stdout_of(&[&["sign", "--config", path.to_str().unwrap()], arguments].concat(), &[], "")
}

#[test]
fn a_method_on_the_command_line_is_taken_for_the_vendor_whose_pack_lists_it() {
    let oms = "[tenants.acme.oms]\nurl = \"http://127.0.0.1:9/\"\nflag = \"demo\"\ntoken = \"oms-token\"\n";
    let is_lumens = |told: &str| told.contains("POST\n/api/receipts.");
    let its = signed("sign-listed", oms, &["receipts.list", "page=1"]);
    assert!(is_lumens(&its), "{its}");
    let omss = signed("sign-listed-oms", oms, &["shop.getList", "page_no=1"]);
    assert!(!is_lumens(&omss) && omss.contains("flagdemo"), "{omss}");
    let unlisted = signed("sign-unlisted", oms, &["shop.other", "page_no=1"]);
    assert!(
        !is_lumens(&unlisted) && unlisted.contains("flagdemo"),
        "of two that may have it, the built-in one: {unlisted}"
    );
    let only = signed("sign-only", "", &["receipts.other", "page=1"]);
    assert!(is_lumens(&only), "of two that may have it, the one with an account: {only}");
}

#[test]
fn what_is_wrong_in_a_pack_is_reported_with_its_line_all_at_once() {
    let broken = PACK
        .replace("digest = \"hmac-sha256\"", "digest = \"rsa-sha256\"")
        .replace("{credential.app_key}\"\nX-Timestamp", "{credential.app_secret}\"\nX-Timestamp")
        .replace("data = [{ at = \"/result\" }]", "data = [{ at = \"result\" }]")
        .replace("E404", "E408")
        .replace("[doctor]", "[docter]");
    let problems = compile(&broken, "lumen.toml").unwrap_err().0.join("\n");
    for wanted in [
        "lumen.toml: line 40: sign.stages.0.digest: RSA, ECDSA, SM2 and SM3 are not supported",
        "lumen.toml: line 26: call.headers.X-App-Key: {credential.app_secret} is a secret",
        "answer.data.0.at: \"result\" is no JSON pointer",
        "codes.not_found: the code E408 stands in this pack twice",
        "docter: there is no such setting",
    ] {
        assert!(problems.contains(wanted), "{wanted}\n{problems}");
    }
}
