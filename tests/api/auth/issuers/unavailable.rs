//! A provider that fails: nothing known is lost, nothing hostile is read, and a token that may be good is not refused.

use serde_json::json;

use super::{app, get, key, set, trust, with};
use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};
use crate::peers::raw_peer::{BROTLI_BOMB, RawPeer, Then};

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

/// What a token of this key is answered while the provider answers with these bytes.
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
async fn a_provider_whose_keys_were_never_read_is_503_and_not_401() {
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
async fn a_provider_that_does_not_answer_delays_a_token_for_seconds_only() {
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
async fn introspection_does_not_call_a_token_useless_whose_keys_were_never_read() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let (issuer, token) = (provider.issuer(), key.token(&provider.claims()));
    drop(provider);
    let app = TestApp::with(|setup| trust(setup, &issuer));
    let answer = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await;
    assert_eq!((answer.status, &answer.json()["error"]), (503, &json!("temporarily_unavailable")));
}
