//! Claims of a provider: the tenant, stores and scopes they stand for, and what introspection says of them.

use serde_json::{Value, json};

use super::{app, get, key, set, trust, with};
use crate::app::requests::FLOW;
use crate::app::{NOW, TestApp};
use crate::peers::identity_provider::IdentityProvider;

#[actix_web::test]
async fn an_issuer_reaches_the_tenants_of_its_settings_and_no_other() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = TestApp::with(|setup| {
        set(setup, "ISSUER", &provider.issuer());
        set(setup, "AUDIENCE", "storegate");
        set(setup, "TENANT_CLAIM", "organization.id");
        set(setup, "TENANTS__ORG1", "acme");
    });
    let of = |id: &str| key.token(&with(provider.claims(), "organization", json!({ "id": id })));
    assert_eq!(get(&app, &of("org1")).await.status, 200);
    for foreign in ["zenith", "acme", "org2", "ORG1", ""] {
        assert_eq!(get(&app, &of(foreign)).await.status, 401, "{foreign}");
    }
    let own_words = key.token(&with(provider.claims(), "tenant", json!("zenith")));
    assert_eq!(get(&app, &own_words).await.status, 401);
}

#[actix_web::test]
async fn stores_in_a_token_limit_it_to_them() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |stores: Value| key.token(&with(provider.claims(), "stores", stores));
    assert_eq!(get(&app, &of(json!(["S_123456"]))).await.status, 200);
    let other = get(&app, &of(json!(["S_100001"]))).await;
    assert_eq!((other.status, other.problem().as_str()), (403, "store-not-granted"));
    assert_eq!(get(&app, &of(Value::Null)).await.status, 401, "a limit that cannot be read is not no limit");
}

#[actix_web::test]
async fn introspection_maps_the_claims_of_a_trusted_issuer() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let form = format!("token={}", key.token(&provider.claims()));
    let answer = app.post_form("dashboard", "/oauth/introspect", &form).await;
    let said = answer.json();
    assert_eq!((answer.status, &said["active"], &said["tenant"]), (200, &json!(true), &json!("acme")));
    assert_eq!(said["iss"], json!(provider.issuer()));
}

#[actix_web::test]
async fn times_may_have_fractions_and_exponents() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let now = NOW.as_second();
    let claims = provider.claims().to_string();
    let end = (now + 3600).to_string();
    for (exp, status) in [
        (format!("{end}.5"), 200),
        (format!("{}.{}E9", &end[..1], &end[1..]), 200),
        (format!("{}.0", now - 31), 401),
        (format!("\"{end}\""), 401),
        ("1e30".to_owned(), 401),
    ] {
        let payload = claims.replace(&format!("\"exp\":{end}"), &format!("\"exp\":{exp}"));
        assert!(payload.contains(&exp));
        let answer = get(&app, &key.sign(&key.header().to_string(), &payload)).await;
        assert_eq!(answer.status, status, "{exp}: {}", answer.text());
    }
    for (name, value) in [("iat", json!(1.5)), ("nbf", json!(f64::from(i32::try_from(now).unwrap()) + 0.5))] {
        let token = key.token(&with(provider.claims(), name, value));
        assert_eq!(get(&app, &token).await.status, 200, "{name}");
    }
}

#[actix_web::test]
async fn a_clock_that_is_behind_the_issuers_refuses_no_token() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let now = NOW.as_second();
    for ahead in [40, 86_400] {
        let theirs = key.token(&with(provider.claims(), "iat", json!(now + ahead)));
        assert_eq!(get(&app, &theirs).await.status, 200, "{ahead}");
    }
    let ours = app.token("dashboard");
    let behind = TestApp::with(|setup| setup.proxy_time = NOW);
    behind.proxy_time.set_wall(jiff::Timestamp::from_second(now - 40).unwrap());
    assert_eq!(get(&behind, &behind.token("dashboard")).await.status, 200);
    app.proxy_time.set_wall(jiff::Timestamp::from_second(now - 40).unwrap());
    assert_eq!(get(&app, &ours).await.status, 200, "of a replica whose clock is 40 s ahead");
    let early = key.token(&with(provider.claims(), "nbf", json!(now)));
    assert_eq!(get(&app, &early).await.status, 401, "but for one that says when it begins");
}

#[actix_web::test]
async fn a_token_without_a_role_is_403_and_introspection_calls_it_active() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let without = {
        let mut claims = provider.claims();
        claims.as_object_mut().unwrap().remove("scope");
        claims
    };
    for claims in [without, with(provider.claims(), "scope", json!("openid profile"))] {
        let token = key.token(&claims);
        for path in [FLOW, "/stores", "/stores/S_123456", "/inspections?from=2026-11-20&to=2026-11-21"] {
            let answer = app.get_with_token(&token, path).await;
            assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{path}");
            assert!(answer.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\""));
        }
        let said = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
        assert_eq!((&said["active"], &said["scope"]), (&json!(true), &json!("")));
    }
}

/// Two sections of the provider: users with `scp`, who read acme's data, and daemons with `roles`, who read zenith's.
fn users_and_daemons(provider: &IdentityProvider) -> TestApp {
    let issuer = provider.issuer();
    TestApp::with(|setup| {
        setup.more = format!(
            r#"
[auth.issuers.daemons]
issuer = "{issuer}"
audience = "daemons"
scope_claim = "roles"
tenant = "zenith"
algorithms = ["ES256"]
[auth.issuers.users]
issuer = "{issuer}"
audience = "users"
scope_claim = "scp"
stores_claim = "shops"
tenant = "acme"
algorithms = ["ES256"]
"#
        );
    })
}

#[actix_web::test]
async fn two_sections_of_an_issuer_decide_alone_and_share_one_fetch() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = users_and_daemons(&provider);
    let token = |audience: Value, more: Value| {
        let mut claims = with(provider.claims(), "aud", audience);
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.token(&claims)
    };
    let user = token(json!("users"), json!({ "scp": "flow:read", "shops": ["S_123456"] }));
    assert_eq!(get(&app, &user).await.status, 200);
    assert_eq!(app.get_with_token(&user, "/stores/S_100001/flow").await.status, 403);
    let daemon = token(json!("daemons"), json!({ "roles": ["flow:read"] }));
    assert_eq!(get(&app, &daemon).await.status, 404, "it is let in, and zenith has no such store");
    let tenant = |token: &str| app.auth.get().verifier.verify(token).map(|token| token.tenant().to_string());
    assert_eq!((tenant(&user).unwrap().as_str(), tenant(&daemon).unwrap().as_str()), ("acme", "zenith"));
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1));

    for (what, token, status) in [
        ("the roles of the other section", token(json!("users"), json!({ "roles": ["flow:read"], "shops": [] })), 403),
        ("the scopes of the other section", token(json!("daemons"), json!({ "scp": "flow:read" })), 403),
        ("a user without the limit that users need", token(json!("users"), json!({ "scp": "flow:read" })), 401),
        ("no audience of either", token(json!("others"), json!({ "scp": "flow:read", "roles": ["flow:read"] })), 401),
        ("neither scopes nor roles", token(json!(["users", "daemons"]), json!({ "shops": ["S_123456"] })), 403),
    ] {
        assert_eq!(get(&app, &token).await.status, status, "{what}");
    }
    let both = token(json!(["users", "daemons"]), json!({ "scp": "flow:read", "shops": ["S_123456"] }));
    assert_eq!(tenant(&both).unwrap(), "acme", "the section that grants a scope comes before one that does not");
    let both = token(json!(["users", "daemons"]), json!({ "scp": "flow:read", "roles": ["flow:read"] }));
    assert_eq!(tenant(&both).unwrap(), "zenith", "the limit of users was not asked of a daemon");
}

#[actix_web::test]
async fn a_signature_is_checked_once_for_any_number_of_sections() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = users_and_daemons(&provider);
    let claims = with(provider.claims(), "roles", json!(["flow:read"]));
    assert_eq!(get(&app, &key.token(&with(claims, "aud", json!("daemons")))).await.status, 404, "the keys are there");
    let before = app.auth.get().verifier.signatures_checked();
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 401);
    assert_eq!(app.auth.get().verifier.signatures_checked() - before, 1);
}

#[actix_web::test]
async fn a_large_token_arrives_where_the_settings_allow_it() {
    let (large, small) = (key("large"), key("small"));
    let (big, usual) = (IdentityProvider::start(&[&large]), IdentityProvider::start(&[&small]));
    let app = TestApp::with(|setup| {
        trust(setup, &usual.issuer());
        setup.set("AUTH__ISSUERS__BIG__ISSUER", big.issuer());
        setup.set("AUTH__ISSUERS__BIG__AUDIENCE", "storegate");
        setup.set("AUTH__ISSUERS__BIG__TENANT", "acme");
        setup.set("AUTH__ISSUERS__BIG__TOKEN_SIZE", "64KiB");
    });
    let padded = |claims: Value, bytes: usize| with(claims, "groups", json!(vec!["0123456789012345"; bytes / 19]));
    let token = large.token(&padded(big.claims(), 45_000));
    assert!(token.len() > 55_000 && token.len() <= 64 << 10, "{}", token.len());
    assert_eq!(get(&app, &token).await.status, 200);
    assert_eq!(get(&app, &token).await.status, 200, "a second time");
    let said = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
    assert_eq!(said["active"], json!(true));

    let refused = get(&app, &small.token(&padded(usual.claims(), 8000))).await;
    assert_eq!(refused.status, 401, "no other issuer is allowed more");
    assert!(refused.text().contains("larger than is accepted from its issuer"), "{}", refused.text());
    let own = get(&app, &format!("{}.{}", app.token("dashboard"), "x".repeat(9000))).await;
    assert_eq!(own.status, 401);
    let refused = get(&app, &large.token(&padded(big.claims(), 50_000))).await;
    assert_eq!(refused.status, 401, "larger than 64 KiB");
    let endless = get(&app, &"x".repeat(90 << 10)).await;
    assert_eq!(endless.status, 431);
    let without = TestApp::with(|setup| trust(setup, &usual.issuer()));
    assert_eq!(get(&without, &token).await.status, 431, "a head is not read where no token may be as large");
}
