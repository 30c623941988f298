//! Tokens as anybody may send them, to a verifier with a fixed key of each algorithm, at a fixed time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use storegate::auth::keys::{KeySet, ServiceKey};
use storegate::auth::verify::{VerifiedToken, Verifier};
use storegate::clock::Clock;

const ISSUER: &str = "https://storegate.example.com";
const AUDIENCE: &str = "storegate";
/// 2026-11-22T02:00:00Z.
const NOW: i64 = 1_795_312_800;
const LEEWAY: i64 = 30;
const ED25519_KID: &str = "2026-11";
const SHARED_KID: &str = "2025-shared";
const SHARED_SECRET: &[u8] = b"a-shared-secret-that-only-tests-know";
/// The published key of RFC 8037, appendix A.1.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let ed25519 = ServiceKey::private(ED25519_KID, &SecretString::from(PEM)).expect("a good key");
    let shared = ServiceKey::hs256(SHARED_KID, SHARED_SECRET).expect("a good secret");
    let keys = KeySet::new(vec![ed25519, shared], None).expect("there are keys");
    let (clock, _) = Clock::manual(Timestamp::from_second(NOW).expect("a time"));
    Verifier::new(ISSUER, AUDIENCE, keys.verification().clone(), clock)
});

static PAIR: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    let seed = URL_SAFE_NO_PAD.decode(SEED).expect("base64url");
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("a good seed")
});

/// A token as it stands, or, after a first line `EdDSA` or `HS256`, a line with its header and its payload, which are
/// signed here with that key, since no fuzzer finds a signature. Accepted when the verifier accepts it.
pub fn token_verifier(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let signer = [("EdDSA\n", Signer::Ed25519), ("HS256\n", Signer::Shared)];
    let signed = signer.into_iter().find_map(|(line, signer)| Some((signer, text.strip_prefix(line)?)));
    let token = signed.map_or_else(
        || text.to_owned(),
        |(signer, text)| {
            let (header, payload) = text.split_once('\n').unwrap_or((text, ""));
            signer.token(header, payload)
        },
    );
    match VERIFIER.verify(&token) {
        Ok(verified) => {
            assert_deserved(&token, &verified);
            assert_bound_to_its_signature(&token);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[derive(Clone, Copy)]
enum Signer {
    Ed25519,
    Shared,
}

impl Signer {
    fn sign(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519 => PAIR.sign(message).as_ref().to_vec(),
            Self::Shared => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SHARED_SECRET), message).as_ref().to_vec(),
        }
    }

    fn is_signature(self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519 => UnparsedPublicKey::new(&ED25519, PAIR.public_key()).verify(message, signature).is_ok(),
            Self::Shared => constant_time::verify_slices_are_equal(&self.sign(message), signature).is_ok(),
        }
    }

    fn token(self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Every rule once more, by another reading of the token.
fn assert_deserved(token: &str, verified: &VerifiedToken) {
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    assert!(token.len() <= 8 * 1024, "a token is small");
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("a part is base64url");
    let fields = |part: &str| fields(&bytes(part));
    let message =
        token.strip_suffix(signature).and_then(|head| head.strip_suffix('.')).expect("a signature at the end");
    let (header, claims) = (fields(header), fields(payload));
    let signer = match (header["kid"].as_str(), header["alg"].as_str()) {
        (Some(ED25519_KID), Some("EdDSA" | "Ed25519")) => Signer::Ed25519,
        (Some(SHARED_KID), Some("HS256")) => Signer::Shared,
        other => panic!("accepted with {other:?}"),
    };
    assert!(signer.is_signature(message.as_bytes(), &bytes(signature)), "accepted without its signature");
    assert!(header["typ"].as_str().is_some_and(|typ| typ.to_ascii_lowercase().ends_with("at+jwt")));
    assert!(
        ["crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "enc", "zip", "cty"]
            .iter()
            .all(|name| !header.contains_key(*name))
    );
    assert_claims(&claims);
    assert_eq!(claims["tenant"], &**verified.tenant());
    assert_eq!(claims["client_id"], &**verified.client_id());
    let is_limited = ["stores", "organizations"].iter().any(|name| claims.contains_key(*name));
    assert_eq!(verified.grants().may_read_all(), !is_limited, "a token with neither list reads all");
}

/// The fields of a part. One that only the verifier's contempt for unknown claims lets pass is null.
fn fields(part: &[u8]) -> Map<String, Value> {
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(part).expect("a part is an object");
    fields.into_iter().map(|(name, value)| (name, serde_json::from_str(value.get()).unwrap_or_default())).collect()
}

fn assert_claims(claims: &Map<String, Value>) {
    assert_eq!(claims["iss"], ISSUER);
    let audiences = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
    assert!(audiences.contains(&AUDIENCE.into()) && audiences.iter().all(Value::is_string), "{audiences:?}");
    for name in ["sub", "jti", "client_id", "tenant"] {
        assert!(claims[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    let time = |name: &str| claims.get(name).map(|time| time.as_f64().expect("a time is a number"));
    let (earliest, latest) = ((NOW - LEEWAY) as f64, (NOW + LEEWAY) as f64);
    assert!(time("exp").is_some_and(|exp| exp > earliest), "accepted after its end");
    assert!(time("nbf").is_none_or(|nbf| nbf <= latest), "accepted before its time");
    assert!(time("iat").is_some(), "accepted without the time of its issue");
    let stores = claims.get("stores").map(|stores| stores.as_array().expect("stores are a list"));
    assert!(claims["scope"].is_string() && stores.is_none_or(|stores| stores.iter().all(Value::is_string)));
}

/// No other signature does: none, another key's, or its own with a bit changed.
fn assert_bound_to_its_signature(token: &str) {
    let (message, signature) = token.rsplit_once('.').expect("a signature at the end");
    let mut changed = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    if let Some(byte) = changed.first_mut() {
        *byte ^= 1;
    }
    let foreign = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, PAIR.public_key().as_ref()), message.as_bytes());
    for other in [&[][..], &changed, foreign.as_ref()] {
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(other));
        assert!(VERIFIER.verify(&forged).is_err(), "a forged token is accepted");
    }
}
