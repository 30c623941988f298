//! Tokens as well-known providers make them, by default and by their documentation, each against the settings that
//! `docs/identity-providers.md` has for it. All providers are trusted by one service at once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use toml::Table;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::{NOW, TestApp};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

const DOCUMENT: &str = include_str!("../../../docs/identity-providers.md");

/// A row of the table: the provider's name and its settings.
fn rows() -> Vec<(String, Table)> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ["));
    rows.map(|row| {
        let (name, rest) = row.split_once("](").unwrap();
        let settings = rest.split(" | ").nth(1).unwrap();
        let lines: Vec<&str> = settings.split('`').skip(1).step_by(2).collect();
        (name.to_owned(), lines.join("\n").parse().unwrap_or_else(|error| panic!("{name}: {error}")))
    })
    .collect()
}

/// What a provider sends: which key signs, the header's other members, and the claims besides `iss` and the times.
struct Sample {
    provider: &'static str,
    key: &'static str,
    header: Value,
    claims: Value,
}

fn sample(provider: &'static str, header: Value, claims: Value) -> Sample {
    Sample { provider, key: "rsa", header, claims }
}

const JWT: fn() -> Value = || json!({ "typ": "JWT" });
const BARE: fn() -> Value = || json!({});
const AT_JWT: fn() -> Value = || json!({ "typ": "at+jwt" });

#[expect(clippy::too_many_lines, reason = "a table of tokens")]
fn samples() -> Vec<Sample> {
    let app = "22222222-2222-2222-2222-222222222222";
    let api = "https://storegate.example.com";
    vec![
        sample(
            "Auth0",
            JWT(),
            json!({
                "sub": "google-oauth2|108", "aud": [api, "https://acme.eu.auth0.com/userinfo"], "azp": "my_client_id",
                "scope": "openid profile", "permissions": ["flow:read"],
            }),
        ),
        sample(
            "Auth0",
            AT_JWT(),
            json!({
                "sub": "my_client_id@clients", "aud": api, "client_id": "my_client_id", "jti": "x", "scope": "flow:read",
            }),
        ),
        sample(
            "Okta, custom authorization server",
            BARE(),
            json!({
                "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "aud": "api://default",
                "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00ucmukel4KHsPARU0h7", "scp": ["openid", "flow:read"],
                "auth_time": NOW.as_second(), "sub": "ada@example.com",
            }),
        ),
        sample(
            "Keycloak",
            JWT(),
            json!({
                "jti": "b1384883", "aud": ["storegate", "account"], "sub": "f:1", "typ": "Bearer", "azp": "portal",
                "sid": "1", "acr": "1", "allowed-origins": ["https://portal.example.com"],
                "realm_access": { "roles": ["offline_access", "uma_authorization"] },
                "resource_access": { "storegate": { "roles": ["flow:read"] }, "account": { "roles": ["view-profile"] } },
                "scope": "openid email profile", "email_verified": true, "preferred_username": "ada",
            }),
        ),
        sample(
            "Entra ID, v2.0 tokens",
            JWT(),
            json!({
                "aud": app, "nbf": NOW.as_second(), "aio": "A", "azp": "3333", "azpacr": "0", "name": "Ada", "oid": "4444",
                "preferred_username": "ada@example.com", "rh": "0.", "scp": "flow:read", "sub": "x", "tid": "1111",
                "uti": "y", "ver": "2.0",
            }),
        ),
        sample(
            "Entra ID, v2.0 tokens",
            JWT(),
            json!({
                "aud": app, "nbf": NOW.as_second(), "azp": "3333", "azpacr": "1", "oid": "4444", "roles": ["flow:read"],
                "sub": "4444", "tid": "1111", "uti": "y", "ver": "2.0", "idtyp": "app",
            }),
        ),
        sample(
            "Entra ID, v1.0 tokens",
            json!({ "typ": "JWT", "x5t": "thumbprint" }),
            json!({
                "aud": format!("api://{app}"), "nbf": NOW.as_second(), "acr": "1", "appid": "3333", "appidacr": "1",
                "ipaddr": "192.0.2.1", "oid": "4444", "scp": "flow:read", "sub": "x", "tid": "1111",
                "unique_name": "ada@example.com", "upn": "ada@example.com", "uti": "y", "ver": "1.0",
            }),
        ),
        sample(
            "AD FS 2016 and later",
            json!({ "typ": "JWT", "x5t": "thumbprint", "kid": null }),
            json!({
                "aud": api, "apptype": "Confidential", "appid": "3333", "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                "auth_time": "2026-11-22T02:00:00.000Z", "ver": "1.0", "scp": "openid flow:read",
            }),
        ),
        sample(
            "AWS Cognito",
            BARE(),
            json!({
                "sub": "aaaaaaaa-bbbb", "device_key": "x", "cognito:groups": ["testGroup"], "version": 2,
                "client_id": "3n4b5urk1ft4fl3mg5e62d9ado", "origin_jti": "o", "event_id": "e", "token_use": "access",
                "scope": "phone openid storegate/flow:read", "auth_time": NOW.as_second(), "jti": "j", "username": "ada",
            }),
        ),
        sample(
            "Google, service accounts",
            JWT(),
            json!({
                "aud": api, "azp": "1234567890", "email": "reports@acme-shop.iam.gserviceaccount.com",
                "email_verified": true, "sub": "1234567890",
            }),
        ),
        sample(
            "PingOne",
            BARE(),
            json!({
                "client_id": "3333", "jti": "j", "aud": [api], "env": "1111", "org": "5555", "p1.rid": "6666",
                "scope": "flow:read", "sub": "4444", "sid": "7777",
            }),
        ),
        sample("PingOne", AT_JWT(), json!({ "client_id": "3333", "aud": [api], "scope": "flow:read" })),
        sample(
            "WorkOS, session tokens",
            JWT(),
            json!({
                "sub": "user_01", "client_id": "client_01EXAMPLE", "org_id": "org_01", "role": "member",
                "roles": ["member"], "permissions": ["posts:read", "flow:view"], "entitlements": ["audit-logs"],
                "sid": "session_01", "jti": "j",
            }),
        ),
        sample(
            "WorkOS Connect",
            JWT(),
            json!({
                "aud": "client_01EXAMPLE", "sub": "client_02", "client_id": "client_02", "org_id": "org_01",
                "scope": "flow:read", "jti": "j",
            }),
        ),
        Sample {
            provider: "Logto",
            key: "es384",
            header: AT_JWT(),
            claims: json!({
                "jti": "j", "sub": "foo", "scope": "flow:read", "client_id": "app", "aud": api,
            }),
        },
        sample(
            "Zitadel",
            BARE(),
            json!({
                "sub": "1739923", "aud": ["1739924@storegate", "173992350249156971"], "nbf": NOW.as_second(), "jti": "j",
                "azp": "1739924@storegate", "client_id": "1739924@storegate",
                "urn:zitadel:iam:org:project:roles": { "shop-reader": { "173992": "acme.zitadel.cloud" }, "x": {} },
            }),
        ),
        sample(
            "Authentik",
            JWT(),
            json!({
                "sub": "hash", "aud": "p7lQTS3bW7FBH0Ma", "auth_time": NOW.as_second(), "acr": "goauthentik.io/providers/oauth2/default",
                "azp": "p7lQTS3bW7FBH0Ma", "uid": "u", "scope": "openid flow:read",
            }),
        ),
        sample(
            "Authelia",
            AT_JWT(),
            json!({
                "aud": [api], "client_id": "portal", "jti": "j", "nbf": NOW.as_second(), "scope": "openid flow:read",
                "sub": "ada", "auth_time": NOW.as_second(),
            }),
        ),
        sample(
            "Ory Hydra",
            JWT(),
            json!({
                "aud": [], "client_id": "portal", "ext": {}, "jti": "j", "nbf": NOW.as_second(), "scp": ["flow:read"], "sub": "portal",
            }),
        ),
        sample(
            "Dex",
            BARE(),
            json!({
                "sub": "CgR0ZXN0EgVsb2NhbA", "aud": "portal", "at_hash": "4PPH9QsJ8jNwVdDLk0bXXg", "email": "ada@example.com",
                "email_verified": true, "groups": ["shop-readers", "staff"], "name": "ada",
            }),
        ),
        sample(
            "FusionAuth",
            JWT(),
            json!({
                "aud": "85a03867-dccf-4882-adde-1a79aeec50df", "sub": "858a4b01", "jti": "j",
                "authenticationType": "PASSWORD", "applicationId": "85a03867-dccf-4882-adde-1a79aeec50df",
                "scope": "openid offline_access", "roles": ["shop-reader"], "sid": "s", "tid": "t",
            }),
        ),
        sample(
            "Cloud Foundry UAA",
            json!({ "typ": "JWT", "jku": "https://uaa.example.com/token_keys" }),
            json!({
                "jti": "j", "sub": "portal", "authorities": ["storegate.flow:read"], "scope": ["storegate.flow:read", "uaa.resource"],
                "client_id": "portal", "cid": "portal", "azp": "portal", "grant_type": "client_credentials",
                "rev_sig": "4161", "zid": "uaa", "aud": ["portal", "storegate", "uaa"],
            }),
        ),
        sample(
            "SAP XSUAA",
            json!({ "typ": "JWT", "jku": "https://acme.authentication.eu10.hana.ondemand.com/token_keys", "jid": "i" }),
            json!({
                "jti": "j", "ext_attr": { "enhancer": "XSUAA", "subaccountid": "s", "zdn": "acme" }, "origin": "sap.default",
                "xs.user.attributes": { "Country": vec!["FR"; 2000] }, "xs.system.attributes": { "xs.rolecollections": ["Reader"] },
                "sub": "u", "scope": ["openid", "storegate!t1234.FlowRead"], "client_id": "sb-storegate!t1234",
                "cid": "sb-storegate!t1234", "azp": "sb-storegate!t1234", "grant_type": "authorization_code",
                "user_name": "ada", "zid": "z", "aud": ["openid", "storegate!t1234", "sb-storegate!t1234"],
            }),
        ),
        sample(
            "Duende IdentityServer",
            AT_JWT(),
            json!({
                "nbf": NOW.as_second(), "aud": "storegate", "client_id": "client", "jti": "J", "scope": ["flow:read"],
            }),
        ),
        sample(
            "Casdoor",
            JWT(),
            json!({
                "owner": "acme", "name": "ada", "id": "i", "roles": [{ "owner": "acme", "name": "reader" }], "permissions": [],
                "properties": { "padding": "x".repeat(8000) }, "tokenType": "access-token", "nonce": "n", "tag": "", "scope": "openid flow:read",
                "azp": "014ae4bd048734ca2dea", "sub": "i", "aud": ["014ae4bd048734ca2dea"], "nbf": NOW.as_second(), "jti": "admin/1",
            }),
        ),
        Sample {
            provider: "Supabase",
            key: "es256",
            header: JWT(),
            claims: json!({
                "aud": "authenticated", "sub": "u", "email": "ada@example.com", "phone": "", "role": "authenticated",
                "app_metadata": { "provider": "email", "storegate": ["flow:read"] }, "user_metadata": {}, "aal": "aal1",
                "amr": [{ "method": "password", "timestamp": NOW.as_second() }], "session_id": "s", "is_anonymous": false,
            }),
        },
        sample(
            "Clerk",
            json!({ "typ": "JWT", "cat": "cl_B7d4PD111AAA" }),
            json!({
                "azp": "https://portal.example.com", "fva": [7, -1], "nbf": NOW.as_second(), "sid": "sess_1", "sts": "active",
                "sub": "user_1", "v": 2, "o": { "id": "org_1", "rol": "member", "slg": "acme" }, "fea": "o:dashboard",
            }),
        ),
        sample(
            "Firebase",
            JWT(),
            json!({
                "aud": "acme-shop", "auth_time": NOW.as_second(), "user_id": "u", "sub": "u", "storegate": ["flow:read"],
                "firebase": { "identities": {}, "sign_in_provider": "custom" },
            }),
        ),
        sample(
            "GitHub Actions",
            json!({ "typ": "JWT", "x5t": "thumbprint" }),
            json!({
                "jti": "j", "sub": "repo:acme/reports:ref:refs/heads/main", "aud": api, "ref": "refs/heads/main",
                "repository": "acme/reports", "repository_owner": "acme", "actor": "ada", "nbf": NOW.as_second(),
            }),
        ),
        sample(
            "GitLab CI",
            JWT(),
            json!({
                "namespace_path": "acme", "project_path": "acme/reports", "user_login": "ada", "ref": "main", "jti": "j",
                "nbf": NOW.as_second(), "sub": "project_path:acme/reports:ref_type:branch:ref:main", "aud": api,
            }),
        ),
        sample(
            "Kubernetes service accounts",
            BARE(),
            json!({
                "aud": ["storegate"], "jti": "j", "nbf": NOW.as_second(), "sub": "system:serviceaccount:shop:reports",
                "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": "reports", "uid": "u" } },
            }),
        ),
    ]
}

struct Providers {
    app: TestApp,
    keys: Vec<ProviderKey>,
    _provider: IdentityProvider,
}

/// The service with the settings of every row, but that all keys are those of one provider on this machine.
fn providers() -> Providers {
    let mut rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256);
    rsa.jwk["x5t"] = json!("thumbprint");
    let keys =
        vec![rsa, ProviderKey::new("es384", KeyAlgorithm::Es384), ProviderKey::new("es256", KeyAlgorithm::Es256)];
    let provider = IdentityProvider::start(&keys.iter().collect::<Vec<_>>());
    let mut sections = Table::new();
    for (name, mut settings) in rows() {
        settings.insert("jwks_uri".to_owned(), format!("{}/keys", provider.issuer()).into());
        settings.insert("tenant".to_owned(), "acme".into());
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(sections.insert(name.clone(), settings.into()).is_none(), "{name} twice");
    }
    let auth = Table::from_iter([("issuers".to_owned(), toml::Value::Table(sections))]);
    let sections = Table::from_iter([("auth".to_owned(), toml::Value::Table(auth))]).to_string();
    let app = TestApp::with(|setup| setup.more = sections);
    Providers { app, keys, _provider: provider }
}

impl Providers {
    fn token(&self, sample: &Sample) -> String {
        let key = self.keys.iter().find(|key| key.kid == sample.key).unwrap();
        let (_, settings) = rows().into_iter().find(|(name, _)| name == sample.provider).unwrap();
        let mut header = key.header();
        let members = header.as_object_mut().unwrap();
        members.remove("typ");
        members.extend(sample.header.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        let mut claims = sample.claims.clone();
        claims["iss"] = json!(settings["issuer"].as_str().unwrap());
        claims["iat"] = json!(NOW.as_second());
        claims["exp"] = json!(NOW.as_second() + 3600);
        key.token_with(&header, &claims)
    }

    async fn get(&self, sample: &Sample) -> Answer {
        self.app.get_with_token(&self.token(sample), FLOW).await
    }
}

#[test]
fn every_row_of_the_document_has_a_token_and_every_token_a_row() {
    let named: BTreeSet<String> = rows().into_iter().map(|(name, _)| name).collect();
    let tried: BTreeSet<String> = samples().iter().map(|sample| sample.provider.to_owned()).collect();
    assert_eq!(named, tried);
}

#[actix_web::test]
async fn the_documented_settings_accept_each_providers_tokens_and_none_for_another_service() {
    let providers = providers();
    for mut sample in samples() {
        let provider = sample.provider;
        let answer = providers.get(&sample).await;
        assert_eq!(answer.status, 200, "{provider}: {}", answer.text());

        let has_audience =
            sample.claims["aud"].as_array().is_none_or(|list| !list.is_empty()) && !sample.claims["aud"].is_null();
        for name in if has_audience { &["aud"][..] } else { &["client_id", "azp"] } {
            if !sample.claims[*name].is_null() {
                sample.claims[*name] = json!("another-service");
            }
        }
        let refused = providers.get(&sample).await;
        assert_eq!((refused.status, refused.problem().as_str()), (401, "invalid-token"), "{provider}");
        assert!(refused.text().contains("for another audience"), "{provider}: {}", refused.text());
    }
}

#[actix_web::test]
async fn a_token_of_each_provider_without_any_role_is_403_and_not_401() {
    let providers = providers();
    for mut sample in samples() {
        for name in [
            "scope",
            "scp",
            "roles",
            "permissions",
            "groups",
            "email",
            "repository",
            "project_path",
            "storegate",
            "realm_access",
            "resource_access",
            "app_metadata",
            "o",
            "urn:zitadel:iam:org:project:roles",
        ] {
            sample.claims.as_object_mut().unwrap().remove(name);
        }
        if sample.provider.starts_with("Kubernetes") {
            sample.claims["sub"] = json!("system:serviceaccount:shop:others");
        }
        let answer = providers.get(&sample).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{}", sample.provider);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\", scope=\"flow:read\""), "{challenge}");
    }
}

#[actix_web::test]
async fn id_and_refresh_tokens_are_no_access_tokens_by_any_row_but_those_that_say_so() {
    let providers = providers();
    for mut sample in samples() {
        let is_allowed = ["Dex", "Google, service accounts"].contains(&sample.provider);
        for (name, value) in
            [("at_hash", "x"), ("token_use", "id"), ("typ", "ID"), ("typ", "Refresh"), ("tokenType", "refresh-token")]
        {
            let own = sample.claims[name].clone();
            sample.claims[name] = json!(value);
            let answer = providers.get(&sample).await;
            let expected = if is_allowed && !value.to_lowercase().contains("refresh") { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{} {name} {value}: {}", sample.provider, answer.text());
            sample.claims[name] = own;
            if sample.claims[name].is_null() {
                sample.claims.as_object_mut().unwrap().remove(name);
            }
        }
    }
}
