//! Tests of every way in which a token can be wrong. Tokens are signed with the right key wherever that is possible, so
//! that no other check can be the one that refuses them.

use super::{LEEWAY_SECONDS, MAXIMUM_TOKEN_BYTES, TokenError};
use crate::auth::fixtures::{self, NOW, auth, ed25519_key, shared_key, sign};
use crate::auth::keys::{KeySet, ServiceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::time::Duration;

fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "2026-11" })
}

fn claims() -> Value {
    json!({
        "iss": fixtures::ISSUER, "sub": "dashboard", "aud": "storegate", "exp": NOW + 900, "iat": NOW, "jti": "1",
        "client_id": "dashboard", "scope": "stores:read flow:read", "tenant": "acme",
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// Returns the outcome for a token at the time [`NOW`].
fn check(token: &str) -> Result<(), TokenError> {
    auth().0.verifier.verify(token).map(drop)
}

fn check_header(header: &Value) -> Result<(), TokenError> {
    check(&sign(header, &claims().to_string(), &ed25519_key()))
}

fn check_claims(claims: &Value) -> Result<(), TokenError> {
    check(&sign(&header(), &claims.to_string(), &ed25519_key()))
}

fn valid() -> String {
    sign(&header(), &claims().to_string(), &ed25519_key())
}

#[test]
fn a_token_of_either_key_is_accepted() {
    assert_eq!(check(&valid()), Ok(()));
    let header = json!({ "typ": "at+jwt", "alg": "HS256", "kid": "2025-shared" });
    assert_eq!(check(&sign(&header, &claims().to_string(), &shared_key())), Ok(()));
}

#[test]
fn the_type_may_be_written_in_any_case_and_in_full() {
    for typ in ["AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert_eq!(check_header(&with(header(), "typ", json!(typ))), Ok(()), "{typ}");
    }
}

#[test]
fn another_type_of_token_is_refused() {
    for typ in [json!("JWT"), json!("id+jwt"), json!(""), Value::Null] {
        assert_eq!(check_header(&with(header(), "typ", typ)), Err(TokenError::WrongType));
    }
    assert_eq!(check_header(&without(header(), "typ")), Err(TokenError::WrongType));
}

#[test]
fn an_unsigned_token_is_refused() {
    let unsigned = |alg: &str| {
        let header = with(header(), "alg", json!(alg)).to_string();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims().to_string()))
    };
    assert_eq!(check(&unsigned("none")), Err(TokenError::WrongAlgorithm));
    assert_eq!(check(&unsigned("EdDSA")), Err(TokenError::WrongSignature));
}

#[test]
fn an_algorithm_other_than_the_keys_is_refused() {
    for alg in ["HS256", "RS256", "ES256", "eddsa", "none", ""] {
        assert_eq!(check_header(&with(header(), "alg", json!(alg))), Err(TokenError::WrongAlgorithm), "{alg}");
    }
    assert_eq!(check_header(&without(header(), "alg")), Err(TokenError::MalformedHeader));
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let x = KeySet::new(vec![ed25519_key()], None).unwrap().public_document().keys.remove(0).x.unwrap();
    let public = URL_SAFE_NO_PAD.decode(&x).unwrap();
    let claims = claims().to_string();
    for secret in [public, x.into_bytes()] {
        let forger = ServiceKey::hs256("2026-11", &secret).unwrap();
        let declared = with(header(), "alg", json!("HS256"));
        assert_eq!(check(&sign(&declared, &claims, &forger)), Err(TokenError::WrongAlgorithm));
        assert_eq!(check(&sign(&header(), &claims, &forger)), Err(TokenError::WrongSignature));
    }
}

#[test]
fn a_key_that_is_not_named_or_not_known_is_refused() {
    assert_eq!(check_header(&without(header(), "kid")), Err(TokenError::MissingKeyId));
    assert_eq!(check_header(&with(header(), "kid", Value::Null)), Err(TokenError::MissingKeyId));
    assert_eq!(check_header(&with(header(), "kid", json!("2027-01"))), Err(TokenError::UnknownKey));
    assert_eq!(check_header(&with(header(), "kid", json!(7))), Err(TokenError::MalformedHeader));
    assert_eq!(check_header(&with(header(), "kid", json!("2025-shared"))), Err(TokenError::WrongAlgorithm));
}

#[test]
fn a_header_that_brings_a_key_or_an_extension_is_refused() {
    let own = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let parameters = [
        ("crit", json!(["exp"])),
        ("jwk", own),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/certificate")),
        ("x5c", json!([])),
        ("b64", json!(true)),
        ("crit", Value::Null),
    ];
    for (name, value) in parameters {
        assert_eq!(check_header(&with(header(), name, value)), Err(TokenError::ForbiddenParameter(name)));
    }
}

#[test]
fn a_header_parameter_that_is_there_twice_is_refused() {
    let twice = header().to_string().replacen('{', r#"{"kid":"2025-shared","#, 1);
    let token = valid();
    let (_, rest) = token.split_once('.').unwrap();
    assert_eq!(check(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(twice))), Err(TokenError::MalformedHeader));
}

#[test]
fn anything_but_three_parts_is_refused() {
    let token = valid();
    for wrong in
        [format!("{token}.x"), format!("{token}."), token.replacen('.', "", 1), "token".to_owned(), String::new()]
    {
        assert_eq!(check(&wrong), Err(TokenError::NotThreeParts), "{wrong}");
    }
}

#[test]
fn a_token_over_8_kib_is_refused_unread() {
    assert_eq!(check(&"a".repeat(MAXIMUM_TOKEN_BYTES + 1)), Err(TokenError::TooLarge));
    assert_eq!(check(&"a".repeat(MAXIMUM_TOKEN_BYTES)), Err(TokenError::NotThreeParts));
}

#[test]
fn a_changed_token_is_refused() {
    let token = valid();
    let parts: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode(with(claims(), "tenant", json!("zenith")).to_string());
    assert_eq!(check(&format!("{}.{payload}.{}", parts[0], parts[2])), Err(TokenError::WrongSignature));
    assert_eq!(
        check(&format!("{}.{}.{}", parts[0], parts[1], parts[2].to_uppercase())),
        Err(TokenError::WrongSignature)
    );
    assert_eq!(check(&format!("{token}=")), Err(TokenError::WrongSignature));
}

#[test]
fn every_single_changed_character_of_the_signature_is_noticed() {
    let token = valid();
    let start = token.rfind('.').unwrap() + 1;
    let (auth, _) = auth();
    for position in start..token.len() {
        let other = if &token[position..=position] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..position], &token[position + 1..]);
        assert_eq!(auth.verifier.verify(&changed).unwrap_err(), TokenError::WrongSignature, "at {position}");
    }
}

#[test]
fn a_token_ends_with_its_exp_and_a_little_leeway() {
    let (auth, clock) = auth();
    let token = valid();
    let leeway = u64::try_from(LEEWAY_SECONDS).unwrap();
    clock.advance(Duration::from_secs(900 + leeway - 1));
    assert!(auth.verifier.verify(&token).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(auth.verifier.verify(&token).unwrap_err(), TokenError::Expired);
}

#[test]
fn a_token_from_the_future_is_refused() {
    let beyond = NOW + LEEWAY_SECONDS + 1;
    assert_eq!(check_claims(&with(claims(), "nbf", json!(beyond))), Err(TokenError::NotYetValid));
    assert_eq!(check_claims(&with(claims(), "nbf", json!(beyond - 1))), Ok(()));
    // The replica that issued it may have another clock: `exp` and `nbf` say when it is valid.
    for iat in [json!(beyond), json!(NOW + 40), json!(i64::MAX), json!(1.9e9)] {
        assert_eq!(check_claims(&with(claims(), "iat", iat)), Ok(()));
    }
}

#[test]
fn times_at_the_ends_of_the_number_line_do_not_wrap() {
    assert_eq!(check_claims(&with(claims(), "exp", json!(i64::MAX))), Ok(()));
    assert_eq!(check_claims(&with(claims(), "exp", json!(i64::MIN))), Err(TokenError::Expired));
    assert_eq!(check_claims(&with(claims(), "nbf", json!(i64::MAX))), Err(TokenError::NotYetValid));
    assert_eq!(check_claims(&with(claims(), "exp", json!(u64::MAX))), Err(TokenError::MalformedClaims));
}

#[test]
fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let other = json!("https://other.example.com");
    assert_eq!(check_claims(&with(claims(), "iss", other.clone())), Err(TokenError::WrongIssuer));
    assert_eq!(check_claims(&with(claims(), "iss", json!([fixtures::ISSUER]))), Err(TokenError::MalformedClaims));
    assert_eq!(check_claims(&with(claims(), "aud", other)), Err(TokenError::WrongAudience));
    assert_eq!(check_claims(&with(claims(), "aud", json!(["storegate", "billing"]))), Ok(()));
    assert_eq!(check_claims(&with(claims(), "aud", json!(["billing"]))), Err(TokenError::WrongAudience));
}

#[test]
fn each_required_claim_is_missed_by_name() {
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "tenant"] {
        assert_eq!(check_claims(&without(claims(), name)), Err(TokenError::MissingClaim(name)));
    }
}

#[test]
fn a_claim_that_is_there_twice_or_of_another_type_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"scope":"cache:purge","#, 1);
    assert_eq!(check(&sign(&header(), &twice, &ed25519_key())), Err(TokenError::MalformedClaims));
    assert_eq!(check_claims(&with(claims(), "exp", json!("1900000000"))), Err(TokenError::MalformedClaims));
    assert_eq!(check_claims(&with(claims(), "scope", json!(["flow:read"]))), Err(TokenError::MalformedClaims));
    assert_eq!(check(&sign(&header(), "not JSON", &ed25519_key())), Err(TokenError::MalformedClaims));
}

#[test]
fn a_scope_is_held_only_by_its_whole_name() {
    let (auth, _) = auth();
    let token = auth.verifier.verify(&valid()).unwrap();
    assert!(token.has_scope("flow:read") && token.has_scope("stores:read"));
    assert!(!token.has_scope("flow") && !token.has_scope("flow:read stores:read"));
}

#[test]
fn no_refusal_repeats_anything_of_the_token() {
    let planted = "planted-7f3a";
    let refused = [
        sign(&with(header(), "kid", json!(planted)), &claims().to_string(), &ed25519_key()),
        sign(&with(header(), "alg", json!(planted)), &claims().to_string(), &ed25519_key()),
        sign(&header(), &with(claims(), "iss", json!(planted)).to_string(), &ed25519_key()),
        sign(&header(), &with(claims(), "exp", json!(planted)).to_string(), &ed25519_key()),
    ];
    for token in refused {
        let error = check(&token).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(planted));
    }
}

#[test]
fn a_signature_is_checked_once_for_any_number_of_uses() {
    let (auth, _) = auth();
    let token = valid();
    for _ in 0..100 {
        assert!(auth.verifier.verify(&token).is_ok());
    }
    assert_eq!(auth.verifier.signatures_checked(), 1);
    assert!(auth.verifier.verify(&format!("{}A", &token[..token.len() - 1])).is_err());
    assert_eq!(auth.verifier.signatures_checked(), 2, "another signature is another token");
}

#[test]
fn a_token_with_a_shared_secret_is_checked_once_too_until_its_key_is_another() {
    let (auth, _) = auth();
    let header = json!({ "typ": "at+jwt", "alg": "HS256", "kid": "2025-shared" });
    let token = sign(&header, &claims().to_string(), &shared_key());
    for _ in 0..3 {
        assert!(auth.verifier.verify(&token).is_ok());
    }
    assert_eq!(auth.verifier.signatures_checked(), 1);
    let renewed = auth.renewed(fixtures::settings()).unwrap();
    assert!(renewed.verifier.verify(&token).is_ok());
    assert_eq!(renewed.verifier.signatures_checked(), 1, "two secrets are never compared");
}

#[test]
fn a_token_that_is_not_yet_valid_is_cached_and_becomes_so() {
    let (auth, clock) = auth();
    let later = NOW + LEEWAY_SECONDS + 10;
    let token = sign(&header(), &with(claims(), "nbf", json!(later)).to_string(), &ed25519_key());
    assert_eq!(auth.verifier.verify(&token).unwrap_err(), TokenError::NotYetValid);
    clock.advance(Duration::from_secs(10));
    assert!(auth.verifier.verify(&token).is_ok());
    clock.set_wall(jiff::Timestamp::from_second(NOW).unwrap());
    assert_eq!(auth.verifier.verify(&token).unwrap_err(), TokenError::NotYetValid, "by the clock of now");
    assert_eq!(auth.verifier.signatures_checked(), 1);
}

#[test]
fn a_token_of_the_far_future_is_cached_without_harm() {
    let (auth, _) = auth();
    let token = sign(&header(), &with(claims(), "exp", json!(i64::MAX)).to_string(), &ed25519_key());
    assert!(auth.verifier.verify(&token).is_ok() && auth.verifier.verify(&token).is_ok());
    assert_eq!(auth.verifier.signatures_checked(), 1);
}

#[test]
fn an_encrypted_or_nested_token_is_refused() {
    for (name, value) in [("enc", "A256GCM"), ("zip", "DEF"), ("cty", "JWT"), ("x5t", "abc"), ("x5t#S256", "abc")] {
        assert_eq!(check_header(&with(header(), name, json!(value))), Err(TokenError::ForbiddenParameter(name)));
    }
}

#[test]
fn an_unknown_claim_that_is_there_twice_or_too_deep_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"x":{"y":1,"y":2},"#, 1);
    assert_eq!(check(&sign(&header(), &twice, &ed25519_key())), Err(TokenError::MalformedClaims));
    let deep = format!(r#"{{"x":{}{},"#, "[".repeat(200), "]".repeat(200));
    let deep = claims().to_string().replacen('{', &deep, 1);
    assert_eq!(check(&sign(&header(), &deep, &ed25519_key())), Err(TokenError::MalformedClaims));
}
