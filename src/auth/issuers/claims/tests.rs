//! Tests of how tokens of well-known providers are mapped, and that no claim widens what the settings allow.

use super::{AudienceRule, ClaimMapping, ClaimPath, ScopeRule, TenantRule};
use crate::auth::claims::Claims;
use crate::auth::scope::Scopes;
use crate::auth::verify::TokenError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn mapping() -> ClaimMapping {
    ClaimMapping {
        audience: AudienceRule { audiences: vec!["storegate".to_owned()], clients: Vec::new() },
        tenant: TenantRule::Fixed("acme".to_owned()),
        scope_claims: vec![ClaimPath::new("scope")],
        scopes: ScopeRule::Prefixed(String::new()),
        known_scopes: Scopes::default(),
        stores_claim: ClaimPath::new("stores"),
        organizations_claim: None,
        stores_required: false,
        client_id_claim: None,
        subject_claim: None,
        required: Vec::new(),
        id_tokens: false,
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example.com", "sub": "ada", "aud": "storegate", "exp": 1_900_000_000, "iat": 1_800_000_000,
        "jti": "1", "client_id": "portal", "scope": "openid flow:read stores:read",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn read(mapping: &ClaimMapping, claims: &Value) -> Result<Claims, TokenError> {
    mapping.read(&claims.to_string(), "header.payload")
}

fn by_claim(claim: &str) -> ClaimMapping {
    let tenants = [("org one", "acme"), ("org-2", "zenith"), ("org-3", "acme")];
    let tenants = tenants.map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned())).into();
    ClaimMapping { tenant: TenantRule::ByClaim { claim: ClaimPath::new(claim), tenants }, ..mapping() }
}

#[test]
fn a_token_of_rfc_9068_is_read_as_it_stands() {
    let read = read(&mapping(), &claims()).unwrap();
    assert_eq!((read.sub.as_str(), read.client_id.as_str(), read.jti.as_str()), ("ada", "portal", "1"));
    assert_eq!((read.tenant.as_str(), read.scope.as_str()), ("acme", "flow:read stores:read"));
    assert_eq!(read.stores, None);
}

#[test]
fn a_tenant_claim_means_nothing_where_the_tenant_is_fixed() {
    assert_eq!(read(&mapping(), &with("tenant", json!("zenith"))).unwrap().tenant, "acme");
}

#[test]
fn a_tenant_is_reached_only_through_a_value_that_the_settings_name() {
    let tenant = |value: Value| read(&by_claim("org"), &with("org", value)).map(|claims| claims.tenant);
    assert_eq!(tenant(json!("org one")).unwrap(), "acme");
    assert_eq!(tenant(json!(["other", "org-2"])).unwrap(), "zenith");
    assert_eq!(tenant(json!(["org one", "org-3"])).unwrap(), "acme", "both stand for the same");
    for foreign in [json!("acme"), json!("zenith"), json!(""), json!("org"), json!("one"), json!([]), json!(["x"])] {
        assert_eq!(tenant(foreign.clone()), Err(TokenError::ForeignTenant), "{foreign}");
    }
    for unusable in [json!(["org one", "org-2"]), json!(1), Value::Null, json!({ "org one": 1 }), json!(["org one", 1])]
    {
        assert_eq!(tenant(unusable.clone()), Err(TokenError::UnusableClaim("tenant")), "{unusable}");
    }
    assert_eq!(read(&by_claim("org"), &claims()).unwrap_err(), TokenError::UnusableClaim("tenant"));
}

#[test]
fn a_claim_is_found_by_its_name_or_inside_of_others() {
    let nested = with("organization", json!({ "id": { "code": "org-2" } }));
    assert_eq!(read(&by_claim("organization.id.code"), &nested).unwrap().tenant, "zenith");
    let dotted = with("https://example.com/org", json!("org-2"));
    assert_eq!(read(&by_claim("https://example.com/org"), &dotted).unwrap().tenant, "zenith");
    assert_eq!(read(&by_claim("organization.id"), &nested).unwrap_err(), TokenError::UnusableClaim("tenant"));
    assert!(read(&by_claim("sub.id"), &claims()).is_err());
}

#[test]
fn scopes_are_a_text_or_a_list_and_only_ours_count() {
    let scopes = |claim: &str, value: Value| {
        let mapping = ClaimMapping { scope_claims: vec![ClaimPath::new(claim)], ..mapping() };
        read(&mapping, &with(claim.split('.').next().unwrap(), value)).map(|claims| claims.scope)
    };
    assert_eq!(scopes("scp", json!("flow:read")).unwrap(), "flow:read");
    assert_eq!(scopes("roles", json!(["stores:read", "admin", "stores:read"])).unwrap(), "stores:read");
    assert_eq!(scopes("realm_access.roles", json!({ "roles": ["flow:read"] })).unwrap(), "flow:read");
    assert_eq!(scopes("roles", json!(["flow:read cache:purge"])).unwrap(), "", "an item of a list is one name");
    assert_eq!(scopes("roles", json!([])).unwrap(), "");
    for unusable in [json!(7), json!(true), json!([["flow:read"]]), json!(["flow:read", 7])] {
        assert_eq!(scopes("roles", unusable.clone()), Err(TokenError::UnusableClaim("scopes")));
        assert_eq!(scopes("roles.names", unusable), Err(TokenError::UnusableClaim("scopes")));
    }
}

#[test]
fn a_token_without_any_scope_or_role_is_good_and_opens_nothing() {
    assert_eq!(read(&mapping(), &without("scope")).unwrap().scope, "");
    for none in [json!(""), json!([]), json!({}), json!("openid profile"), Value::Null, json!([null])] {
        assert_eq!(read(&mapping(), &with("scope", none)).unwrap().scope, "");
    }
}

#[test]
fn scopes_may_be_the_keys_of_an_object_but_for_those_that_say_no() {
    let scopes = |value: Value| read(&mapping(), &with("scope", value)).unwrap().scope;
    assert_eq!(scopes(json!({ "flow:read": { "org-1": "example.com" }, "admin": { "org-1": "x" } })), "flow:read");
    assert_eq!(scopes(json!({ "flow:read": true, "stores:read": 1, "demographics:read": "x" })).split(' ').count(), 3);
    for no in [json!(false), Value::Null, json!(0), json!(""), json!([]), json!({})] {
        assert_eq!(scopes(json!({ "flow:read": no, "stores:read": true })), "stores:read");
    }
    assert_eq!(scopes(json!({ "x": ["flow:read"], "y": { "flow:read": true } })), "", "what is inside is no key");
}

#[test]
fn of_several_claims_the_first_that_grants_a_scope_counts_and_none_is_added_to_it() {
    let several =
        ClaimMapping { scope_claims: ["scp", "realm.roles", "scope"].map(ClaimPath::new).to_vec(), ..mapping() };
    let scopes = |scp: Value, roles: Value, scope: Value| {
        let claims = with("scp", scp);
        let claims = {
            let mut claims = claims;
            claims["realm"] = json!({ "roles": roles });
            claims["scope"] = scope;
            claims
        };
        read(&several, &claims).map(|claims| claims.scope)
    };
    assert_eq!(scopes(json!("flow:read"), json!(["cache:purge"]), json!("stores:read")).unwrap(), "flow:read");
    assert_eq!(scopes(json!("openid"), json!(["flow:read"]), json!("stores:read")).unwrap(), "flow:read");
    assert_eq!(scopes(json!([]), json!({}), json!("stores:read")).unwrap(), "stores:read");
    assert_eq!(scopes(json!("openid"), json!(7), json!("flow:read")), Err(TokenError::UnusableClaim("scopes")));
    assert_eq!(read(&several, &claims()).unwrap().scope, "flow:read stores:read", "claims that are not there");
    assert_eq!(scopes(Value::Null, json!(["flow:read"]), json!("stores:read")).unwrap(), "flow:read");
    assert_eq!(scopes(json!([null]), Value::Null, json!("stores:read")).unwrap(), "stores:read");
    assert_eq!(scopes(Value::Null, json!([null, "flow:read"]), Value::Null).unwrap(), "flow:read");
    assert_eq!(scopes(Value::Null, Value::Null, Value::Null).unwrap(), "", "it opens nothing");
}

#[test]
fn scopes_may_have_a_prefix_or_other_names() {
    let prefixed = ClaimMapping { scopes: ScopeRule::Prefixed("storegate/".to_owned()), ..mapping() };
    let theirs = with("scope", json!("storegate/flow:read stores:read storegate/nothing"));
    assert_eq!(read(&prefixed, &theirs).unwrap().scope, "flow:read");
    let map = BTreeMap::from([("shop-reader".to_owned(), vec!["flow:read".to_owned(), "stores:read".to_owned()])]);
    let mapped = ClaimMapping { scopes: ScopeRule::Mapped(map), ..mapping() };
    assert_eq!(read(&mapped, &with("scope", json!("shop-reader x"))).unwrap().scope, "flow:read stores:read");
    assert_eq!(read(&mapped, &with("scope", json!("cache:purge"))).unwrap().scope, "", "a map names all that counts");
}

#[test]
fn a_list_of_stores_always_limits_and_never_reads_as_none() {
    let stores = |value: Value| read(&mapping(), &with("stores", value)).map(|claims| claims.stores);
    assert_eq!(stores(json!(["S_1", "S_2"])).unwrap(), Some(vec!["S_1".to_owned(), "S_2".to_owned()]));
    assert_eq!(stores(json!("S_1 S_2")).unwrap().unwrap().len(), 2);
    assert_eq!(stores(json!([])).unwrap(), Some(vec![]), "an empty list reads nothing");
    for unusable in [Value::Null, json!(7), json!([7]), json!({}), json!(true)] {
        assert_eq!(stores(unusable), Err(TokenError::UnusableClaim("stores")));
    }
    let required = ClaimMapping { stores_required: true, ..mapping() };
    assert_eq!(read(&required, &claims()).unwrap_err(), TokenError::UnusableClaim("stores"));
}

#[test]
fn a_limit_whose_way_is_blocked_is_not_no_limit() {
    let nested = |path: &str| ClaimMapping {
        stores_claim: ClaimPath::new(path),
        organizations_claim: Some(ClaimPath::new("access.regions")),
        ..mapping()
    };
    let access = |value: Value| read(&nested("access.shops"), &with("access", value)).map(|claims| claims.stores);
    for blocked in [Value::Null, json!("S_1"), json!(7), json!([{ "shops": ["S_1"] }])] {
        assert_eq!(access(blocked.clone()), Err(TokenError::UnusableClaim("stores")), "{blocked}");
        let regions = read(&nested("stores"), &with("access", blocked.clone()));
        assert_eq!(regions.unwrap_err(), TokenError::UnusableClaim("organizations"), "{blocked}");
        let deep = read(&nested("access.shops.ids"), &with("access", json!({ "shops": blocked })));
        assert_eq!(deep.unwrap_err(), TokenError::UnusableClaim("stores"));
    }
    assert_eq!(access(json!({ "shops": ["S_1"] })).unwrap(), Some(vec!["S_1".to_owned()]));
    assert_eq!(access(json!({})).unwrap(), None);
    assert_eq!(read(&nested("access.shops"), &claims()).unwrap().stores, None);
}

#[test]
fn the_client_is_the_first_claim_that_names_one_or_else_the_subject() {
    let client = |claims: &Value| read(&mapping(), claims).map(|claims| claims.client_id);
    for name in ["azp", "cid", "appid"] {
        let mut claims = without("client_id");
        claims[name] = json!("portal-2");
        assert_eq!(client(&claims).unwrap(), "portal-2");
        assert_eq!(client(&with(name, json!("portal-2"))).unwrap(), "portal");
    }
    assert_eq!(client(&without("client_id")).unwrap(), "ada");
    for unusable in [json!(""), Value::Null, json!(7), json!(["portal"])] {
        assert_eq!(client(&with("client_id", unusable)), Err(TokenError::UnusableClaim("client")));
    }
    let named = ClaimMapping { client_id_claim: Some(ClaimPath::new("app.id")), ..mapping() };
    assert_eq!(read(&named, &with("app", json!({ "id": "x" }))).unwrap().client_id, "x");
    assert_eq!(
        read(&named, &claims()).unwrap_err(),
        TokenError::UnusableClaim("client"),
        "no other claim stands for it"
    );
}

#[test]
fn a_client_that_speaks_for_itself_may_be_named_without_a_subject() {
    assert_eq!(read(&mapping(), &without("sub")).unwrap().sub, "portal");
    let mut nobody = without("sub");
    nobody.as_object_mut().unwrap().remove("client_id");
    assert_eq!(read(&mapping(), &nobody).unwrap_err(), TokenError::MissingClaim("sub"));
    for unusable in [json!(""), Value::Null, json!(7)] {
        assert_eq!(read(&mapping(), &with("sub", unusable)).unwrap_err(), TokenError::UnusableClaim("subject"));
    }
    let named = ClaimMapping { subject_claim: Some(ClaimPath::new("oid")), ..mapping() };
    assert_eq!(read(&named, &claims()).unwrap_err(), TokenError::UnusableClaim("subject"));
}

/// Accepts tokens without `aud` from these clients, and with the usual audience from all.
fn by_client(clients: &[&str]) -> ClaimMapping {
    let clients = clients.iter().map(|&client| client.to_owned()).collect();
    ClaimMapping { audience: AudienceRule { clients, ..mapping().audience }, ..mapping() }
}

#[test]
fn a_token_without_audience_is_ours_only_if_the_settings_say_so_of_its_client() {
    let mut empty = without("aud");
    empty["aud"] = json!([]);
    for claims in [without("aud"), empty] {
        assert_eq!(read(&mapping(), &claims).unwrap_err(), TokenError::MissingClaim("aud"));
        let read = |clients: &[&str]| read(&by_client(clients), &claims).map(|claims| claims.aud.includes("portal"));
        assert_eq!(read(&["other", "portal"]), Ok(true));
        assert_eq!(read(&["other"]), Err(TokenError::WrongAudience));
        assert_eq!(read(&["ada"]), Err(TokenError::WrongAudience), "a subject is no client");
    }
    for aud in [json!("other"), json!(["other", "portal"]), json!(""), json!([""])] {
        assert_eq!(read(&by_client(&["portal"]), &with("aud", aud)).unwrap_err(), TokenError::WrongAudience);
    }
    for malformed in [Value::Null, json!({}), json!(7), json!([7])] {
        assert_eq!(read(&by_client(&["portal"]), &with("aud", malformed)).unwrap_err(), TokenError::MalformedClaims);
    }
    assert!(read(&by_client(&["other"]), &claims()).is_ok(), "with our audience the client may be any");
}

#[test]
fn all_claims_that_name_the_client_must_agree_where_it_stands_for_the_audience() {
    for forged in ["client_id", "azp", "cid", "appid"] {
        let mut claims = without("aud");
        claims["client_id"] = json!("portal");
        claims["azp"] = json!("portal");
        assert!(read(&by_client(&["portal"]), &claims).is_ok());
        claims[forged] = json!("attacker");
        assert_eq!(read(&by_client(&["portal"]), &claims).unwrap_err(), TokenError::WrongAudience, "{forged}");
    }
    let mut nameless = without("aud");
    nameless.as_object_mut().unwrap().remove("client_id");
    assert_eq!(read(&by_client(&["ada"]), &nameless).unwrap_err(), TokenError::WrongAudience);
}

#[test]
fn what_every_token_must_say_is_required_here_too() {
    for name in ["iss", "aud", "exp"] {
        assert_eq!(read(&mapping(), &without(name)).unwrap_err(), TokenError::MissingClaim(name));
    }
    for name in ["iss", "aud", "exp", "iat"] {
        for wrong in [json!({}), Value::Null, json!(true)] {
            assert_eq!(read(&mapping(), &with(name, wrong)).unwrap_err(), TokenError::MalformedClaims, "{name}");
        }
    }
    assert_eq!(read(&mapping(), &without("iat")).unwrap().iat, None);
    assert_eq!(read(&mapping(), &with("nbf", Value::Null)).unwrap_err(), TokenError::MalformedClaims);
    assert_eq!(read(&mapping(), &with("aud", json!(["x", "y"]))).unwrap_err(), TokenError::WrongAudience);
}

#[test]
fn times_may_have_a_fraction_or_an_exponent() {
    let read = |name: &str, value: f64| read(&mapping(), &with(name, json!(value))).unwrap();
    assert_eq!((read("exp", 1.9e9).exp, read("exp", 1_900_000_000.9).exp), (1_900_000_000, 1_900_000_000));
    assert_eq!(read("nbf", 1_800_000_000.1).nbf, Some(1_800_000_001));
    assert_eq!(read("iat", 1_800_000_000.5).iat, Some(1_800_000_000));
}

#[test]
fn a_required_claim_must_have_one_of_its_values() {
    let required = |claim: &str, accepted: &[&str]| ClaimMapping {
        required: vec![(ClaimPath::new(claim), accepted.iter().map(|&text| text.to_owned()).collect())],
        ..mapping()
    };
    let with_access = with("access", json!({ "kind": ["api", "web"], "verified": true, "level": 3 }));
    for (claim, accepted, is_met) in [
        ("access.kind", &["api"][..], true),
        ("access.kind", &["none", "web"], true),
        ("access.kind", &["none"], false),
        ("access.verified", &["true"], true),
        ("access.verified", &["false"], false),
        ("access.level", &["3"], false),
        ("access", &["kind"], false),
        ("azp", &["portal"], false),
        ("client_id", &["portal"], true),
        ("client_id", &["Portal", "port"], false),
    ] {
        let expected = if is_met { Ok(()) } else { Err(TokenError::RequiredClaim) };
        assert_eq!(read(&required(claim, accepted), &with_access).map(drop), expected, "{claim} {accepted:?}");
    }
}

#[test]
fn a_token_without_an_id_gets_one_of_its_own() {
    let id = |signed: &str| mapping().read(&without("jti").to_string(), signed).unwrap().jti;
    assert!(id("a").starts_with("sha256:") && id("a") == id("a") && id("a") != id("b"));
}

#[test]
fn an_id_token_and_a_logout_token_are_no_access_tokens() {
    for name in ["at_hash", "c_hash", "events"] {
        assert_eq!(read(&mapping(), &with(name, json!("x"))).unwrap_err(), TokenError::NotAnAccessToken, "{name}");
    }
    for name in ["token_use", "typ", "tokenType"] {
        for kind in [
            json!("id"),
            json!("ID"),
            json!("id_token"),
            json!("Refresh"),
            json!("refresh-token"),
            json!("Offline"),
            json!("Logout"),
            json!(["access"]),
            Value::Null,
        ] {
            assert_eq!(read(&mapping(), &with(name, kind)).unwrap_err(), TokenError::NotAnAccessToken, "{name}");
        }
        for kind in ["access", "Bearer", "access-token", "DPoP"] {
            assert!(read(&mapping(), &with(name, json!(kind))).is_ok(), "{name} {kind}");
        }
    }
}

#[test]
fn id_tokens_are_taken_where_the_settings_say_so_and_nothing_else_is() {
    let lenient = ClaimMapping { id_tokens: true, ..mapping() };
    for (name, value) in [("at_hash", "x"), ("c_hash", "x"), ("token_use", "id"), ("typ", "ID")] {
        assert!(read(&lenient, &with(name, json!(value))).is_ok(), "{name}");
    }
    for (name, value) in [("events", "x"), ("token_use", "refresh"), ("typ", "Logout"), ("tokenType", "refresh-token")]
    {
        assert_eq!(read(&lenient, &with(name, json!(value))).unwrap_err(), TokenError::NotAnAccessToken, "{name}");
    }
}

#[test]
fn organizations_are_read_only_where_the_settings_name_their_claim() {
    let regions = ClaimMapping { organizations_claim: Some(ClaimPath::new("regions")), ..mapping() };
    let with_both = with("regions", json!(["1084"]));
    assert_eq!(read(&mapping(), &with_both).unwrap().organizations, None);
    assert_eq!(read(&regions, &with_both).unwrap().organizations, Some(vec!["1084".to_owned()]));
    assert_eq!(read(&regions, &with("organizations", json!(["1084"]))).unwrap().organizations, None);
    assert_eq!(read(&regions, &with("regions", json!({}))).unwrap_err(), TokenError::UnusableClaim("organizations"));
    let required = ClaimMapping { stores_required: true, ..regions };
    assert_eq!(read(&required, &claims()).unwrap_err(), TokenError::UnusableClaim("stores"));
    assert!(read(&required, &with_both).is_ok() && read(&required, &with("stores", json!([]))).is_ok());
}
