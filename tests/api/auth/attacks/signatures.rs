//! Attacks on tokens, each against the running service, each failing closed. The numbers are those of RFC 8725 §2.
//!
//! | attack | test |
//! |---|---|
//! | 2.1 `alg: none`, in any case, with and without a signature | `an_unsigned_token_is_refused` |
//! | 2.1 the public RSA key as HMAC secret: PEM, DER, PKCS#1, modulus | `the_public_key_is_no_shared_secret` |
//! | 2.1 another algorithm than the key's, with its very key | `the_header_does_not_choose_the_algorithm` |
//! | 2.1 no signature check: a changed header, payload or signature | `a_changed_token_is_refused` |
//! | 2.2 weak secrets and keys | `weak_keys_do_not_start` |
//! | 2.2 a public key, a certificate or a JWK as shared secret | `a_key_of_another_kind_as_shared_secret_does_not_start` |
//! | 2.2 an Ed25519 key of small order, which fits signatures that nobody made | `a_key_that_signs_everything_does_not_start`, `a_key_that_signs_everything_is_not_taken_from_a_provider` |
//! | 2.3 encrypted tokens, tokens inside tokens | `encrypted_and_nested_tokens_are_refused` |
//! | 2.4 compression | `a_compressed_token_is_refused` |
//! | 2.5 invalid points; signatures of zeros; signatures in DER | `a_key_off_its_curve_does_not_start`, `a_signature_of_zeros_or_in_der_is_refused` |
//! | 2.6 JSON that two readers understand differently: names twice, other encodings | `ambiguous_json_is_refused` |
//! | 2.6 base64url with bits that stand for nothing | `base64url_that_is_not_canonical_is_refused` |
//! | 2.6 JSON serialisation, more or fewer parts, padding, blanks | `other_serialisations_are_refused` |
//! | 2.7 tokens for others, and of others | `a_token_for_or_of_somebody_else_is_refused` |
//! | 2.8 tokens of another kind: ID, logout, refresh | `a_token_of_another_kind_is_refused` |
//! | 2.9 a `kid` that is a path, a query or a command | `a_hostile_kid_leads_nowhere` |
//! | 2.9 `jku`, `x5u`: the server fetches what the token names | `an_address_in_a_token_is_not_fetched`, `a_key_or_an_address_in_a_providers_token_is_not_used` |
//! | §3.10 a key in the token: `jwk`, `x5c`, `x5t` | `a_key_in_a_token_is_not_used`, `a_key_or_an_address_in_a_providers_token_is_not_used` |
//! | RFC 7515 §4.1.11 `crit`, RFC 7797 `b64` | `an_extension_is_refused` |
//! | claims missing, null, of another type | `each_missing_or_mistyped_claim_is_refused` |
//! | time: expired, of the future, out of range | `a_token_out_of_its_time_is_refused` |
//! | size: over 8 KiB or what an issuer may send, nested without end | `an_oversize_or_deep_token_is_refused`, `issuers::a_large_token_arrives_where_the_settings_allow_it` |
//! | a removed key | `a_token_of_a_removed_key_is_refused` |
//! | the keys of a trusted issuer for another one's tokens | `an_issuer_cannot_speak_for_another` |
//! | a tenant that the issuer may not speak for | `issuers::an_issuer_reaches_the_tenants_of_its_settings_and_no_other` |
//! | a limit on stores that cannot be read | `issuers::stores_in_a_token_limit_it_to_them`, the unit tests of `src/auth/issuers/claims` |
//! | a revoked token | `revocation`, `issuers::a_token_on_the_list_of_revoked_ones_is_refused_each_time` |
//! | a revoked token with the other signature that fits | `issuers::a_revoked_token_without_an_id_does_not_come_back_by_its_other_signature` |
//! | a remembered token whose key is gone, or that was changed | `issuers::a_key_that_the_provider_withdraws_ends_its_tokens_remembered_or_not`, `a_changed_token_is_refused` |
//! | keys that take all memory: compressed, without end | `issuers::a_compressed_key_set_is_not_inflated`, `issuers::a_key_set_without_end_is_not_read` |
//! | metadata that lead to this machine | the unit tests of `src/auth/issuers/discovery.rs` |
//! | `algorithms`: a provider's public key as shared secret, another algorithm than its key's | `a_providers_public_key_is_no_shared_secret`, `issuers::every_registered_asymmetric_algorithm_is_taken_by_default` |
//! | `audience_clients`: no audience where it is not allowed, a client in a claim that others choose | `a_token_without_audience_opens_nothing_that_the_settings_do_not_say` |
//! | `scope_claim`: claims and objects that look like scopes | `no_other_claim_and_no_other_type_grants_a_scope` |
//! | several sections: the keys, audience, scopes or tenant of one for another's tokens | `no_section_lends_anything_to_another`, `issuers::two_sections_of_an_issuer_decide_alone_and_share_one_fetch` |
//! | `id_tokens`, `required_claims`: tokens of another kind | `a_providers_token_of_another_kind_is_refused` |
//! | a `kid` that several keys share, or none: another's key, or too many to try | `keys_without_an_id_of_their_own_open_no_door`, `issuers::keys_that_share_an_id_are_told_apart_by_their_signatures` |
//! | 2.2 RSA keys with the ROCA weakness | `weak_keys_do_not_start`, `a_key_with_the_roca_weakness_is_not_taken_from_a_provider` |
//! | a flood of unknown keys | `issuers::a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute` |

use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::sign as jws;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::keys::{Key, KeySet};
use storegate::auth::private_key;
use storegate::config::Settings;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::tenants::ISSUER;
use crate::app::{NOW, TestApp};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};
use crate::peers::raw_peer::{RawPeer, Then};

/// The service with a key of each asymmetric kind, all of them in the attacker's view but for their private halves; and
/// the private halves, with which the test signs what should be refused for another reason than its signature.
struct Target {
    app: TestApp,
    rsa: SecretString,
    p256: SecretString,
}

impl Target {
    fn start() -> Self {
        // An RSA key takes a while to make, and no test needs one of its own.
        static RSA: LazyLock<SecretString> = LazyLock::new(|| new_key(KeyAlgorithm::Rs256));
        let (rsa, p256) = (RSA.clone(), new_key(KeyAlgorithm::Es256));
        let app = TestApp::with(|setup| {
            setup.set("AUTH__KEYS__RSA__PRIVATE_KEY", rsa.expose_secret());
            setup.set("AUTH__KEYS__P256__PRIVATE_KEY", p256.expose_secret());
        });
        Self { app, rsa, p256 }
    }

    /// Signs with the RSA key, whatever the header says.
    fn sign(&self, header: &str, payload: &str) -> String {
        let key = EncodingKey::from_rsa_pem(self.rsa.expose_secret().as_bytes()).unwrap();
        signed(header, payload, &key, Algorithm::RS256)
    }

    fn sign_header(&self, header: &Value) -> String {
        self.sign(&header.to_string(), &claims().to_string())
    }

    fn sign_claims(&self, claims: &Value) -> String {
        self.sign(&header().to_string(), &claims.to_string())
    }

    fn valid(&self) -> String {
        self.sign_header(&header())
    }

    async fn get(&self, token: &str) -> Answer {
        self.app.send("GET", FLOW, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// The service refuses the token, asks no gateway, and still takes a good one.
    async fn assert_refused(&self, token: &str, what: &str) {
        let answer = self.get(token).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid-token"), "{what}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"storegate\", error=\"invalid_token\""), "{what}: {challenge}");
        assert_eq!(self.app.sandbox().calls(), 0, "{what}");
    }

    /// The end of each test: it was the attack that was refused, not everything.
    async fn assert_still_open(&self) {
        assert_eq!(self.get(&self.valid()).await.status, 200);
    }
}

fn new_key(algorithm: KeyAlgorithm) -> SecretString {
    private_key::generate(algorithm).unwrap()
}

fn signed(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = jws(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "RS256", "kid": "rsa" })
}

fn claims() -> Value {
    let now = NOW.as_second();
    json!({
        "iss": ISSUER, "sub": "dashboard", "aud": "storegate", "exp": now + 900, "iat": now, "jti": "1",
        "client_id": "dashboard", "scope": "flow:read", "tenant": "acme",
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

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[actix_web::test]
async fn an_unsigned_token_is_refused() {
    let target = Target::start();
    let valid = target.valid();
    let [_, payload, signature] = parts(&valid);
    for alg in ["none", "None", "NONE", "nOnE", "", "RS256"] {
        let unsigned = URL_SAFE_NO_PAD.encode(with(header(), "alg", json!(alg)).to_string());
        target.assert_refused(&format!("{unsigned}.{payload}."), alg).await;
        if alg != "RS256" {
            target.assert_refused(&format!("{unsigned}.{payload}.{signature}"), alg).await;
        }
        let nameless = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "at+jwt" }).to_string());
        target.assert_refused(&format!("{nameless}.{payload}."), alg).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn the_public_key_is_no_shared_secret() {
    let target = Target::start();
    let published = target.app.send("GET", "/.well-known/jwks.json", &[], "").await.json();
    let jwk = published["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "rsa").unwrap().clone();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (modulus, exponent) = (number("n"), number("e"));
    let pkcs1 = der_sequence(&[der_integer(&modulus), der_integer(&exponent)].concat());
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bits = [&[0], pkcs1.as_slice()].concat();
    let spki = der_sequence(&[algorithm.as_slice(), &der(3, &bits)].concat());
    let pem = |label: &str, der: &[u8]| {
        let body = STANDARD.encode(der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let spki_pem = pem("PUBLIC KEY", &spki);
    // It is the very key: a reader of PEM finds the published one in it.
    let read_back =
        KeySet::new(vec![Key::private("x", &target.rsa).unwrap(), Key::public("rsa", &spki_pem).unwrap()], None);
    let read_back = serde_json::to_value(read_back.unwrap().public_document()).unwrap();
    assert_eq!(read_back["keys"][0]["n"], jwk["n"]);
    let secrets = [
        ("SPKI in PEM", spki_pem.clone().into_bytes()),
        ("SPKI in PEM without its last line end", spki_pem.trim_end().as_bytes().to_vec()),
        ("PKCS#1 in PEM", pem("RSA PUBLIC KEY", &pkcs1).into_bytes()),
        ("SPKI in DER", spki),
        ("PKCS#1 in DER", pkcs1),
        ("the modulus", modulus),
        ("the modulus as published", jwk["n"].as_str().unwrap().as_bytes().to_vec()),
        ("the JWK", jwk.to_string().into_bytes()),
        ("nothing", Vec::new()),
    ];
    for (what, secret) in secrets {
        let key = EncodingKey::from_secret(&secret);
        let honest = with(header(), "alg", json!("HS256")).to_string();
        target.assert_refused(&signed(&honest, &claims().to_string(), &key, Algorithm::HS256), what).await;
        let dishonest = header().to_string();
        target.assert_refused(&signed(&dishonest, &claims().to_string(), &key, Algorithm::HS256), what).await;
    }
    target.assert_still_open().await;
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
    let head = match length {
        0..=127 => vec![tag, low],
        128..=255 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

fn der_sequence(content: &[u8]) -> Vec<u8> {
    der(0x30, content)
}

/// A positive number: a zero goes before a first bit that is set.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
    der(2, &[sign, number].concat())
}

#[actix_web::test]
async fn the_header_does_not_choose_the_algorithm() {
    let target = Target::start();
    let rsa = EncodingKey::from_rsa_pem(target.rsa.expose_secret().as_bytes()).unwrap();
    for (name, algorithm) in [
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS512", Algorithm::PS512),
    ] {
        let honest = with(header(), "alg", json!(name)).to_string();
        target.assert_refused(&signed(&honest, &claims().to_string(), &rsa, algorithm), name).await;
        target.assert_refused(&signed(&header().to_string(), &claims().to_string(), &rsa, algorithm), name).await;
    }
    for (alg, kid) in [("ES256", "rsa"), ("EdDSA", "rsa"), ("RS256", "p256"), ("RS256", "first"), ("rs256", "rsa")] {
        let crossed = json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
        target.assert_refused(&target.sign_header(&crossed), alg).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_changed_token_is_refused() {
    let target = Target::start();
    let valid = target.valid();
    let [head, payload, signature] = parts(&valid);
    let wider = URL_SAFE_NO_PAD.encode(with(claims(), "tenant", json!("zenith")).to_string());
    let other_head = URL_SAFE_NO_PAD.encode(with(header(), "x", json!(1)).to_string());
    let cut = &signature[..signature.len() - 4];
    for (forged, what) in [
        (format!("{head}.{wider}.{signature}"), "payload"),
        (format!("{other_head}.{payload}.{signature}"), "header"),
        (format!("{head}.{payload}.{cut}"), "cut"),
        (format!("{head}.{payload}.{signature}AAAA"), "longer"),
        (format!("{head}.{payload}.AAAA{signature}"), "shifted"),
    ] {
        target.assert_refused(&forged, what).await;
    }
    // A remembered token is remembered as it was, and lends nothing to another one.
    target.assert_still_open().await;
    assert_eq!(target.get(&format!("{head}.{wider}.{signature}")).await.status, 401);
}

/// What a start with this key says.
fn start_with(setting: &str, value: &str) -> String {
    let sandbox_free = "[server]\npublic_url = \"https://storegate.example.com\"\n";
    let variable = (format!("STOREGATE__AUTH__KEYS__K__{setting}"), value.to_owned());
    Settings::parse(sandbox_free, [variable].into_iter()).unwrap_err().to_string()
}

#[test]
fn weak_keys_do_not_start() {
    let pem = |name: &str| std::fs::read_to_string(format!("src/auth/refused_keys/{name}.pem")).unwrap();
    assert!(start_with("SECRET", "0123456789012345678901234567890").contains("too short: HS256 needs at least 32"));
    assert!(start_with("SECRET", "").contains("the secret is empty"));
    assert!(start_with("SECRET", &"a".repeat(64)).contains("one byte repeated"));
    assert!(start_with("PRIVATE_KEY", &pem("rsa-1024.private")).contains("RS256 needs at least 2048 bits"));
    assert!(start_with("PUBLIC_KEY", &pem("rsa-1024.public")).contains("RS256 needs at least 2048 bits"));
    assert!(start_with("PRIVATE_KEY", &pem("roca.private")).contains("has the ROCA weakness (CVE-2017-15361)"));
    assert!(start_with("PUBLIC_KEY", &pem("roca.public")).contains("has the ROCA weakness (CVE-2017-15361)"));
    assert!(start_with("PRIVATE_KEY", &pem("rsa-exponent-3.private")).contains("public exponent"));
    assert!(start_with("PUBLIC_KEY", &pem("rsa-exponent-3.public")).contains("public exponent"));
}

#[test]
fn a_key_of_another_kind_as_shared_secret_does_not_start() {
    let private = new_key(KeyAlgorithm::Es256);
    let document = KeySet::new(vec![Key::private("k", &private).unwrap()], None).unwrap().public_document();
    let jwk = serde_json::to_string(&document.keys[0]).unwrap();
    let public = std::fs::read_to_string("src/auth/refused_keys/rsa-exponent-3.public.pem").unwrap();
    let body: String = public.lines().filter(|line| !line.starts_with('-')).collect();
    let refused = [
        public.as_str(),
        &format!("\n{public}"),
        &body,
        private.expose_secret(),
        &jwk,
        &format!("{{\"keys\":[{jwk}]}}"),
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea ada@example.com",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA ada@example.com",
    ];
    for secret in refused {
        assert!(start_with("SECRET", secret).contains("no shared secret: whoever has read it could sign"), "{secret}");
    }
}

/// The neutral point of Ed25519: with it as key, the signature of itself and zeros fits every message.
const NEUTRAL: [u8; 32] = *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// A token that nobody signed, and that would be good under the key [`NEUTRAL`].
fn signed_by_nobody(kid: &str, claims: &Value) -> String {
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid });
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode([NEUTRAL, [0; 32]].concat());
    let key = DecodingKey::from_ed_der(&NEUTRAL);
    let fits = jsonwebtoken::crypto::verify(&signature, message.as_bytes(), &key, Algorithm::EdDSA);
    assert!(fits.unwrap(), "the library takes it, so the service must not take the key");
    format!("{message}.{signature}")
}

#[test]
fn a_key_that_signs_everything_does_not_start() {
    let _forged = signed_by_nobody("k", &claims());
    let info = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &NEUTRAL].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(info));
    assert!(start_with("PUBLIC_KEY", &pem).contains("everybody can sign for this Ed25519 key"));
}

#[actix_web::test]
async fn a_key_that_signs_everything_is_not_taken_from_a_provider() {
    let good = ProviderKey::new("good", KeyAlgorithm::EdDsa);
    let provider = IdentityProvider::start(&[]);
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(NEUTRAL), "kid": "weak" });
    provider.publish_document(json!({ "keys": [weak, good.jwk] }));
    let app = TestApp::with(|setup| {
        setup.set("AUTH__ISSUERS__LOGIN__ISSUER", provider.issuer());
        setup.set("AUTH__ISSUERS__LOGIN__AUDIENCE", "storegate");
        setup.set("AUTH__ISSUERS__LOGIN__TENANT", "acme");
    });
    let forged = app.get_with_token(&signed_by_nobody("weak", &provider.claims()), FLOW).await;
    assert_eq!((forged.status, forged.problem().as_str()), (401, "invalid-token"));
    assert_eq!(app.get_with_token(&good.token(&provider.claims()), FLOW).await.status, 200);
}

#[test]
fn a_key_off_its_curve_does_not_start() {
    let point = [&[4_u8], [7; 64].as_slice()].concat();
    let head =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let body = STANDARD.encode([head.as_slice(), &point].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    assert!(start_with("PUBLIC_KEY", &pem).contains("not on its curve"));
}

#[actix_web::test]
async fn a_signature_of_zeros_or_in_der_is_refused() {
    let target = Target::start();
    let head = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "p256" }).to_string();
    let key = EncodingKey::from_ec_pem(target.p256.expose_secret().as_bytes()).unwrap();
    let good = signed(&head, &claims().to_string(), &key, Algorithm::ES256);
    let [header, payload, signature] = parts(&good);
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let asn1 = der_sequence(&[der_integer(r), der_integer(s)].concat());
    for (forged, what) in [
        (vec![0; 64], "zeros"),
        ([&[0; 32], s].concat(), "r = 0"),
        ([r, &[0; 32]].concat(), "s = 0"),
        (vec![0xff; 64], "beyond the order"),
        (asn1, "DER"),
        ([s, r].concat(), "swapped"),
        (signature[..63].to_vec(), "short"),
    ] {
        let forged = format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(forged));
        target.assert_refused(&forged, what).await;
    }
    assert_eq!(target.get(&good).await.status, 200);
}

#[actix_web::test]
async fn encrypted_and_nested_tokens_are_refused() {
    let target = Target::start();
    let encrypted = URL_SAFE_NO_PAD.encode(json!({ "alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa" }).to_string());
    target.assert_refused(&format!("{encrypted}.AAAA.AAAA.AAAA.AAAA"), "five parts").await;
    target.assert_refused(&target.sign_header(&with(header(), "enc", json!("A256GCM"))), "enc").await;
    target.assert_refused(&target.sign_header(&with(header(), "cty", json!("JWT"))), "cty").await;
    target.assert_refused(&target.sign(&header().to_string(), &target.valid()), "a token as payload").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_compressed_token_is_refused() {
    let target = Target::start();
    target.assert_refused(&target.sign_header(&with(header(), "zip", json!("DEF"))), "zip").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn ambiguous_json_is_refused() {
    let target = Target::start();
    let (head, payload) = (header().to_string(), claims().to_string());
    let twice = |object: &str, pair: &str| object.replacen('{', &format!("{{{pair},"), 1);
    for (name, pair) in [
        ("tenant", r#""tenant":"zenith""#),
        ("scope, escaped", r#""\u0073cope":"cache:purge""#),
        ("an unknown claim", r#""x":{"y":1,"y":2}"#),
        ("stores", r#""stores":["S_1"],"stores":["S_123456"]"#),
    ] {
        target.assert_refused(&target.sign(&head, &twice(&payload, pair)), name).await;
    }
    for (name, pair) in [("kid", r#""kid":"p256""#), ("alg", r#""alg":"none""#), ("typ", r#""typ":"JWT""#)] {
        target.assert_refused(&target.sign(&twice(&head, pair), &payload), name).await;
    }
    for (what, payload) in [
        ("behind it", format!("{payload}{payload}")),
        ("byte order mark", format!("\u{feff}{payload}")),
        ("a list", format!("[{payload}]")),
        ("nothing", String::new()),
        ("comment", format!("/**/{payload}")),
    ] {
        target.assert_refused(&target.sign(&head, &payload), what).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn other_serialisations_are_refused() {
    let target = Target::start();
    let numbered = |number: u32| target.sign_claims(&with(claims(), "jti", json!(number.to_string())));
    // One whose signature is written in another way by the other alphabet.
    let has_both = |token: &String| parts(token)[2].contains('-') && parts(token)[2].contains('_');
    let valid = (0..).map(numbered).find(has_both).unwrap();
    let [head, payload, signature] = parts(&valid);
    let flattened = json!({ "protected": head, "payload": payload, "signature": signature }).to_string();
    let general =
        json!({ "payload": payload, "signatures": [{ "protected": head, "signature": signature }] }).to_string();
    for (forged, what) in [
        (flattened, "flattened JSON"),
        (general, "general JSON"),
        (format!("{valid}.{signature}"), "four parts"),
        (format!(".{valid}"), "a part before"),
        (format!("{valid}."), "a dot behind"),
        (format!("{payload}.{signature}"), "two parts"),
        (format!("{head}..{signature}"), "no payload"),
        (format!("{head}=.{payload}.{signature}"), "padding"),
        (format!("{head}.{payload}.{signature}="), "padding behind"),
        (format!("{head}.{payload}.{}", signature.replace('-', "+").replace('_', "/")), "the other alphabet"),
        (format!("{head}\u{a0}.{payload}.{signature}"), "not ASCII"),
    ] {
        target.assert_refused(&forged, what).await;
    }
    target.assert_still_open().await;
}

/// The same bytes in base64url, with a bit set that stands for nothing; nothing if there is no such bit.
fn with_spare_bit(part: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let place = ALPHABET.iter().position(|letter| last.as_bytes() == [*letter])?;
    let changed = format!("{rest}{}", char::from(ALPHABET[place ^ 1]));
    let lenient = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
    (lenient.decode(&changed).ok()? == URL_SAFE_NO_PAD.decode(part).ok()?).then_some(changed)
}

#[actix_web::test]
async fn base64url_that_is_not_canonical_is_refused() {
    let target = Target::start();
    // Its signatures have 64 bytes, and so a spare bit.
    let key = EncodingKey::from_ec_pem(target.p256.expose_secret().as_bytes()).unwrap();
    let sign = |message: &str| format!("{message}.{}", jws(message.as_bytes(), &key, Algorithm::ES256).unwrap());
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "p256" });
    // Blanks behind the JSON until there is a spare bit. What is changed is signed as it is, so that the signature fits.
    let encoded = |json: &Value| {
        let padded = (0..3).map(|blanks| URL_SAFE_NO_PAD.encode(format!("{json}{}", " ".repeat(blanks))));
        padded.filter_map(|part| Some((part.clone(), with_spare_bit(&part)?))).next().unwrap()
    };
    let ((head, other_head), (payload, other_payload)) = (encoded(&header), encoded(&claims()));
    target.assert_refused(&sign(&format!("{other_head}.{payload}")), "header").await;
    target.assert_refused(&sign(&format!("{head}.{other_payload}")), "payload").await;
    let valid = sign(&format!("{head}.{payload}"));
    let signature = with_spare_bit(parts(&valid)[2]).unwrap();
    let forged = format!("{head}.{payload}.{signature}");
    target.assert_refused(&forged, "signature").await;
    assert_eq!(target.get(&valid).await.status, 200);
    assert_eq!(target.get(&forged).await.status, 401, "nor when the other one is remembered");
}

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
async fn an_extension_is_refused() {
    let target = Target::start();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
    ] {
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
    for (name, value) in [
        ("exp", json!(now - 30)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MIN)),
        ("exp", json!(u64::MAX)),
        ("exp", json!("1999999999")),
        ("nbf", json!(now + 31)),
        ("nbf", json!(i64::MAX)),
        ("nbf", json!(null)),
        ("nbf", json!(f64::from(i32::MAX) + 0.5)),
        ("exp", json!(1.5)),
        ("exp", json!(1e300)),
    ] {
        target
            .assert_refused(&target.sign_claims(&with(claims(), name, value.clone())), &format!("{name} {value}"))
            .await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn an_oversize_or_deep_token_is_refused() {
    let target = Target::start();
    target.assert_refused(&target.sign_claims(&with(claims(), "x", json!("x".repeat(8192)))), "large").await;
    let deep = claims().to_string().replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(2000), "]".repeat(2000)), 1);
    target.assert_refused(&target.sign(&header().to_string(), &deep), "deep claims").await;
    let deep = header().to_string().replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(2000), "]".repeat(2000)), 1);
    target.assert_refused(&target.sign(&deep, &claims().to_string()), "deep header").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_token_of_a_removed_key_is_refused() {
    let target = Target::start();
    let without_it = TestApp::spawn();
    let bearer = format!("Bearer {}", target.valid());
    let answer = without_it.send("GET", FLOW, &[("authorization", &bearer)], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid-token"));
    target.assert_still_open().await;
}

#[actix_web::test]
async fn an_issuer_cannot_speak_for_another() {
    let (one, two) = (ProviderKey::new("k", KeyAlgorithm::Es256), ProviderKey::new("k", KeyAlgorithm::Es256));
    let (first, second) = (IdentityProvider::start(&[&one]), IdentityProvider::start(&[&two]));
    let app = TestApp::with(|setup| {
        for (name, provider, tenant) in [("ONE", &first, "acme"), ("TWO", &second, "zenith")] {
            setup.set(&format!("AUTH__ISSUERS__{name}__ISSUER"), provider.issuer());
            setup.set(&format!("AUTH__ISSUERS__{name}__AUDIENCE"), "storegate");
            setup.set(&format!("AUTH__ISSUERS__{name}__TENANT"), tenant);
        }
    });
    let status =
        async |token: String| app.send("GET", FLOW, &[("authorization", &format!("Bearer {token}"))], "").await.status;
    assert_eq!(status(one.token(&first.claims())).await, 200);
    assert_eq!(status(two.token(&second.claims())).await, 404, "it is let in, and zenith has no such store");
    assert_eq!(status(one.token(&second.claims())).await, 401);
    assert_eq!(status(two.token(&first.claims())).await, 401);
    assert_eq!(status(one.token(&claims())).await, 401, "nor for the service itself");
    let ours = app.token("dashboard");
    let [head, _, signature] = parts(&ours);
    let as_theirs = URL_SAFE_NO_PAD.encode(first.claims().to_string());
    assert_eq!(status(format!("{head}.{as_theirs}.{signature}")).await, 401);
}

/// The service with one trusted issuer of these keys and settings.
fn trusting(keys: &[&ProviderKey], settings: &str) -> (TestApp, IdentityProvider) {
    let provider = IdentityProvider::start(keys);
    let section = format!("[auth.issuers.login]\nissuer = \"{}\"\ntenant = \"acme\"\n{settings}\n", provider.issuer());
    let app = TestApp::with(|setup| setup.more = section);
    (app, provider)
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get_with_token(token, FLOW).await.status
}

#[actix_web::test]
async fn a_providers_public_key_is_no_shared_secret() {
    let (rsa, ec) = (ProviderKey::new("rsa", KeyAlgorithm::Rs256), ProviderKey::new("ec", KeyAlgorithm::Es512));
    let (app, provider) = trusting(&[&rsa.without("alg"), &ec.without("alg")], "audience = \"storegate\"");
    let claims = provider.claims().to_string();
    for key in [&rsa, &ec] {
        let number = |name: &str| key.jwk[name].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
        let secrets = [number("n"), number("x"), number("y"), Some(key.jwk.to_string().into_bytes()), Some(Vec::new())];
        for secret in secrets.into_iter().flatten() {
            let secret = EncodingKey::from_secret(&secret);
            for (alg, algorithm) in
                [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)]
            {
                let header = with(key.header(), "alg", json!(alg)).to_string();
                assert_eq!(status(&app, &signed(&header, &claims, &secret, algorithm)).await, 401, "{alg}");
            }
            let dishonest = key.header().to_string();
            assert_eq!(status(&app, &signed(&dishonest, &claims, &secret, Algorithm::HS256)).await, 401);
        }
        for alg in ["none", "", "NONE"] {
            let header = URL_SAFE_NO_PAD.encode(with(key.header(), "alg", json!(alg)).to_string());
            assert_eq!(status(&app, &format!("{header}.{}.", URL_SAFE_NO_PAD.encode(&claims))).await, 401, "{alg}");
        }
    }
    for (key, other) in [(&rsa, "ES512"), (&ec, "RS256"), (&ec, "ES256"), (&ec, "ES384"), (&rsa, "PS256")] {
        let crossed = key.token_with(&with(key.header(), "alg", json!(other)), &provider.claims());
        assert_eq!(status(&app, &crossed).await, 401, "{other}");
    }
    assert_eq!(status(&app, &ec.token(&provider.claims())).await, 200);
    assert_eq!(status(&app, &rsa.token(&provider.claims())).await, 200);
}

#[actix_web::test]
async fn a_key_or_an_address_in_a_providers_token_is_not_used() {
    let (good, own) = (ProviderKey::new("k", KeyAlgorithm::Es256), ProviderKey::new("k", KeyAlgorithm::Es256));
    let (app, provider) = trusting(&[&good], "audience = \"storegate\"");
    let attacker = RawPeer::start(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", b"", Then::Close);
    let address = format!("http://{}/keys", attacker.address());
    for (name, value) in [
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("jwk", own.jwk.clone()),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("x")),
    ] {
        let forged = own.token_with(&with(own.header(), name, value.clone()), &provider.claims());
        assert_eq!(status(&app, &forged).await, 401, "{name}");
        let nameless = without(with(own.header(), name, value.clone()), "kid");
        assert_eq!(status(&app, &own.token_with(&nameless, &provider.claims())).await, 401, "{name}, no kid");
        let honest = good.token_with(&with(good.header(), name, value), &provider.claims());
        assert_eq!(status(&app, &honest).await, 200, "{name} takes nothing away");
    }
    for name in ["crit", "b64", "enc", "zip", "cty"] {
        let extended = good.token_with(&with(good.header(), name, json!(["exp"])), &provider.claims());
        assert_eq!(status(&app, &extended).await, 401, "{name}");
    }
    assert_eq!(attacker.requests(), 0);
}

#[actix_web::test]
async fn a_token_without_audience_opens_nothing_that_the_settings_do_not_say() {
    let key = ProviderKey::new("k", KeyAlgorithm::Es256);
    let (strict, provider) = trusting(&[&key], "audience = \"storegate\"");
    let of = |provider: &IdentityProvider, changes: Value| {
        let mut claims = without(provider.claims(), "aud");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key.token(&claims)
    };
    for changes in [json!({}), json!({ "aud": [] }), json!({ "aud": null }), json!({ "client_id": "storegate" })] {
        assert_eq!(status(&strict, &of(&provider, changes.clone())).await, 401, "{changes}");
    }
    let (app, provider) = trusting(&[&key], "audience_clients = [\"portal\"]");
    for (changes, expected) in [
        (json!({}), 200),
        (json!({ "aud": [] }), 200),
        (json!({ "azp": "portal", "cid": "portal" }), 200),
        (json!({ "client_id": "attacker" }), 401),
        (json!({ "client_id": "attacker", "azp": "portal", "cid": "portal", "appid": "portal" }), 401),
        (json!({ "client_id": "portal", "azp": "attacker" }), 401),
        (json!({ "client_id": "portal", "appid": "attacker" }), 401),
        (json!({ "client_id": ["portal"] }), 401),
        (json!({ "client_id": "attacker", "sub": "portal" }), 401),
        (json!({ "aud": "portal" }), 401),
        (json!({ "aud": "another-service" }), 401),
        (json!({ "aud": null }), 401),
        (json!({ "aud": {} }), 401),
        (json!({ "token_use": "id" }), 401),
    ] {
        assert_eq!(status(&app, &of(&provider, changes.clone())).await, expected, "{changes}");
    }
    let (named, provider) = trusting(&[&key], "audience_clients = [\"portal\"]\nclient_id_claim = \"azp\"");
    assert_eq!(
        status(&named, &of(&provider, json!({ "client_id": "portal" }))).await,
        401,
        "only the claim that is named"
    );
    assert_eq!(status(&named, &of(&provider, json!({ "azp": "portal", "client_id": "x" }))).await, 200);
}

#[actix_web::test]
async fn no_other_claim_and_no_other_type_grants_a_scope() {
    let key = ProviderKey::new("k", KeyAlgorithm::Es256);
    let settings = "audience = \"storegate\"\nscope_claim = [\"access.scopes\", \"roles\"]";
    let (app, provider) = trusting(&[&key], settings);
    for (changes, expected) in [
        (json!({ "roles": ["flow:read"] }), 200),
        (json!({ "access": { "scopes": { "flow:read": {"x": 1} } } }), 200),
        (json!({ "scope": "flow:read", "scp": "flow:read", "permissions": ["flow:read"] }), 403),
        (json!({ "roles": { "flow:read": false } }), 403),
        (json!({ "roles": { "x": { "flow:read": true } } }), 403),
        (json!({ "roles": { "flow": { "read": true } } }), 403),
        (json!({ "access": { "flow:read": true } }), 403),
        (json!({ "roles": "flow:readx xflow:read FLOW:READ flow: read" }), 403),
        (json!({ "roles": ["flow:read cache:purge"] }), 403),
        (json!({ "access.scopes": ["none"], "access": { "scopes": ["flow:read"] } }), 403),
        (json!({ "roles": [["flow:read"]] }), 401),
        (json!({ "roles": [{ "flow:read": true }] }), 401),
        (json!({ "roles": true }), 401),
        (json!({ "access": "flow:read" }), 401),
        (json!({ "access": ["scopes"], "roles": ["flow:read"] }), 401),
    ] {
        let mut claims = without(provider.claims(), "scope");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(status(&app, &key.token(&claims)).await, expected, "{changes}");
    }
}

#[actix_web::test]
async fn no_section_lends_anything_to_another() {
    let (one, two) = (ProviderKey::new("k", KeyAlgorithm::Es256), ProviderKey::new("k", KeyAlgorithm::Es256));
    let (first, second) = (IdentityProvider::start(&[&one]), IdentityProvider::start(&[&two]));
    let issuer = "https://login.example.com";
    let app = TestApp::with(|setup| {
        setup.more = format!(
            r#"
[auth.issuers.a]
issuer = "{issuer}"
jwks_uri = "{}/keys"
audience = "a"
scope_claim = "scp"
tenant = "zenith"
[auth.issuers.b]
issuer = "{issuer}"
jwks_uri = "{}/keys"
audience_clients = ["b"]
scope_claim = "roles"
typ = ["JWT"]
id_tokens = true
token_size = "16KiB"
required_claims = {{ kind = "b" }}
tenant = "acme"
"#,
            first.issuer(),
            second.issuer(),
        );
    });
    let base = || with(without(first.claims(), "aud"), "iss", json!(issuer));
    let of = |key: &ProviderKey, typ: &str, changes: Value| {
        let mut claims = without(without(base(), "scope"), "client_id");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key.token_with(&with(key.header(), "typ", json!(typ)), &claims)
    };
    let a = || json!({ "aud": "a", "scp": "flow:read", "client_id": "x" });
    let b = || json!({ "client_id": "b", "roles": ["flow:read"], "kind": "b" });
    let and = |mut claims: Value, name: &str, value: Value| {
        claims[name] = value;
        claims
    };
    assert_eq!(status(&app, &of(&one, "at+jwt", a())).await, 404, "zenith has no such store");
    assert_eq!(status(&app, &of(&two, "JWT", b())).await, 200);
    assert_eq!(status(&app, &of(&two, "JWT", and(b(), "at_hash", json!("x")))).await, 200);
    assert_eq!(status(&app, &of(&two, "JWT", and(b(), "x", json!("x".repeat(9000))))).await, 200);
    for (what, token, expected) in [
        ("the other's key", of(&two, "at+jwt", a()), 401),
        ("the other's key", of(&one, "JWT", b()), 401),
        ("the other's typ", of(&one, "JWT", a()), 401),
        ("the other's typ", of(&two, "at+jwt", b()), 401),
        ("the other's missing audience", of(&one, "at+jwt", and(without(a(), "aud"), "client_id", json!("b"))), 401),
        ("the other's audience", of(&two, "JWT", and(b(), "aud", json!("a"))), 401),
        (
            "the other's scopes",
            of(&one, "at+jwt", json!({ "aud": "a", "roles": ["flow:read"], "client_id": "x" })),
            403,
        ),
        ("the other's scopes", of(&two, "JWT", json!({ "client_id": "b", "scp": "flow:read", "kind": "b" })), 403),
        ("the other's leave for ID tokens", of(&one, "at+jwt", and(a(), "at_hash", json!("x"))), 401),
        ("the other's size", of(&one, "at+jwt", and(a(), "x", json!("x".repeat(9000)))), 401),
        ("without what is required", of(&two, "JWT", and(b(), "kind", json!("a"))), 401),
    ] {
        assert_eq!(status(&app, &token).await, expected, "{what}");
    }
}

#[actix_web::test]
async fn a_providers_token_of_another_kind_is_refused() {
    let key = ProviderKey::new("k", KeyAlgorithm::Es256);
    let settings = "audience = \"storegate\"\ntyp = [\"JWT\"]\nrequired_claims = { token_use = \"access\" }";
    let (app, provider) = trusting(&[&key], settings);
    let of = |typ: Option<&str>, changes: Value| {
        let mut claims = with(provider.claims(), "token_use", json!("access"));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let header = match typ {
            Some(typ) => with(key.header(), "typ", json!(typ)),
            None => without(key.header(), "typ"),
        };
        key.token_with(&header, &claims)
    };
    for (typ, changes, expected) in [
        (Some("JWT"), json!({}), 200),
        (Some("JWT"), json!({ "token_use": "id" }), 401),
        (Some("JWT"), json!({ "token_use": null }), 401),
        (Some("JWT"), json!({ "token_use": { "access": true } }), 401),
        (Some("JWT"), json!({ "token_use": "Access" }), 401),
        (Some("JWT"), json!({ "at_hash": "x" }), 401),
        (Some("JWT"), json!({ "c_hash": "x" }), 401),
        (Some("JWT"), json!({ "events": {} }), 401),
        (Some("JWT"), json!({ "typ": "ID" }), 401),
        (Some("JWT"), json!({ "typ": "Refresh" }), 401),
        (Some("JWT"), json!({ "tokenType": "refresh-token" }), 401),
        (Some("at+jwt"), json!({}), 401),
        (Some("logout+jwt"), json!({}), 401),
        (None, json!({}), 401),
    ] {
        assert_eq!(status(&app, &of(typ, changes.clone())).await, expected, "{typ:?} {changes}");
    }
}

#[actix_web::test]
async fn keys_without_an_id_of_their_own_open_no_door() {
    let key = || ProviderKey::new("k", KeyAlgorithm::Es256);
    let keys: Vec<ProviderKey> = (0..9).map(|_| key()).collect();
    let (app, provider) = trusting(&keys.iter().collect::<Vec<_>>(), "audience = \"storegate\"");
    let nameless = |key: &ProviderKey| key.token_with(&without(key.header(), "kid"), &provider.claims());
    for token in [keys[0].token(&provider.claims()), keys[8].token(&provider.claims()), nameless(&keys[0])] {
        let answer = app.get_with_token(&token, FLOW).await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("Too many keys of its issuer"), "{}", answer.text());
    }
    assert_eq!(app.auth.get().verifier().signatures_checked(), 0, "none of so many keys is tried");

    let (app, provider) = trusting(&keys.iter().take(8).collect::<Vec<_>>(), "audience = \"storegate\"");
    assert_eq!(status(&app, &keys[7].token(&provider.claims())).await, 200);
    assert_eq!(app.auth.get().verifier().signatures_checked(), 8);
    for forged in
        [key().token(&provider.claims()), key().token_with(&without(key().header(), "kid"), &provider.claims())]
    {
        assert_eq!(status(&app, &forged).await, 401);
    }
}

#[actix_web::test]
async fn a_key_with_the_roca_weakness_is_not_taken_from_a_provider() {
    let pem = std::fs::read_to_string("src/auth/refused_keys/roca.private.pem").unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let weak = ProviderKey::of_rsa("weak", &STANDARD.decode(body).unwrap());
    let good = ProviderKey::new("good", KeyAlgorithm::Es256);
    let (app, provider) = trusting(&[&weak, &good], "audience = \"storegate\"");
    assert_eq!(status(&app, &weak.token(&provider.claims())).await, 401);
    assert_eq!(status(&app, &good.token(&provider.claims())).await, 200);
}
