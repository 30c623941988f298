//! Tests of a trusted issuer whose keys are in a file, through the whole verifier.

use super::Issuers;
use super::settings::IssuerSettings;
use crate::auth::fixtures::{self, ISSUER, NOW, ed25519_key, sign};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::keys::{KeySet, ServiceKey};
use crate::auth::private_key;
use crate::auth::scope::Scopes;
use crate::auth::verify::{TokenError, Verifier};
use crate::clock::{Clock, ManualClock};
use crate::settings::{Report, Section};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use toml::Table;

const THEIRS: &str = "https://login.example.com";

fn key(kid: &str) -> ServiceKey {
    ServiceKey::private(kid, &private_key::generate(KeyAlgorithm::Es256).unwrap()).unwrap()
}

/// Trusts the issuer with this key set and further settings.
fn trusting(document: &str, more: &str, clock: &Clock) -> Issuers {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("storegate-issuer-{}-{number}", std::process::id()));
    std::fs::write(&path, document).unwrap();
    let toml = format!(
        "[i.login]\nissuer = \"{THEIRS}\"\naudience = \"storegate\"\njwks_file = {path:?}\ntenant = \"acme\"\n{more}"
    );
    let table: Table = toml.parse().unwrap();
    let report = Report::default();
    let settings = IssuerSettings::read_all(
        &Section::root(&table, &report).section("i"),
        ISSUER,
        &["acme".to_owned()],
        &Scopes::default(),
    );
    std::fs::remove_file(path).unwrap();
    report.finish(&table).unwrap();
    Issuers::new(settings, clock)
}

fn verifier(key: &ServiceKey, more: &str) -> (Verifier, ManualClock) {
    let (clock, hand) = fixtures::clock();
    let document = serde_json::to_string(&KeySet::new(vec![key.clone()], None).unwrap().public_document()).unwrap();
    let own = KeySet::new(vec![ed25519_key()], None).unwrap();
    let trusted = trusting(&document, more, &clock);
    (Verifier::new(ISSUER, "storegate", own.verification().clone(), clock).trusting(trusted), hand)
}

fn header(kid: &str) -> Value {
    json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid })
}

fn claims() -> Value {
    json!({
        "iss": THEIRS, "sub": "ada", "aud": "storegate", "exp": NOW + 900, "iat": NOW, "azp": "portal", "scope": "flow:read",
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn token(key: &ServiceKey) -> String {
    sign(&header("k"), &claims().to_string(), key)
}

#[test]
fn a_token_of_the_issuer_is_accepted_as_its_settings_say() {
    let key = key("k");
    let verified = verifier(&key, "").0.verify(&token(&key)).unwrap();
    assert_eq!((&**verified.tenant(), &**verified.client_id()), ("acme", "portal"));
    assert!(verified.has_scope("flow:read") && verified.grants().may_read_all());
}

#[test]
fn neither_issuer_can_speak_with_the_key_of_the_other() {
    let key = key("2026-11");
    let (verifier, _) = verifier(&key, "");
    let as_us = json!({
        "iss": ISSUER, "sub": "x", "aud": "storegate", "exp": NOW + 900, "iat": NOW, "jti": "1", "client_id": "dashboard",
        "scope": "flow:read", "tenant": "acme",
    });
    let theirs_as_ours = sign(&header("2026-11"), &as_us.to_string(), &key);
    assert_eq!(verifier.verify(&theirs_as_ours).unwrap_err(), TokenError::WrongAlgorithm);
    let ours = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "2026-11" });
    let ours_as_theirs = sign(&ours, &claims().to_string(), &ed25519_key());
    assert_eq!(verifier.verify(&ours_as_theirs).unwrap_err(), TokenError::WrongAlgorithm);
    let with_our_header = sign(&ours, &as_us.to_string(), &key);
    assert_eq!(verifier.verify(&with_our_header).unwrap_err(), TokenError::WrongSignature);
}

#[test]
fn an_unknown_key_of_a_file_is_refused_at_once() {
    let key = key("k");
    let (verifier, _) = verifier(&key, "");
    let unknown = sign(&header("other"), &claims().to_string(), &key);
    assert_eq!(verifier.verify(&unknown).unwrap_err(), TokenError::UnknownKey);
}

#[test]
fn an_algorithm_that_the_settings_do_not_list_is_refused() {
    let key = key("k");
    let (verifier, _) = verifier(&key, "algorithms = [\"ES256\"]");
    for alg in ["HS256", "RS256", "EdDSA", "none", "ES384", "es256"] {
        let forged = sign(&with(header("k"), "alg", json!(alg)), &claims().to_string(), &key);
        assert_eq!(verifier.verify(&forged).unwrap_err(), TokenError::WrongAlgorithm, "{alg}");
    }
}

#[test]
fn another_type_of_token_is_accepted_only_where_the_settings_say_so() {
    let key = key("k");
    let jwt = sign(&with(header("k"), "typ", json!("JWT")), &claims().to_string(), &key);
    assert_eq!(verifier(&key, "").0.verify(&jwt).unwrap_err(), TokenError::WrongType);
    let (lenient, _) = verifier(&key, "typ = [\"at+jwt\", \"JWT\"]");
    assert!(lenient.verify(&jwt).is_ok());
    let id_token = with(claims(), "at_hash", json!("x"));
    let id_token = sign(&with(header("k"), "typ", json!("JWT")), &id_token.to_string(), &key);
    assert_eq!(lenient.verify(&id_token).unwrap_err(), TokenError::NotAnAccessToken);
}

#[test]
fn keys_certificates_and_addresses_in_the_header_are_ignored() {
    let key = key("k");
    let (verifier, _) = verifier(&key, "");
    for name in ["x5t", "x5t#S256", "x5c", "x5u", "jku", "jwk"] {
        for value in
            [json!("https://attacker.example/keys"), json!(["abc"]), json!({ "kty": "oct", "k": "AAAA" }), json!(7)]
        {
            let marked = sign(&with(header("k"), name, value), &claims().to_string(), &key);
            assert!(verifier.verify(&marked).is_ok(), "{name}");
        }
    }
    for name in ["crit", "b64", "enc", "zip", "cty"] {
        let extended = sign(&with(header("k"), name, json!("x")), &claims().to_string(), &key);
        assert_eq!(verifier.verify(&extended).unwrap_err(), TokenError::ForbiddenParameter(name));
    }
}

#[test]
fn a_token_that_is_cached_still_has_to_be_in_time_and_its_key_to_be_there() {
    let key = key("k");
    let (verifier, hand) = verifier(&key, "");
    let token = token(&key);
    for _ in 0..10 {
        assert!(verifier.verify(&token).is_ok());
    }
    assert_eq!(verifier.signatures_checked(), 1);
    let ring = &verifier.trusted.get(0).unwrap().keyring;
    let known = ring.current().as_ref().clone();
    ring.complete_fetch(Some((KeySet::new(vec![self::key("k")], None).unwrap().verification().clone(), None)));
    assert_eq!(verifier.verify(&token).unwrap_err(), TokenError::WrongSignature, "another key has its id");
    ring.complete_fetch(Some((Default::default(), None)));
    assert_eq!(verifier.verify(&token).unwrap_err(), TokenError::UnknownKey);
    ring.complete_fetch(Some((known, None)));
    assert!(verifier.verify(&token).is_ok());
    hand.advance(Duration::from_secs(930));
    assert_eq!(verifier.verify(&token).unwrap_err(), TokenError::Expired);
}
