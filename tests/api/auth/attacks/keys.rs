//! Keys that must not be used: weak ones, of another kind, off their curve, or such that everybody can sign for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::keys::{KeySet, ServiceKey};
use storegate::config::Settings;

use super::{Target, claims, new_key, status, trusting, without};
use crate::app::TestApp;
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

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
    let document = KeySet::new(vec![ServiceKey::private("k", &private).unwrap()], None).unwrap().public_document();
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
async fn a_token_of_a_removed_key_is_refused() {
    let target = Target::start();
    let without_it = TestApp::spawn();
    let bearer = format!("Bearer {}", target.valid());
    let answer = without_it.send("GET", FLOW, &[("authorization", &bearer)], "").await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid-token"));
    target.assert_still_open().await;
}

#[actix_web::test]
async fn too_many_keys_with_one_id_verify_no_token() {
    let key = || ProviderKey::new("k", KeyAlgorithm::Es256);
    let keys: Vec<ProviderKey> = (0..9).map(|_| key()).collect();
    let (app, provider) = trusting(&keys.iter().collect::<Vec<_>>(), "audience = \"storegate\"");
    let nameless = |key: &ProviderKey| key.token_with(&without(key.header(), "kid"), &provider.claims());
    for token in [keys[0].token(&provider.claims()), keys[8].token(&provider.claims()), nameless(&keys[0])] {
        let answer = app.get_with_token(&token, FLOW).await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("Too many keys of its issuer"), "{}", answer.text());
    }
    assert_eq!(app.auth.get().verifier.signatures_checked(), 0, "none of so many keys is tried");

    let (app, provider) = trusting(&keys.iter().take(8).collect::<Vec<_>>(), "audience = \"storegate\"");
    assert_eq!(status(&app, &keys[7].token(&provider.claims())).await, 200);
    assert_eq!(app.auth.get().verifier.signatures_checked(), 8);
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
