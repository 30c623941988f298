//! Tokens of a company's own identity provider: found, believed, mapped, and what happens when the provider fails.

use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{join, join_all, join3};
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::config::Settings;

use crate::app::answer::Answer;
use crate::app::program::directory;
use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::app::{NOW, Setup, TestApp};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};
use crate::peers::raw_peer::{BROTLI_BOMB, RawPeer, Then};

fn trust(setup: &mut Setup, issuer: &str) {
    set(setup, "ISSUER", issuer);
    set(setup, "AUDIENCE", "storegate");
    set(setup, "TENANT", "acme");
}

fn set(setup: &mut Setup, name: &str, value: &str) {
    setup.set(&format!("AUTH__ISSUERS__LOGIN__{name}"), value);
}

fn app(provider: &IdentityProvider) -> TestApp {
    TestApp::with(|setup| trust(setup, &provider.issuer()))
}

fn key(kid: &str) -> ProviderKey {
    ProviderKey::new(kid, KeyAlgorithm::Es256)
}

async fn get(app: &TestApp, token: &str) -> Answer {
    app.send("GET", FLOW, &[("authorization", &format!("Bearer {token}"))], "").await
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// Waits until the answer is as wanted: a task of the service brings it about that nobody outside can see.
async fn until(app: &TestApp, token: &str, status: u16) {
    eventually("the status", async || get(app, token).await.status == status).await;
}

#[actix_web::test]
async fn a_token_of_a_trusted_issuer_opens_what_its_scopes_say() {
    for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa] {
        let key = ProviderKey::new("one", algorithm);
        let provider = IdentityProvider::start(&[&key]);
        let app = app(&provider);
        let token = key.token(&provider.claims());
        assert_eq!(get(&app, &token).await.status, 200, "{algorithm}");
        let other = app.send("GET", "/stores", &[("authorization", &format!("Bearer {token}"))], "").await;
        assert_eq!((other.status, other.problem().as_str()), (403, "insufficient-scope"));
        assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1), "both requests with one fetch");
        assert_eq!(app.get(FLOW).await.status, 200, "our own tokens go on");
    }
}

#[actix_web::test]
async fn a_provider_without_openid_is_found_by_rfc_8414() {
    let key = key("one");
    let provider = IdentityProvider::without_openid(&[&key]);
    let app = app(&provider);
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 200);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (2, 1));
}

#[actix_web::test]
async fn a_named_address_of_keys_needs_no_metadata() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = TestApp::with(|setup| {
        trust(setup, "https://login.example.com");
        set(setup, "JWKS_URI", &format!("{}/keys", provider.issuer()));
    });
    let claims = with(provider.claims(), "iss", json!("https://login.example.com"));
    assert_eq!(get(&app, &key.token(&claims)).await.status, 200);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (0, 1));
}

#[actix_web::test]
async fn a_rotated_key_is_learned_by_one_fetch_for_all_who_ask() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish(&[&old, &new]);
    app.pass(30);
    let token = new.token(&provider.claims());
    let answers = join_all((0..40).map(|_| get(&app, &token))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(provider.key_reads(), 2);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute() {
    let known = key("known");
    let provider = IdentityProvider::start(&[&known]);
    let app = app(&provider);
    assert_eq!(get(&app, &known.token(&provider.claims())).await.status, 200);
    let unknown: Vec<String> = (0..60).map(|number| key(&format!("k{number}")).token(&provider.claims())).collect();
    for round in 0..3 {
        for token in &unknown {
            assert_eq!(get(&app, token).await.status, 401);
        }
        assert_eq!(provider.key_reads(), 1 + round);
        app.pass(30);
    }
}

#[actix_web::test]
async fn a_key_that_the_provider_withdraws_ends_its_tokens_remembered_or_not() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    let token = old.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    provider.publish(&[&new]);
    assert_eq!(get(&app, &token).await.status, 200, "it is not known yet");
    app.pass(600);
    until(&app, &token, 401).await;
    assert_eq!(provider.key_reads(), 2, "the old keys were ten minutes old");
}

#[actix_web::test]
async fn a_provider_that_is_down_takes_nothing_away() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let (token, later) = (key.token(&provider.claims()), key.token(&with(provider.claims(), "jti", json!("2"))));
    assert_eq!(get(&app, &token).await.status, 200);
    let unknown = self::key("other").token(&provider.claims());
    drop(provider);
    app.pass(1200);
    assert_eq!(get(&app, &unknown).await.status, 401);
    assert_eq!(get(&app, &token).await.status, 200);
    assert_eq!(get(&app, &later).await.status, 200, "even for a token that was not seen before");
}

/// What a token is answered while the provider answers with these bytes. It could be good, so it is 503.
async fn answered_by(head: &[u8], bytes: &[u8], then: Then) -> (usize, Answer) {
    answered_with(&key("one"), head, bytes, then).await
}

/// The same for a token that is signed with this key.
async fn answered_with(key: &ProviderKey, head: &[u8], bytes: &[u8], then: Then) -> (usize, Answer) {
    let peer = RawPeer::start(head, bytes, then);
    let app = TestApp::with(|setup| {
        trust(setup, "https://login.example.com");
        set(setup, "JWKS_URI", &format!("http://{}/keys", peer.address()));
    });
    let provider = IdentityProvider::start(&[key]);
    let token = key.token(&with(provider.claims(), "iss", json!("https://login.example.com")));
    let answer = get(&app, &token).await;
    assert_eq!(app.get(FLOW).await.status, 200, "our own tokens go on");
    (peer.requests(), answer)
}

fn assert_unavailable((requests, answer): (usize, Answer), what: &str) {
    assert_eq!((requests, answer.status, answer.problem().as_str()), (1, 503, "issuer-unavailable"), "{what}");
    assert_eq!(answer.header("retry-after"), Some("30"));
}

#[actix_web::test]
async fn keys_are_read_however_their_document_is_delimited() {
    let key = key("one");
    let keys = json!({ "keys": [key.jwk] }).to_string();
    let counted = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
    for (answer, what) in [
        (format!("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n{counted}"), "interim responses"),
        (format!("{counted}{counted}"), "twice"),
        (format!("HTTP/1.1 200 OK\r\n\r\n{keys}"), "until the connection ends"),
        (format!("HTTP/1.0 200 OK\r\n\r\n\u{feff}{keys}"), "a byte order mark"),
        (
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{keys}\r\n0\r\n\r\n", keys.len()),
            "chunks",
        ),
    ] {
        let (_, answer) = answered_with(&key, answer.as_bytes(), b"", Then::Close).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
}

#[actix_web::test]
async fn a_provider_that_never_gave_keys_is_503_so_that_nobody_throws_a_token_away() {
    let answers = [
        (&b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"[..], "an error"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "no key set"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[", "cut short"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no body"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{\"keys\":[]}\r\n", "no last chunk"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", "hints and nothing else"),
        (b"not HTTP at all", "garbage"),
        (b"", "nothing"),
    ];
    for (bytes, what) in answers {
        assert_unavailable(answered_by(bytes, b"", Then::Close).await, what);
    }
}

#[actix_web::test]
async fn a_provider_that_does_not_answer_holds_a_token_up_for_seconds_only() {
    assert_unavailable(answered_by(b"", b"", Then::Silence).await, "silence");
    assert_unavailable(
        answered_by(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", b"", Then::Silence).await,
        "half",
    );
}

#[actix_web::test]
async fn a_key_set_without_end_is_not_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n{\"keys\":[";
    assert_unavailable(answered_by(head, &[b' '; 4096], Then::ForEver).await, "endless");
}

#[actix_web::test]
async fn a_compressed_key_set_is_not_inflated() {
    // The gzip is one of `{"keys":[]}`: read, it would be a set without keys, and the token one of an unknown key.
    let gzip =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x4e\xad\x2c\x56\xb2\x8a\x8e\xad\x05\0\xef\x67\x88\x2a\x0b\0\0\0";
    for (encoding, bytes) in [("br", BROTLI_BOMB), ("gzip", gzip), ("deflate", b"{\"keys\":[]}")] {
        let length = bytes.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n");
        assert_unavailable(answered_by(head.as_bytes(), bytes, Then::Close).await, encoding);
    }
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let key = key("one");
    let elsewhere = IdentityProvider::start(&[&key]);
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {}/keys\r\ncontent-length: 0\r\n\r\n", elsewhere.issuer());
    assert_unavailable(answered_by(head.as_bytes(), b"", Then::Close).await, "redirect");
    assert_eq!(elsewhere.key_reads(), 0);
}

#[actix_web::test]
async fn metadata_of_another_issuer_are_not_believed() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    provider.claim_to_be("https://login.example.com");
    let app = app(&provider);
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 503);
    assert_eq!(provider.key_reads(), 0);
}

#[actix_web::test]
async fn a_key_set_with_a_private_key_is_not_believed_and_the_known_keys_go_on() {
    let (old, leaked) = (key("old"), key("leaked"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish_document(json!({ "keys": [old.jwk, with(leaked.jwk.clone(), "d", json!("AAAA"))] }));
    app.pass(30);
    assert_eq!(get(&app, &leaked.token(&provider.claims())).await.status, 401);
    assert_eq!(provider.key_reads(), 2);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
}

#[actix_web::test]
async fn an_issuer_reaches_the_tenants_of_its_settings_and_no_other() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = TestApp::with(|setup| {
        set(setup, "ISSUER", &provider.issuer());
        set(setup, "AUDIENCE", "storegate");
        set(setup, "TENANT_CLAIM", "organization.id");
        set(setup, "TENANTS__ORG1", "acme");
    });
    let of = |id: &str| key.token(&with(provider.claims(), "organization", json!({ "id": id })));
    assert_eq!(get(&app, &of("org1")).await.status, 200);
    for foreign in ["zenith", "acme", "org2", "ORG1", ""] {
        assert_eq!(get(&app, &of(foreign)).await.status, 401, "{foreign}");
    }
    let own_words = key.token(&with(provider.claims(), "tenant", json!("zenith")));
    assert_eq!(get(&app, &own_words).await.status, 401);
}

#[actix_web::test]
async fn stores_in_a_token_limit_it_to_them() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |stores: Value| key.token(&with(provider.claims(), "stores", stores));
    assert_eq!(get(&app, &of(json!(["S_123456"]))).await.status, 200);
    let other = get(&app, &of(json!(["S_100001"]))).await;
    assert_eq!((other.status, other.problem().as_str()), (403, "store-not-granted"));
    assert_eq!(get(&app, &of(Value::Null)).await.status, 401, "a limit that cannot be read is not no limit");
}

/// Puts a new configuration in force as a reload does: on a thread that has no runtime.
fn renew(app: &TestApp, issuers: &str) {
    let configuration = format!("{}\n{issuers}", app.configuration);
    let auth = app.auth.clone();
    let renewing = thread::spawn(move || {
        let settings = Settings::parse(&configuration, std::iter::empty()).unwrap();
        auth.renew(settings.auth).unwrap();
    });
    renewing.join().unwrap();
}

fn section(provider: &IdentityProvider, tenant: &str) -> String {
    let issuer = provider.issuer();
    format!("[auth.issuers.login]\nissuer = \"{issuer}\"\naudience = \"storegate\"\ntenant = \"{tenant}\"\n")
}

#[actix_web::test]
async fn a_reload_that_removes_an_issuer_refuses_its_tokens_and_one_that_brings_it_back_reads_its_keys() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let token = key.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    renew(&app, "");
    let refused = get(&app, &token).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("The token is from another issuer"));
    assert_eq!(provider.key_reads(), 1, "nobody asks an issuer that is not trusted");
    renew(&app, &section(&provider, "acme"));
    assert_eq!(get(&app, &token).await.status, 200);
    assert_eq!(provider.key_reads(), 2, "the first token waited for the keys");
}

#[actix_web::test]
async fn a_reload_while_the_provider_is_down_keeps_its_keys_and_changes_what_its_tokens_mean() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let token = key.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    let settings = section(&provider, "zenith");
    drop(provider);
    renew(&app, &settings);
    let verified = app.auth.get().verifier().verify(&token).unwrap();
    assert_eq!(&**verified.tenant(), "zenith", "what was remembered is forgotten");
}

#[actix_web::test]
async fn a_reload_asks_no_provider_and_checks_no_signature_again_when_its_settings_stay() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let (token, ours) = (key.token(&provider.claims()), app.token("dashboard"));
    assert_eq!((get(&app, &token).await.status, get(&app, &ours).await.status), (200, 200));
    let list = directory("issuer-unchanged").join("revoked");
    let settings = format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", section(&provider, "acme"));
    for turn in 0..5 {
        std::fs::write(&list, format!("revoked-{turn}\n")).unwrap();
        renew(&app, &settings);
        assert_eq!((get(&app, &token).await.status, get(&app, &ours).await.status), (200, 200));
        assert_eq!(app.auth.get().verifier().signatures_checked(), 0, "both were checked before");
        app.pass(5);
    }
    let unknown = self::key("unknown").token(&provider.claims());
    assert_eq!(get(&app, &unknown).await.status, 401);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1));
    app.pass(5);
    assert_eq!(get(&app, &unknown).await.status, 401);
    assert_eq!(provider.key_reads(), 2, "half a minute after the first fetch");
}

#[actix_web::test]
async fn a_token_that_waits_for_its_key_gets_it_across_a_reload() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish(&[&old, &new]);
    provider.be_slow(true);
    app.pass(30);
    let token = new.token(&provider.claims());
    let form = format!("token={token}");
    let reloading = async {
        eventually("the keys are read again", async || provider.key_reads() >= 2).await;
        renew(&app, &section(&provider, "acme"));
        let later = get(&app, &token);
        let released = async { provider.be_slow(false) };
        join(later, released).await.0
    };
    let waiting = join3(get(&app, &token), app.post_form("dashboard", "/oauth/introspect", &form), reloading);
    let (asked, told, later) = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes about");
    assert_eq!((asked.status, told.json()["active"].as_bool(), later.status), (200, Some(true), 200));
    assert_eq!(provider.key_reads(), 2, "they share one fetch");
}

#[actix_web::test]
async fn a_token_on_the_list_of_revoked_ones_is_refused_each_time() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |jti: &str| key.token(&with(provider.claims(), "jti", json!(jti)));
    let (token, marked, other) = (of("stolen"), of("a#b"), of("a"));
    for token in [&token, &marked, &other] {
        assert_eq!(get(&app, token).await.status, 200);
    }
    let list = directory("issuer-revoked").join("revoked");
    std::fs::write(&list, "# lost\nstolen # by whom?\na#b\n").unwrap();
    let text = format!("{}\n{}", app.configuration, section(&provider, "acme"));
    let listed = ("STOREGATE__AUTH__REVOKED_TOKENS_FILE".to_owned(), list.display().to_string());
    app.auth.renew(Settings::parse(&text, std::iter::once(listed)).unwrap().auth).unwrap();
    for token in [&token, &marked, &token] {
        let refused = get(&app, token).await;
        assert!(refused.header("www-authenticate").unwrap().contains("The token has been revoked"));
    }
    assert_eq!(get(&app, &other).await.status, 200);
}

/// The order of P-256.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// The same token with the other signature that fits: (r, n - s) for (r, s). No key is needed to make it.
fn twin(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let order: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&ORDER[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut borrow = false;
    for (digit, of_order) in signature[32..].iter_mut().zip(&order).rev() {
        let (less, first) = of_order.overflowing_sub(*digit);
        let (less, second) = less.overflowing_sub(u8::from(borrow));
        (*digit, borrow) = (less, first || second);
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[actix_web::test]
async fn a_revoked_token_without_an_id_does_not_come_back_by_its_other_signature() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |subject: &str| {
        let mut claims = with(provider.claims(), "sub", json!(subject));
        claims.as_object_mut().unwrap().remove("jti");
        key.token(&claims)
    };
    let (stolen, kept) = (of("ada"), of("eve"));
    let twin = twin(&stolen);
    assert_ne!(twin, stolen);
    for token in [&stolen, &twin, &kept] {
        assert_eq!(get(&app, token).await.status, 200);
    }
    let told = app.post_form("dashboard", "/oauth/introspect", &format!("token={stolen}")).await.json();
    let list = directory("issuer-made-id").join("revoked");
    std::fs::write(&list, told["jti"].as_str().unwrap()).unwrap();
    renew(&app, &format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", section(&provider, "acme")));
    assert_eq!((get(&app, &stolen).await.status, get(&app, &twin).await.status), (401, 401));
    assert_eq!(get(&app, &kept).await.status, 200);
}

#[actix_web::test]
async fn introspection_tells_what_a_token_of_a_trusted_issuer_says_in_our_words() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let form = format!("token={}", key.token(&provider.claims()));
    let answer = app.post_form("dashboard", "/oauth/introspect", &form).await;
    let said = answer.json();
    assert_eq!((answer.status, &said["active"], &said["tenant"]), (200, &json!(true), &json!("acme")));
    assert_eq!(said["iss"], json!(provider.issuer()));
}

#[actix_web::test]
async fn introspection_does_not_call_a_token_useless_whose_keys_were_never_read() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let (issuer, token) = (provider.issuer(), key.token(&provider.claims()));
    drop(provider);
    let app = TestApp::with(|setup| trust(setup, &issuer));
    let answer = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await;
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("temporarily_unavailable")));
}

#[actix_web::test]
async fn every_registered_asymmetric_algorithm_is_taken_by_default() {
    let rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256);
    for algorithm in KeyAlgorithm::ASYMMETRIC {
        let is_rsa = algorithm.name().starts_with(['R', 'P']);
        let key = if is_rsa { rsa.signing_by(algorithm) } else { ProviderKey::new("other", algorithm) };
        let provider = IdentityProvider::start(&[&key]);
        let app = app(&provider);
        assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 200, "{algorithm}");
        if is_rsa {
            for other in KeyAlgorithm::ASYMMETRIC.into_iter().take(6).filter(|other| *other != algorithm) {
                let forged = key.signing_by(other).token(&provider.claims());
                assert_eq!(get(&app, &forged).await.status, 401, "{algorithm}, signed by {other}");
            }
        }
    }
}

#[actix_web::test]
async fn a_key_that_does_not_say_its_algorithm_is_for_what_the_settings_list() {
    let rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256).without("alg");
    let provider = IdentityProvider::start(&[&rsa]);
    let by = |algorithm: KeyAlgorithm| rsa.signing_by(algorithm).token(&provider.claims());
    let usual = app(&provider);
    assert_eq!(get(&usual, &by(KeyAlgorithm::Rs256)).await.status, 200);
    assert_eq!(get(&usual, &by(KeyAlgorithm::Ps256)).await.status, 401);
    let listed = TestApp::with(|setup| {
        trust(setup, &provider.issuer());
        set(setup, "ALGORITHMS", "PS256,RS512");
    });
    for (algorithm, status) in
        [(KeyAlgorithm::Ps256, 200), (KeyAlgorithm::Rs512, 200), (KeyAlgorithm::Rs256, 401), (KeyAlgorithm::Ps512, 401)]
    {
        assert_eq!(get(&listed, &by(algorithm)).await.status, status, "{algorithm}");
    }
}

#[actix_web::test]
async fn times_may_have_fractions_and_exponents() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let now = NOW.as_second();
    let claims = provider.claims().to_string();
    let end = (now + 3600).to_string();
    for (exp, status) in [
        (format!("{end}.5"), 200),
        (format!("{}.{}E9", &end[..1], &end[1..]), 200),
        (format!("{}.0", now - 31), 401),
        (format!("\"{end}\""), 401),
        ("1e30".to_owned(), 401),
    ] {
        let payload = claims.replace(&format!("\"exp\":{end}"), &format!("\"exp\":{exp}"));
        assert!(payload.contains(&exp));
        let answer = get(&app, &key.sign(&key.header().to_string(), &payload)).await;
        assert_eq!(answer.status, status, "{exp}: {}", answer.text());
    }
    for (name, value) in [("iat", json!(1.5)), ("nbf", json!(f64::from(i32::try_from(now).unwrap()) + 0.5))] {
        let token = key.token(&with(provider.claims(), name, value));
        assert_eq!(get(&app, &token).await.status, 200, "{name}");
    }
}

#[actix_web::test]
async fn a_clock_that_is_behind_the_issuers_refuses_no_token() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let now = NOW.as_second();
    for ahead in [40, 86_400] {
        let theirs = key.token(&with(provider.claims(), "iat", json!(now + ahead)));
        assert_eq!(get(&app, &theirs).await.status, 200, "{ahead}");
    }
    let ours = app.token("dashboard");
    let behind = TestApp::with(|setup| setup.proxy_time = NOW);
    behind.proxy_time.set_wall(jiff::Timestamp::from_second(now - 40).unwrap());
    assert_eq!(get(&behind, &behind.token("dashboard")).await.status, 200);
    app.proxy_time.set_wall(jiff::Timestamp::from_second(now - 40).unwrap());
    assert_eq!(get(&app, &ours).await.status, 200, "of a replica whose clock is 40 s ahead");
    let early = key.token(&with(provider.claims(), "nbf", json!(now)));
    assert_eq!(get(&app, &early).await.status, 401, "but for one that says when it begins");
}

#[actix_web::test]
async fn a_token_without_a_role_is_403_and_introspection_calls_it_active() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let without = {
        let mut claims = provider.claims();
        claims.as_object_mut().unwrap().remove("scope");
        claims
    };
    for claims in [without, with(provider.claims(), "scope", json!("openid profile"))] {
        let token = key.token(&claims);
        for path in [FLOW, "/stores", "/stores/S_123456", "/inspections?from=2026-11-20&to=2026-11-21"] {
            let answer = app.get_with_token(&token, path).await;
            assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{path}");
            assert!(answer.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
        }
        let said = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
        assert_eq!((&said["active"], &said["scope"]), (&json!(true), &json!("")));
    }
}

#[actix_web::test]
async fn a_file_with_a_key_that_cannot_be_used_starts_and_says_which() {
    let good = key("good");
    let path = directory("issuer-mixed-file").join("keys.json");
    let weak = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak" });
    let other = json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "other" });
    let encryption = with(key("enc").jwk, "use", json!("enc"));
    std::fs::write(&path, json!({ "keys": [weak, other, encryption, good.jwk] }).to_string()).unwrap();
    let app = TestApp::with(|setup| {
        trust(setup, "https://login.example.com");
        set(setup, "JWKS_FILE", path.to_str().unwrap());
    });
    let provider = IdentityProvider::start(&[]);
    let claims = with(provider.claims(), "iss", json!("https://login.example.com"));
    assert_eq!(get(&app, &good.token(&claims)).await.status, 200);
}

#[actix_web::test]
async fn a_token_without_a_kid_is_matched_by_its_certificate_or_tried_with_every_key() {
    let (one, two) = (key("one"), key("two"));
    let marked = |mut key: ProviderKey, thumbprint: &str| {
        key.jwk["x5t"] = json!(thumbprint);
        key
    };
    let (one, two) = (marked(one, "first"), marked(two, "second"));
    let provider = IdentityProvider::start(&[&one, &two]);
    let app = app(&provider);
    let of = |key: &ProviderKey, x5t: Option<&str>| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove("kid");
        if let Some(x5t) = x5t {
            header["x5t"] = json!(x5t);
        }
        key.token_with(&header, &provider.claims())
    };
    for (token, status) in [
        (of(&one, Some("first")), 200),
        (of(&two, Some("second")), 200),
        (of(&one, Some("second")), 401),
        (of(&one, Some("unknown")), 200),
        (of(&two, None), 200),
        (of(&key("attacker"), Some("first")), 401),
        (of(&key("attacker"), None), 401),
    ] {
        assert_eq!(get(&app, &token).await.status, status);
    }
}

#[actix_web::test]
async fn a_rotated_key_without_an_id_is_learned_by_one_fetch() {
    let (old, new) = (key("x").without("kid"), key("y").without("kid"));
    let nameless = |key: &ProviderKey, claims: &Value| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove("kid");
        key.token_with(&header, claims)
    };
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    let token = nameless(&old, &provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    provider.publish(&[&new]);
    app.pass(30);
    assert_eq!(get(&app, &nameless(&new, &provider.claims())).await.status, 200);
    assert_eq!(get(&app, &token).await.status, 401, "the old one is gone");
    assert_eq!(provider.key_reads(), 2);
}

#[actix_web::test]
async fn keys_that_share_an_id_are_told_apart_by_their_signatures() {
    let (one, two, other) = (key("same"), key("same"), ProviderKey::new("same", KeyAlgorithm::EdDsa));
    let provider = IdentityProvider::start(&[&one, &two, &other]);
    let app = app(&provider);
    for key in [&one, &two, &other] {
        let token = key.token(&provider.claims());
        assert_eq!(get(&app, &token).await.status, 200);
        assert_eq!(get(&app, &token).await.status, 200, "remembered");
    }
    assert_eq!(get(&app, &key("same").token(&provider.claims())).await.status, 401);
    let first = one.token(&provider.claims());
    provider.publish(&[&two, &other]);
    app.pass(600);
    until(&app, &first, 401).await;
    assert_eq!(get(&app, &two.token(&provider.claims())).await.status, 200, "only one of them was withdrawn");
}

/// Two sections of the provider: users with `scp`, who read acme's data, and daemons with `roles`, who read zenith's.
fn users_and_daemons(provider: &IdentityProvider) -> TestApp {
    let issuer = provider.issuer();
    TestApp::with(|setup| {
        setup.more = format!(
            r#"
[auth.issuers.daemons]
issuer = "{issuer}"
audience = "daemons"
scope_claim = "roles"
tenant = "zenith"
algorithms = ["ES256"]
[auth.issuers.users]
issuer = "{issuer}"
audience = "users"
scope_claim = "scp"
stores_claim = "shops"
tenant = "acme"
algorithms = ["ES256"]
"#
        );
    })
}

#[actix_web::test]
async fn two_sections_of_an_issuer_decide_alone_and_share_one_fetch() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = users_and_daemons(&provider);
    let token = |audience: Value, more: Value| {
        let mut claims = with(provider.claims(), "aud", audience);
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.token(&claims)
    };
    let user = token(json!("users"), json!({ "scp": "flow:read", "shops": ["S_123456"] }));
    assert_eq!(get(&app, &user).await.status, 200);
    assert_eq!(app.get_with_token(&user, "/stores/S_100001/flow").await.status, 403);
    let daemon = token(json!("daemons"), json!({ "roles": ["flow:read"] }));
    assert_eq!(get(&app, &daemon).await.status, 404, "it is let in, and zenith has no such store");
    let tenant = |token: &str| app.auth.get().verifier().verify(token).map(|token| token.tenant().to_string());
    assert_eq!((tenant(&user).unwrap().as_str(), tenant(&daemon).unwrap().as_str()), ("acme", "zenith"));
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1));

    for (what, token, status) in [
        ("the roles of the other section", token(json!("users"), json!({ "roles": ["flow:read"], "shops": [] })), 403),
        ("the scopes of the other section", token(json!("daemons"), json!({ "scp": "flow:read" })), 403),
        ("a user without the limit that users need", token(json!("users"), json!({ "scp": "flow:read" })), 401),
        ("no audience of either", token(json!("others"), json!({ "scp": "flow:read", "roles": ["flow:read"] })), 401),
        ("neither scopes nor roles", token(json!(["users", "daemons"]), json!({ "shops": ["S_123456"] })), 403),
    ] {
        assert_eq!(get(&app, &token).await.status, status, "{what}");
    }
    let both = token(json!(["users", "daemons"]), json!({ "scp": "flow:read", "shops": ["S_123456"] }));
    assert_eq!(tenant(&both).unwrap(), "acme", "the section that grants a scope comes before one that does not");
    let both = token(json!(["users", "daemons"]), json!({ "scp": "flow:read", "roles": ["flow:read"] }));
    assert_eq!(tenant(&both).unwrap(), "zenith", "the limit of users was not asked of a daemon");
}

#[actix_web::test]
async fn a_signature_is_checked_once_for_any_number_of_sections() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = users_and_daemons(&provider);
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 401);
    assert_eq!(app.auth.get().verifier().signatures_checked(), 1);
}

#[actix_web::test]
async fn a_large_token_arrives_where_the_settings_allow_it() {
    let (large, small) = (key("large"), key("small"));
    let (big, usual) = (IdentityProvider::start(&[&large]), IdentityProvider::start(&[&small]));
    let app = TestApp::with(|setup| {
        trust(setup, &usual.issuer());
        setup.set("AUTH__ISSUERS__BIG__ISSUER", big.issuer());
        setup.set("AUTH__ISSUERS__BIG__AUDIENCE", "storegate");
        setup.set("AUTH__ISSUERS__BIG__TENANT", "acme");
        setup.set("AUTH__ISSUERS__BIG__TOKEN_SIZE", "64KiB");
    });
    let padded = |claims: Value, bytes: usize| with(claims, "groups", json!(vec!["0123456789012345"; bytes / 19]));
    let token = large.token(&padded(big.claims(), 45_000));
    assert!(token.len() > 55_000 && token.len() <= 64 << 10, "{}", token.len());
    assert_eq!(get(&app, &token).await.status, 200);
    assert_eq!(get(&app, &token).await.status, 200, "a second time");
    let said = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
    assert_eq!(said["active"], json!(true));

    let refused = get(&app, &small.token(&padded(usual.claims(), 8000))).await;
    assert_eq!(refused.status, 401, "no other issuer is allowed more");
    assert!(refused.text().contains("larger than is accepted from its issuer"), "{}", refused.text());
    let own = get(&app, &format!("{}.{}", app.token("dashboard"), "x".repeat(9000))).await;
    assert_eq!(own.status, 401);
    let refused = get(&app, &large.token(&padded(big.claims(), 50_000))).await;
    assert_eq!(refused.status, 401, "larger than 64 KiB");
    let endless = get(&app, &"x".repeat(90 << 10)).await;
    assert_eq!(endless.status, 431);
    let without = TestApp::with(|setup| trust(setup, &usual.issuer()));
    assert_eq!(get(&without, &token).await.status, 431, "a head is not read where no token may be as large");
}

#[actix_web::test]
async fn a_reload_cannot_make_room_for_larger_tokens_and_says_so() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let more = format!("{}\n{}token_size = \"32KiB\"\n", app.configuration, section(&provider, "acme"));
    let settings = Settings::parse(&more, std::iter::empty()).unwrap().auth;
    assert_eq!(app.auth.get().fixed_differences(&settings), ["auth.issuers.*.token_size"]);
    let usual = format!("{}\n{}", app.configuration, section(&provider, "acme"));
    let settings = Settings::parse(&usual, std::iter::empty()).unwrap().auth;
    assert!(app.auth.get().fixed_differences(&settings).is_empty());
}
