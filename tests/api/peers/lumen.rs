//! The server of a vendor that no Rust knows, which checks signatures with another library; its pack, and the service with
//! an account there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use storegate::auth::issue::TokenGrant;

use crate::app::tenants::grant;
use crate::app::{Setup, TestApp};
use crate::peers::scripted_peer::ScriptedPeer;

/// The vendor's pack.
pub const PACK: &str = include_str!("../../packs/lumen.toml");

/// Where the pack is.
pub const PACK_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packs/lumen.toml");

/// A resource of the vendor's.
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

/// A token of this client that may read receipts, too.
pub fn token(app: &TestApp, client: &str) -> String {
    let granted = grant(client);
    let scopes = [granted.scopes.clone(), vec!["receipts:read".to_owned()]].concat();
    app.token_for("storegate", &TokenGrant { scopes, ..granted })
}

/// What the server has seen, and how it behaves.
#[derive(Default)]
pub struct Lumen {
    pub exchanges: AtomicUsize,
    calls: AtomicUsize,
    /// The token that counts; calls with another one are refused.
    pub token: Mutex<String>,
    pub bodies: Mutex<Vec<Value>>,
    /// The first line of each request.
    pub lines: Mutex<Vec<String>>,
    pub fails_with: Mutex<Option<&'static str>>,
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
