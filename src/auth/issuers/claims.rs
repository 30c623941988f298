//! What the claims of a trusted issuer mean here. The tenant is never taken from a token as it stands: it is fixed, or
//! the settings say which of the issuer's values stands for which of our tenants.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::auth::claims::{Audience, Claims};
use crate::auth::scope::Scopes;
use crate::auth::verify::TokenError;

/// Claims of tokens that are not for a resource: ID tokens (OpenID Connect Core 1.0 §3.1.3.6 and §3.3.2.11), and security
/// events such as logout tokens (RFC 8417 §2.2).
const OF_OTHER_TOKENS: [&str; 3] = ["at_hash", "c_hash", "events"];

/// Where a claim is: the name of a claim, or names joined by dots that lead into objects (`realm_access.roles`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimPath(String);

impl ClaimPath {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// A claim of just this name comes first, since names such as `https://example.com/roles` have dots of their own.
    fn find<'a>(&self, claims: &'a Map<String, Value>) -> Found<'a> {
        if let Some(value) = claims.get(&self.0) {
            return Found::Value(value);
        }
        let mut names = self.0.split('.');
        let mut value = names.next().and_then(|first| claims.get(first));
        for name in names {
            match value {
                None => return Found::Absent,
                Some(Value::Object(inner)) => value = inner.get(name),
                Some(_) => return Found::NoWay,
            }
        }
        value.map_or(Found::Absent, Found::Value)
    }
}

/// What is at the end of a path.
enum Found<'a> {
    Value(&'a Value),
    /// The token says nothing about it.
    Absent,
    /// Something on the path is no object, so that it cannot be told what the token says about it.
    NoWay,
}

impl<'a> Found<'a> {
    /// For claims that a token must have: whatever is missing, it is refused.
    const fn value(self) -> Option<&'a Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::NoWay => None,
        }
    }
}

/// Whose data the tokens reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TenantRule {
    /// One tenant's, always.
    Fixed(String),
    /// That of the tenant which a value of the claim stands for.
    ByClaim {
        /// Where the values are.
        claim: ClaimPath,
        /// The issuer's value to our tenant.
        tenants: BTreeMap<String, String>,
    },
}

/// How the issuer's scopes, roles or groups become ours. What stands for none of ours is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScopeRule {
    /// They have the same names, behind a prefix that may be empty.
    Prefixed(String),
    /// Each stands for some of ours.
    Mapped(BTreeMap<String, Vec<String>>),
}

/// How a token of the issuer is put into our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimMapping {
    pub(super) tenant: TenantRule,
    pub(super) scope_claim: ClaimPath,
    pub(super) scopes: ScopeRule,
    /// The scopes that there are; others are left out.
    pub(super) known_scopes: Scopes,
    pub(super) stores_claim: ClaimPath,
    /// Only read where the settings name it: beside a list of stores it grants more.
    pub(super) organizations_claim: Option<ClaimPath>,
    /// Refuse a token that has no list of stores or organizations, instead of letting it read all.
    pub(super) stores_required: bool,
    /// The first one that is there counts.
    pub(super) client_id_claims: Vec<ClaimPath>,
    pub(super) subject_claim: ClaimPath,
}

impl ClaimMapping {
    /// Reads the payload of a token whose signature fits: a JSON object in which no name occurs twice. `signed` is what the
    /// signature is over.
    pub(super) fn read(&self, payload: &str, audiences: &[String], signed: &str) -> Result<Claims, TokenError> {
        let claims: Map<String, Value> = serde_json::from_str(payload).map_err(|_| TokenError::MalformedClaims)?;
        if OF_OTHER_TOKENS.iter().any(|name| claims.contains_key(*name)) {
            return Err(TokenError::NotAnAccessToken);
        }
        let aud = audience(&claims)?;
        if !audiences.iter().any(|audience| aud.includes(audience)) {
            return Err(TokenError::WrongAudience);
        }
        let claims = Claims {
            iss: text(&claims, "iss")?.ok_or(TokenError::MissingClaim("iss"))?,
            sub: self.subject(&claims)?,
            aud,
            exp: time(&claims, "exp")?.ok_or(TokenError::MissingClaim("exp"))?,
            iat: time(&claims, "iat")?.ok_or(TokenError::MissingClaim("iat"))?,
            nbf: time(&claims, "nbf")?,
            jti: text(&claims, "jti")?.unwrap_or_else(|| made_id(signed)),
            client_id: self.client_id(&claims)?,
            scope: self.scope(&claims)?,
            tenant: self.tenant(&claims)?,
            stores: list(&claims, Some(&self.stores_claim), "stores")?,
            organizations: list(&claims, self.organizations_claim.as_ref(), "organizations")?,
        };
        self.check_limits(&claims)?;
        Ok(claims)
    }

    fn subject(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let value =
            self.subject_claim.find(claims).value().and_then(Value::as_str).filter(|subject| !subject.is_empty());
        value.map(str::to_owned).ok_or(TokenError::UnusableClaim("subject"))
    }

    fn client_id(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let value = self.client_id_claims.iter().find_map(|claim| claim.find(claims).value());
        let id = value.and_then(Value::as_str).filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or(TokenError::UnusableClaim("client"))
    }

    fn scope(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let value = self.scope_claim.find(claims).value().ok_or(TokenError::UnusableClaim("scopes"))?;
        let theirs = texts(value).ok_or(TokenError::UnusableClaim("scopes"))?;
        let ours: BTreeSet<&str> = match &self.scopes {
            ScopeRule::Prefixed(prefix) => {
                theirs.iter().filter_map(|name| name.strip_prefix(prefix.as_str())).collect()
            }
            ScopeRule::Mapped(map) => {
                theirs.iter().filter_map(|name| map.get(*name)).flatten().map(String::as_str).collect()
            }
        };
        Ok(ours.into_iter().filter(|name| self.known_scopes.contain(name)).collect::<Vec<_>>().join(" "))
    }

    fn tenant(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let (claim, tenants) = match &self.tenant {
            TenantRule::Fixed(tenant) => return Ok(tenant.clone()),
            TenantRule::ByClaim { claim, tenants } => (claim, tenants),
        };
        let theirs = match claim.find(claims).value().ok_or(TokenError::UnusableClaim("tenant"))? {
            // A name may have blanks.
            Value::String(one) => vec![one.as_str()],
            several => texts(several).ok_or(TokenError::UnusableClaim("tenant"))?,
        };
        let ours: BTreeSet<&String> = theirs.iter().filter_map(|name| tenants.get(*name)).collect();
        let mut ours = ours.into_iter();
        match (ours.next(), ours.next()) {
            (Some(tenant), None) => Ok(tenant.clone()),
            // Of two tenants, none may be chosen for the caller.
            (Some(_), Some(_)) => Err(TokenError::UnusableClaim("tenant")),
            (None, _) => Err(TokenError::ForeignTenant),
        }
    }

    /// With either list, nothing else is read; with neither, all of the tenant's.
    fn check_limits(&self, claims: &Claims) -> Result<(), TokenError> {
        let is_limited = claims.stores.is_some() || claims.organizations.is_some();
        if is_limited || !self.stores_required { Ok(()) } else { Err(TokenError::UnusableClaim("stores")) }
    }
}

/// A token without an id of its own gets one, so that it can be told from others and be revoked. It leaves the signature
/// out: of an ES256 signature everybody can make a second one that fits, and that must not be another token.
fn made_id(signed: &str) -> String {
    format!("sha256:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(signed)))
}

/// A list that is there but cannot be read must not become no limit.
fn list(
    claims: &Map<String, Value>,
    claim: Option<&ClaimPath>,
    what: &'static str,
) -> Result<Option<Vec<String>>, TokenError> {
    let value = match claim.map_or(Found::Absent, |claim| claim.find(claims)) {
        Found::Value(value) => value,
        Found::Absent => return Ok(None),
        Found::NoWay => return Err(TokenError::UnusableClaim(what)),
    };
    let names = texts(value).ok_or(TokenError::UnusableClaim(what))?;
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

/// A list of texts, or one text of names separated by blanks (RFC 6749 §3.3).
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(text.split(' ').filter(|name| !name.is_empty()).collect()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn audience(claims: &Map<String, Value>) -> Result<Audience, TokenError> {
    let value = claims.get("aud").ok_or(TokenError::MissingClaim("aud"))?;
    Audience::deserialize(value).map_err(|_| TokenError::MalformedClaims)
}

fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::MalformedClaims),
    }
}

fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value.as_i64().map(Some).ok_or(TokenError::MalformedClaims)
}

#[cfg(test)]
mod tests;
