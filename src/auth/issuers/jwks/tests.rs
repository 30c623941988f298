//! Tests of which keys of a JWK set are used and which are skipped.

use super::{Algorithms, IgnoredKey, JwksError, read};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::keys::{KeySet, ServiceKey};
use crate::auth::private_key;
use crate::auth::public_key::tests::small_order_keys;
use crate::auth::verification_keys::KeyHint;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const USUAL: Algorithms = Algorithms::Usual;
/// RFC 8037, appendix A.2.
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ed25519(kid: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid })
}

fn with(mut entry: Value, name: &str, value: Value) -> Value {
    entry[name] = value;
    entry
}

fn set(entries: &[Value]) -> String {
    json!({ "keys": entries }).to_string()
}

/// Returns the number of usable keys, and why the others are skipped.
fn outcome(entries: &[Value]) -> (usize, Vec<IgnoredKey>) {
    let set = read(set(entries).as_bytes(), &USUAL).unwrap();
    (set.keys.len(), set.left_out)
}

#[test]
fn every_kind_of_key_that_we_publish_is_read_back() {
    for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa] {
        let key = ServiceKey::private("k", &private_key::generate(algorithm).unwrap()).unwrap();
        let document = serde_json::to_vec(&KeySet::new(vec![key.clone()], None).unwrap().public_document()).unwrap();
        let read = read(&document, &USUAL).unwrap();
        assert!(read.keys.get("k").unwrap().is_same_public_key(&key.verification), "{algorithm}");
        assert_eq!(read.left_out, []);
    }
}

#[test]
fn a_key_for_something_else_is_left_out() {
    let others = [
        (with(ed25519("a"), "use", json!("enc")), IgnoredKey::OtherUse),
        (with(ed25519("a"), "use", json!(7)), IgnoredKey::OtherUse),
        (with(ed25519("a"), "key_ops", json!(["encrypt"])), IgnoredKey::OtherUse),
        (with(ed25519("a"), "key_ops", json!("verify")), IgnoredKey::OtherUse),
        (with(ed25519("a"), "kty", json!("new")), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "crv", json!("Ed448")), IgnoredKey::UnknownKind),
        (json!({ "kty": "EC", "crv": "P-521", "x": X, "y": X, "kid": "a" }), IgnoredKey::Malformed),
        (json!({ "kty": "EC", "crv": "secp256k1", "x": X, "y": X, "kid": "a" }), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "alg", json!("ES256")), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "alg", json!("none")), IgnoredKey::UnknownKind),
        (json!({ "kid": "a" }), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "alg", json!("HS256")), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "alg", json!("RS256")), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "alg", Value::Null), IgnoredKey::UnknownKind),
        (with(ed25519("a"), "x", json!("AAAA")), IgnoredKey::Malformed),
        (with(ed25519("a"), "x", json!(7)), IgnoredKey::Malformed),
        (with(ed25519("a"), "kid", json!(7)), IgnoredKey::Malformed),
        (with(ed25519("a"), "kid", json!("")), IgnoredKey::Malformed),
        (json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a" }), IgnoredKey::Weak),
        (json!({ "kty": "RSA", "kid": "a" }), IgnoredKey::Malformed),
    ];
    for (entry, reason) in others {
        let shown = entry.to_string();
        assert_eq!(outcome(&[entry, ed25519("b")]), (1, vec![reason]), "{shown}");
    }
    for good in [with(ed25519("a"), "use", json!("sig")), with(ed25519("a"), "key_ops", json!(["verify"]))] {
        assert_eq!(outcome(&[good]), (1, vec![]));
    }
    for alg in ["EdDSA", "Ed25519"] {
        assert_eq!(outcome(&[with(ed25519("a"), "alg", json!(alg))]), (1, vec![]));
    }
}

#[test]
fn a_key_that_everybody_can_sign_for_is_left_out() {
    for key in small_order_keys() {
        let weak = with(ed25519("a"), "x", json!(URL_SAFE_NO_PAD.encode(&key)));
        assert_eq!(outcome(&[weak, ed25519("b")]), (1, vec![IgnoredKey::Weak]), "{key:x?}");
    }
}

#[test]
fn a_set_with_a_private_key_is_rejected_as_a_whole() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let private = with(ed25519("b"), name, json!("AAAA"));
        assert_eq!(
            read(set(&[ed25519("a"), private]).as_bytes(), &USUAL).unwrap_err(),
            JwksError::PrivateKey,
            "{name}"
        );
    }
}

#[test]
fn keys_without_an_id_and_keys_that_share_one_are_taken() {
    let mut nameless = ed25519("a");
    nameless.as_object_mut().unwrap().remove("kid");
    let entries = [nameless, other_ed25519("a"), ed25519("a"), ed25519("b")];
    assert_eq!(outcome(&entries), (4, vec![]));
    let keys = read(set(&entries).as_bytes(), &USUAL).unwrap().keys;
    let found = |kid: Option<&str>| {
        let hint = KeyHint { kid: kid.map(str::to_owned), ..KeyHint::default() };
        keys.candidates(&hint, KeyAlgorithm::EdDsa).map(|found| found.len())
    };
    assert_eq!((found(Some("a")), found(Some("b")), found(None)), (Ok(2), Ok(1), Ok(4)));
}

fn other_ed25519(kid: &str) -> Value {
    published(kid, KeyAlgorithm::EdDsa)
}

/// Returns a new key for this algorithm in published form.
fn published(kid: &str, algorithm: KeyAlgorithm) -> Value {
    let key = ServiceKey::private(kid, &private_key::generate(algorithm).unwrap()).unwrap();
    serde_json::to_value(&KeySet::new(vec![key], None).unwrap().public_document().keys[0]).unwrap()
}

#[test]
fn a_key_is_for_the_algorithm_that_it_says_or_else_for_what_the_settings_list_or_else_for_the_usual_one() {
    let rsa = without(published("a", KeyAlgorithm::Rs256), "alg");
    let accepted = |entry: Value, algorithms: &Algorithms| -> Vec<KeyAlgorithm> {
        let keys = read(set(&[entry]).as_bytes(), algorithms).unwrap().keys;
        let is_for = |one: &KeyAlgorithm| keys.get("a").is_some_and(|key| key.is_for(*one));
        [&KeyAlgorithm::ASYMMETRIC[..], &[KeyAlgorithm::Hs256]].concat().into_iter().filter(is_for).collect()
    };
    let listed = |algorithms: &[KeyAlgorithm]| Algorithms::Listed(algorithms.to_vec());
    assert_eq!(accepted(rsa.clone(), &USUAL), [KeyAlgorithm::Rs256]);
    for algorithm in &KeyAlgorithm::ASYMMETRIC[..6] {
        assert_eq!(accepted(with(rsa.clone(), "alg", json!(algorithm.name())), &USUAL), [*algorithm]);
    }
    let both = [KeyAlgorithm::Rs512, KeyAlgorithm::Ps256];
    assert_eq!(accepted(rsa.clone(), &listed(&both)), both);
    assert_eq!(accepted(with(rsa.clone(), "alg", json!("PS256")), &listed(&both)), [KeyAlgorithm::Ps256]);
    assert_eq!(accepted(with(rsa.clone(), "alg", json!("RS256")), &listed(&both)), []);
    assert_eq!(accepted(rsa, &listed(&[KeyAlgorithm::Es256, KeyAlgorithm::EdDsa])), []);
}

fn without(mut entry: Value, name: &str) -> Value {
    entry.as_object_mut().unwrap().remove(name);
    entry
}

#[test]
fn an_rsa_key_with_the_roca_weakness_is_left_out() {
    let public = include_str!("../../refused_keys/roca.public.pem");
    let body: String = public.lines().filter(|line| !line.starts_with('-')).collect();
    let info = STANDARD.decode(body).unwrap();
    // The modulus of 2048 bits precedes the exponent of three bytes at the end.
    let modulus = &info[info.len() - 5 - 256..info.len() - 5];
    let weak = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB", "kid": "a" });
    assert_eq!(outcome(&[weak, ed25519("b")]), (1, vec![IgnoredKey::Weak]));
}

#[test]
fn only_the_listed_algorithms_are_taken() {
    let set = read(set(&[ed25519("a")]).as_bytes(), &Algorithms::Listed(vec![KeyAlgorithm::Rs256])).unwrap();
    assert_eq!((set.keys.len(), set.left_out), (0, vec![IgnoredKey::AlgorithmNotAccepted]));
}

#[test]
fn what_is_no_key_set_is_refused() {
    let twice = format!(r#"{{"keys":[],"keys":[{}]}}"#, ed25519("a"));
    let inner = r#"{"keys":[{"kty":"OKP","kty":"OKP"}]}"#;
    let cut = set(&[ed25519("a")]);
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[7]}"#, &twice, inner, &cut[..cut.len() - 1]] {
        assert_eq!(read(document.as_bytes(), &USUAL).unwrap_err(), JwksError::Unreadable, "{document}");
    }
}

#[test]
fn skipped_keys_are_summarized_in_one_line() {
    let weak = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "c" });
    let encryption = with(ed25519("a"), "use", json!("enc"));
    let read = read(set(&[encryption.clone(), encryption, weak, ed25519("b")]).as_bytes(), &USUAL).unwrap();
    assert_eq!(read.summary(), "2 not for signatures, 1 too weak");
}
