//! Tokens of trusted issuers: what one of them, or its settings, may not lend to another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;

use super::{claims, parts, signed, status, trusting, with, without};
use crate::app::TestApp;
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};
use crate::peers::raw_peer::{RawPeer, Then};

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
