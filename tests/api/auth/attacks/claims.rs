//! Headers and claims: for others and of others, of another kind, out of their time, with keys and addresses in them.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;
use storegate::auth::key_algorithm::KeyAlgorithm;

use super::{Target, claims, header, signed, with, without};
use crate::app::NOW;
use crate::peers::identity_provider::ProviderKey;
use crate::peers::raw_peer::{RawPeer, Then};

#[actix_web::test]
async fn a_token_for_or_of_somebody_else_is_refused() {
    let target = Target::start();
    for (name, value) in [
        ("aud", json!("billing")),
        ("aud", json!(["billing", "Storegate"])),
        ("aud", json!([])),
        ("aud", json!("storegate ")),
        ("iss", json!("https://storegate.example.com/")),
        ("iss", json!("https://attacker.example")),
        ("iss", json!("")),
    ] {
        target.assert_refused(&target.sign_claims(&with(claims(), name, value.clone())), &value.to_string()).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_token_of_another_kind_is_refused() {
    let target = Target::start();
    for typ in ["JWT", "id_token+jwt", "logout+jwt", "rt+jwt", "dpop+jwt", "secevent+jwt", "at+jwt;x", ""] {
        target.assert_refused(&target.sign_header(&with(header(), "typ", json!(typ))), typ).await;
    }
    target.assert_refused(&target.sign_header(&without(header(), "typ")), "no typ").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_hostile_kid_leads_nowhere() {
    let target = Target::start();
    let kids = [
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("rsa' OR '1'='1"),
        json!("rsa\u{0}"),
        json!("rsa\r\nx-injected: 1"),
        json!("$(id)"),
        json!("http://127.0.0.1/keys"),
        json!("RSA"),
        json!(""),
        json!(null),
        json!(["rsa"]),
        json!({ "kid": "rsa" }),
        json!(0),
        json!("x".repeat(5000)),
    ];
    for kid in kids {
        let forged = with(header(), "kid", kid.clone());
        let token = target.sign_header(&forged);
        target.assert_refused(&token, &kid.to_string()).await;
        let answer = target.get(&token).await;
        assert!(answer.header("x-injected").is_none() && !answer.text().contains("/etc/passwd"));
        let empty = EncodingKey::from_secret(b"");
        let as_shared = with(forged, "alg", json!("HS256")).to_string();
        target.assert_refused(&signed(&as_shared, &claims().to_string(), &empty, Algorithm::HS256), "no key").await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn an_address_in_a_token_is_not_fetched() {
    let target = Target::start();
    let attacker = RawPeer::start(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", b"", Then::Close);
    let address = format!("http://{}/keys", attacker.address());
    for name in ["jku", "x5u"] {
        target.assert_refused(&target.sign_header(&with(header(), name, json!(address))), name).await;
    }
    let as_issuer = with(claims(), "iss", json!(format!("http://{}", attacker.address())));
    target.assert_refused(&target.sign_claims(&as_issuer), "iss").await;
    assert_eq!(attacker.requests(), 0);
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_key_in_a_token_is_not_used() {
    let target = Target::start();
    let own = ProviderKey::new("rsa", KeyAlgorithm::Rs256);
    let forged = own.token(&claims());
    target.assert_refused(&forged, "a key of the same id").await;
    for (name, value) in
        [("jwk", own.jwk.clone()), ("x5c", json!(["MIIB"])), ("x5t", json!("x")), ("x5t#S256", json!("x"))]
    {
        target.assert_refused(&target.sign_header(&with(header(), name, value)), name).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn each_missing_or_mistyped_claim_is_refused() {
    let target = Target::start();
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "tenant"] {
        target.assert_refused(&target.sign_claims(&without(claims(), name)), name).await;
        for wrong in [json!(null), json!({}), json!(true), json!([[]])] {
            target.assert_refused(&target.sign_claims(&with(claims(), name, wrong)), name).await;
        }
    }
    for wrong in [json!(null), json!("S_1"), json!([1]), json!({})] {
        target.assert_refused(&target.sign_claims(&with(claims(), "stores", wrong)), "stores").await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_token_out_of_its_time_is_refused() {
    let target = Target::start();
    let now = NOW.as_second();
    for value in [json!(now - 30), json!(0), json!(-1), json!(i64::MIN), json!(1.5)] {
        let answer = target.get(&target.sign_claims(&with(claims(), "exp", value.clone()))).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "token-expired"), "exp {value}");
    }
    for (name, value) in [
        ("exp", json!(u64::MAX)),
        ("exp", json!("1999999999")),
        ("nbf", json!(now + 31)),
        ("nbf", json!(i64::MAX)),
        ("nbf", json!(null)),
        ("nbf", json!(f64::from(i32::MAX) + 0.5)),
        ("exp", json!(1e300)),
    ] {
        target
            .assert_refused(&target.sign_claims(&with(claims(), name, value.clone())), &format!("{name} {value}"))
            .await;
    }
    target.assert_still_open().await;
}
