//! What is taken from a JWK set, and what is not.

use super::{JwksError, LeftOut, read};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::keys::{Key, KeySet};
use crate::auth::private_key;
use crate::auth::public_key::tests::small_order_keys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const ALL: [KeyAlgorithm; 3] = [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa];
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

/// How many keys are taken, and why the others are not.
fn outcome(entries: &[Value]) -> (usize, Vec<LeftOut>) {
    let set = read(set(entries).as_bytes(), &ALL).unwrap();
    (set.keys.len(), set.left_out)
}

#[test]
fn every_kind_of_key_that_we_publish_is_read_back() {
    for algorithm in ALL {
        let key = Key::private("k", &private_key::generate(algorithm).unwrap()).unwrap();
        let document = serde_json::to_vec(&KeySet::new(vec![key.clone()], None).unwrap().public_document()).unwrap();
        let read = read(&document, &ALL).unwrap();
        assert!(read.keys.get(Some("k")).unwrap().is_same_public_key(key.verification()), "{algorithm}");
        assert_eq!(read.left_out, []);
    }
}

#[test]
fn a_key_for_something_else_is_left_out() {
    let others = [
        (with(ed25519("a"), "use", json!("enc")), LeftOut::OtherUse),
        (with(ed25519("a"), "use", json!(7)), LeftOut::OtherUse),
        (with(ed25519("a"), "key_ops", json!(["encrypt"])), LeftOut::OtherUse),
        (with(ed25519("a"), "key_ops", json!("verify")), LeftOut::OtherUse),
        (with(ed25519("a"), "kty", json!("new")), LeftOut::UnknownKind),
        (with(ed25519("a"), "crv", json!("Ed448")), LeftOut::UnknownKind),
        (json!({ "kty": "EC", "crv": "P-521", "x": X, "y": X, "kid": "a" }), LeftOut::UnknownKind),
        (json!({ "kid": "a" }), LeftOut::UnknownKind),
        (with(ed25519("a"), "alg", json!("HS256")), LeftOut::UnknownKind),
        (with(ed25519("a"), "alg", json!("RS256")), LeftOut::UnknownKind),
        (with(ed25519("a"), "alg", Value::Null), LeftOut::UnknownKind),
        (with(ed25519("a"), "x", json!("AAAA")), LeftOut::Malformed),
        (with(ed25519("a"), "x", json!(7)), LeftOut::Malformed),
        (with(ed25519("a"), "kid", json!(7)), LeftOut::Malformed),
        (with(ed25519("a"), "kid", json!("")), LeftOut::Malformed),
        (json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a" }), LeftOut::Weak),
        (json!({ "kty": "RSA", "kid": "a" }), LeftOut::Malformed),
    ];
    for (entry, reason) in others {
        let told = entry.to_string();
        assert_eq!(outcome(&[entry, ed25519("b")]), (1, vec![reason]), "{told}");
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
        assert_eq!(outcome(&[weak, ed25519("b")]), (1, vec![LeftOut::Weak]), "{key:x?}");
    }
}

#[test]
fn a_set_that_tells_a_private_key_is_refused_whole() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let told = with(ed25519("b"), name, json!("AAAA"));
        assert_eq!(read(set(&[ed25519("a"), told]).as_bytes(), &ALL).unwrap_err(), JwksError::PrivateKey, "{name}");
    }
}

#[test]
fn a_key_without_id_counts_only_when_it_is_alone() {
    let mut nameless = ed25519("a");
    nameless.as_object_mut().unwrap().remove("kid");
    assert_eq!(outcome(&[nameless.clone(), ed25519("b")]), (1, vec![LeftOut::NoId]));
    let alone = read(set(&[nameless]).as_bytes(), &ALL).unwrap().keys;
    assert!(alone.get(None).is_some() && alone.get(Some("a")).is_none());
}

#[test]
fn an_id_that_two_keys_have_means_none_of_them() {
    let other = private_key::generate(KeyAlgorithm::EdDsa).unwrap();
    let other = KeySet::new(vec![Key::private("a", &other).unwrap()], None).unwrap().public_document();
    let other = serde_json::to_value(&other.keys[0]).unwrap();
    assert_eq!(outcome(&[ed25519("a"), other, ed25519("b")]), (1, vec![LeftOut::SameId, LeftOut::SameId]));
}

#[test]
fn only_the_listed_algorithms_are_taken() {
    let set = read(set(&[ed25519("a")]).as_bytes(), &[KeyAlgorithm::Rs256]).unwrap();
    assert_eq!((set.keys.len(), set.left_out), (0, vec![LeftOut::AlgorithmNotAccepted]));
}

#[test]
fn what_is_no_key_set_is_refused() {
    let twice = format!(r#"{{"keys":[],"keys":[{}]}}"#, ed25519("a"));
    let inner = r#"{"keys":[{"kty":"OKP","kty":"OKP"}]}"#;
    let cut = set(&[ed25519("a")]);
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[7]}"#, &twice, inner, &cut[..cut.len() - 1]] {
        assert_eq!(read(document.as_bytes(), &ALL).unwrap_err(), JwksError::Unreadable, "{document}");
    }
}

#[test]
fn what_was_left_out_is_told_in_one_line() {
    let weak = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "c" });
    let encryption = with(ed25519("a"), "use", json!("enc"));
    let read = read(set(&[encryption.clone(), encryption, weak, ed25519("b")]).as_bytes(), &ALL).unwrap();
    assert_eq!(read.summary(), "2 not for signatures, 1 too weak");
}
