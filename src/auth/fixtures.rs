//! A complete `[auth]` for tests: two keys, a client with a made secret, one with a chosen secret, and one with few
//! stores. It can also sign any token that a test expects to be refused.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use toml::Table;

use super::issue::TokenGrant;
use super::keys::ServiceKey;
use super::scope::Scopes;
use super::secrets::sha256_hex;
use super::{Auth, AuthSettings};
use crate::clock::{Clock, ManualClock};
use crate::settings::{Report, Section};
use crate::vendors::Vendors;

pub(crate) const ISSUER: &str = "https://storegate.example.com";
/// 2026-11-22T02:00:00Z.
pub(crate) const NOW: i64 = 1_795_312_800;
pub(crate) const MADE_SECRET: &str = "sgs_a-secret-that-only-tests-know";
pub(crate) const CHOSEN_SECRET: &str = "correct horse: 100 %";
pub(crate) const SHARED_SECRET: &str = "a-shared-secret-that-only-tests-know";
/// The key of RFC 8037, appendix A.1.
pub(crate) const PEM_BODY: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

pub(crate) fn toml() -> String {
    let made = sha256_hex(&SecretString::from(MADE_SECRET));
    let chosen = quick_argon2(CHOSEN_SECRET);
    format!(
        r#"
[auth]
[auth.keys.2026-11]
private_key = """
-----BEGIN PRIVATE KEY-----
{PEM_BODY}
-----END PRIVATE KEY-----
"""
[auth.keys.2025-shared]
secret = "{SHARED_SECRET}"
[auth.clients.dashboard]
tenant = "acme"
scopes = ["stores:read", "flow:read"]
secret_sha256 = "{made}"
[auth.clients."ada:lovelace"]
tenant = "acme"
scopes = ["stores:read"]
secret_argon2 = "{chosen}"
[auth.clients.branch]
tenant = "acme"
scopes = ["flow:read"]
secret_sha256 = "{made}"
stores = ["S_123456"]
"#
    )
}

/// Returns an Argon2id hash that is quick to check, for tests only.
pub(crate) fn quick_argon2(secret: &str) -> String {
    let argon2 = Argon2::from(Params::new(8, 1, 1, None).unwrap());
    let hash: PasswordHash = argon2.hash_password(secret.as_bytes()).unwrap();
    hash.to_string()
}

pub(crate) fn settings() -> AuthSettings {
    let table: Table = toml().parse().unwrap();
    let report = Report::default();
    let section = Section::root(&table, &report).section("auth");
    let settings =
        AuthSettings::read(&section, Some(ISSUER), &["acme".to_owned()], &Scopes::default(), &Vendors::default().ids());
    report.finish(&table).unwrap();
    settings
}

pub(crate) fn clock() -> (Clock, ManualClock) {
    Clock::manual(jiff::Timestamp::from_second(NOW).unwrap())
}

pub(crate) fn auth() -> (Auth, ManualClock) {
    let (clock, hand) = clock();
    (Auth::new(settings(), clock).unwrap(), hand)
}

/// Returns a token for the client `dashboard`, as the token endpoint issues it.
pub(crate) fn token(auth: &Auth, scopes: &[&str], stores: Option<&[&str]>) -> String {
    let grant = TokenGrant {
        client_id: "dashboard".to_owned(),
        subject: None,
        tenant: "acme".to_owned(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        stores: stores.map(|stores| stores.iter().map(|&id| id.to_owned()).collect()),
        organizations: None,
        lifetime: None,
    };
    auth.issuer().unwrap().issue(grant).unwrap().token.expose_secret().to_owned()
}

pub(crate) fn ed25519_key() -> ServiceKey {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{PEM_BODY}\n-----END PRIVATE KEY-----\n");
    ServiceKey::private("2026-11", &SecretString::from(pem)).unwrap()
}

pub(crate) fn shared_key() -> ServiceKey {
    ServiceKey::hs256("2025-shared", SHARED_SECRET.as_bytes()).unwrap()
}

/// Signs any header and payload with the key, whatever the header states.
pub(crate) fn sign(header: &Value, payload: &str, key: &ServiceKey) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(&header.to_string()), part(payload));
    let signing = key.signing.as_ref().unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signing.encoding, signing.jws).unwrap();
    format!("{message}.{signature}")
}
