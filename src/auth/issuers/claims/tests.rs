//! What tokens of well-known providers mean here, and that no claim widens what the settings allow.

use super::{ClaimMapping, ClaimPath, ScopeRule, TenantRule};
use crate::auth::claims::Claims;
use crate::auth::scope::Scopes;
use crate::auth::verify::TokenError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn mapping() -> ClaimMapping {
    ClaimMapping {
        tenant: TenantRule::Fixed("acme".to_owned()),
        scope_claim: ClaimPath::new("scope"),
        scopes: ScopeRule::Prefixed(String::new()),
        known_scopes: Scopes::default(),
        stores_claim: ClaimPath::new("stores"),
        organizations_claim: None,
        stores_required: false,
        client_id_claims: vec![ClaimPath::new("client_id"), ClaimPath::new("azp")],
        subject_claim: ClaimPath::new("sub"),
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
    mapping.read(&claims.to_string(), &["storegate".to_owned()], "header.payload")
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
        let mapping = ClaimMapping { scope_claim: ClaimPath::new(claim), ..mapping() };
        read(&mapping, &with(claim.split('.').next().unwrap(), value)).map(|claims| claims.scope)
    };
    assert_eq!(scopes("scp", json!("flow:read")).unwrap(), "flow:read");
    assert_eq!(scopes("roles", json!(["stores:read", "admin", "stores:read"])).unwrap(), "stores:read");
    assert_eq!(scopes("realm_access.roles", json!({ "roles": ["flow:read"] })).unwrap(), "flow:read");
    assert_eq!(scopes("roles", json!(["flow:read cache:purge"])).unwrap(), "", "an item of a list is one name");
    assert_eq!(scopes("roles", json!([])).unwrap(), "");
    for unusable in [json!(7), Value::Null, json!({}), json!([["flow:read"]]), json!(["flow:read", 7])] {
        assert_eq!(scopes("roles", unusable), Err(TokenError::UnusableClaim("scopes")));
    }
    assert_eq!(read(&mapping(), &without("scope")).unwrap_err(), TokenError::UnusableClaim("scopes"));
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
fn the_client_is_client_id_or_else_azp() {
    let mut claims = without("client_id");
    claims["azp"] = json!("portal-2");
    assert_eq!(read(&mapping(), &claims).unwrap().client_id, "portal-2");
    assert_eq!(read(&mapping(), &without("client_id")).unwrap_err(), TokenError::UnusableClaim("client"));
    for unusable in [json!(""), Value::Null, json!(7), json!(["portal"])] {
        assert_eq!(read(&mapping(), &with("client_id", unusable)).unwrap_err(), TokenError::UnusableClaim("client"));
    }
}

#[test]
fn what_every_token_must_say_is_required_here_too() {
    for name in ["iss", "aud", "exp", "iat"] {
        assert_eq!(read(&mapping(), &without(name)).unwrap_err(), TokenError::MissingClaim(name));
        for wrong in [json!({}), Value::Null, json!(1.5), json!(true)] {
            assert_eq!(read(&mapping(), &with(name, wrong)).unwrap_err(), TokenError::MalformedClaims, "{name}");
        }
    }
    assert_eq!(read(&mapping(), &with("nbf", Value::Null)).unwrap_err(), TokenError::MalformedClaims);
    assert_eq!(read(&mapping(), &without("sub")).unwrap_err(), TokenError::UnusableClaim("subject"));
    assert_eq!(read(&mapping(), &with("aud", json!(["x", "y"]))).unwrap_err(), TokenError::WrongAudience);
}

#[test]
fn a_token_without_an_id_gets_one_of_its_own() {
    let id = |signed: &str| mapping().read(&without("jti").to_string(), &["storegate".to_owned()], signed).unwrap().jti;
    assert!(id("a").starts_with("sha256:") && id("a") == id("a") && id("a") != id("b"));
}

#[test]
fn an_id_token_and_a_logout_token_are_no_access_tokens() {
    for name in ["at_hash", "c_hash", "events"] {
        assert_eq!(read(&mapping(), &with(name, json!("x"))).unwrap_err(), TokenError::NotAnAccessToken, "{name}");
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
