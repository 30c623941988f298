//! A vendor that no Rust knows, by its pack alone: signed with HMAC-SHA256 over a JSON body, with a token exchange and another
//! envelope. Its server is a peer of this test, which checks signatures with another library.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use storegate::auth::issue::TokenGrant;
use storegate::vendors::pack::{compile, failures};

use crate::app::program::{directory, stdout_of};
use crate::app::tenants::grant;
use crate::app::{Setup, TestApp};
use crate::peers::scripted_peer::ScriptedPeer;

pub const PACK: &str = include_str!("../../packs/lumen.toml");
pub const PACK_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packs/lumen.toml");

pub const RESOURCE: &str = r#"
[resources.receipts]
path = "/receipts"
summary = "List receipts"
gateway = "lumen"
method = "receipts.list"
scope = "receipts:read"
allows = "read receipts"
select = "/items"
answer = "list"

[resources.receipts.parameters.page]
type = "integer"
minimum = 1

[resources.receipts.fields.number]
from = "/no"
type = "text"

[resources.receipts.fields.amount]
from = "/amount"
type = "number"
"#;

/// A resource of one store.
pub const STORE_RESOURCE: &str = r#"
[resources.store_receipts]
path = "/stores/{store_id}/receipts"
summary = "List receipts of a store"
gateway = "lumen"
method = "receipts.list"
scope = "receipts:read"
answer = "as_given"

[resources.store_receipts.parameters.store_id]
type = "lumen_store"
wire = "storeCode"
example = "L-NORTH"
"#;

/// What the server has seen, and how it behaves.
#[derive(Default)]
pub struct Lumen {
    exchanges: AtomicUsize,
    calls: AtomicUsize,
    /// The token that counts; calls with another one are refused.
    token: Mutex<String>,
    pub bodies: Mutex<Vec<Value>>,
    /// The first line of each request.
    pub lines: Mutex<Vec<String>>,
    fails_with: Mutex<Option<&'static str>>,
}

impl Lumen {
    /// The answer to one request.
    fn answer(&self, request: &str) -> Value {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let line = head.lines().next().unwrap();
        let path = line.split(' ').nth(1).unwrap();
        let header = |name: &str| {
            let of = |line: &str| {
                line.split_once(": ")
                    .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.to_owned())
            };
            head.lines().find_map(of)
        };
        let [key, time, nonce, signature] =
            ["x-app-key", "x-timestamp", "x-nonce", "x-signature"].map(|name| header(name).unwrap_or_default());
        let signed = format!("POST\n{path}\n{time}\n{nonce}\n{body}");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, b"lumen-secret");
        let tag = STANDARD.decode(signature).unwrap_or_default();
        if key != "lumen-key" {
            return refused("E001", "unknown application");
        }
        if hmac::verify(&secret, signed.as_bytes(), &tag).is_err() {
            return refused("E002", "bad signature");
        }
        let body: Value = serde_json::from_str(body).unwrap();
        if path.ends_with("/api/auth.exchange") {
            assert_eq!(body, json!({"appKey": "lumen-key"}));
            let number = self.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!("token-{number}");
            self.token.lock().unwrap().clone_from(&token);
            return json!({"ok": true, "trace": "t1", "result": {"accessToken": token, "expiresIn": 600}});
        }
        if header("authorization") != Some(format!("Bearer {}", self.token.lock().unwrap())) {
            return refused("E401", "token expired");
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.bodies.lock().unwrap().push(body);
        match *self.fails_with.lock().unwrap() {
            Some(code) => refused(code, "no"),
            None => {
                json!({"ok": true, "trace": "t2", "result": {"items": [{"no": "A1", "amount": "12.5"}, {"no": 7}]}})
            }
        }
    }
}

fn refused(code: &str, text: &str) -> Value {
    json!({"ok": false, "trace": "t3", "error": {"kind": code, "text": text}})
}

fn start() -> (Arc<Lumen>, ScriptedPeer, TestApp) {
    start_with(|_| {})
}

/// The vendor's server.
pub fn serve() -> (Arc<Lumen>, ScriptedPeer) {
    let lumen = Arc::<Lumen>::default();
    let its = lumen.clone();
    let peer = ScriptedPeer::start(move |served| {
        while let Some(request) = served.request() {
            let body = its.answer(&request).to_string();
            its.lines.lock().unwrap().extend(request.lines().next().map(str::to_owned));
            served.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        }
    });
    (lumen, peer)
}

/// The service with an account at the vendor, as `choose` wants it.
pub fn start_with(choose: impl FnOnce(&mut Setup)) -> (Arc<Lumen>, ScriptedPeer, TestApp) {
    let (lumen, peer) = serve();
    let account = format!(
        "[vendors.lumen]\nfile = {PACK_FILE:?}\n[tenants.acme.lumen]\nurl = \"http://{}\"\napp_key = \"lumen-key\"\n\
         app_secret = \"lumen-secret\"\n{RESOURCE}",
        peer.address()
    );
    let app = TestApp::with(|setup| {
        setup.more = account;
        choose(setup);
    });
    (lumen, peer, app)
}

fn token(app: &TestApp) -> String {
    let granted = grant("dashboard");
    let scopes = [granted.scopes.clone(), vec!["receipts:read".to_owned()]].concat();
    app.token_for("storegate", &TokenGrant { scopes, ..granted })
}

#[test]
fn its_vectors_are_reproduced() {
    let pack = compile(PACK, "lumen.toml").unwrap();
    assert_eq!(failures(pack.pack()), Vec::<String>::new());
}

#[actix_web::test]
async fn its_resource_answers_after_one_token_exchange_and_is_cached() {
    let (lumen, _peer, app) = start();
    let token = token(&app);
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
    let (lumen, _peer, app) = start();
    let token = token(&app);
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
