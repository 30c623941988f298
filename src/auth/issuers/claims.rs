//! The mapping of a trusted issuer's claims to ours. The tenant is never taken from a token as it stands: it is fixed,
//! or the settings map the issuer's values to our tenants.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::claim_path::{ClaimPath, ClaimValue};
use crate::auth::claims::{Audience, Claims};
use crate::auth::numeric_date::NumericDate;
use crate::auth::scope::Scopes;
use crate::auth::verify::TokenError;
use crate::sha256::sha256;

/// Claims that only ID tokens have (OpenID Connect Core 1.0 §3.1.3.6 and §3.3.2.11).
const OF_ID_TOKENS: [&str; 2] = ["at_hash", "c_hash"];
/// The claim of security events such as logout tokens (RFC 8417 §2.2).
const OF_EVENTS: &str = "events";
/// Claims in which some providers state the kind of a token: Cognito, Keycloak and Casdoor.
const KINDS: [&str; 3] = ["token_use", "typ", "tokenType"];

/// Claims that may name the client, unless the settings name one (RFC 8693 §4.3, OpenID Connect Core 1.0 §2, Okta and
/// Cloud Foundry, Entra ID and AD FS). The first one that is present counts.
const USUAL_CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// How the tenant of a token is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TenantRule {
    /// Always the same tenant.
    Fixed(String),
    /// The tenant to which a claim's value is mapped.
    ByClaim {
        /// The path of the claim.
        claim: ClaimPath,
        /// The issuer's values with our tenants.
        tenants: BTreeMap<String, String>,
    },
}

/// How the issuer's scopes, roles or groups are mapped to ours. Those without a mapping are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScopeRule {
    /// They have our names after a prefix, which may be empty.
    Prefixed(String),
    /// Each is mapped to some of ours.
    Mapped(BTreeMap<String, Vec<String>>),
}

/// The audience that a token must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AudienceRule {
    /// The values of `aud` that name this service.
    pub(super) audiences: Vec<String>,
    /// The clients whose tokens are for this service if they have no `aud`.
    pub(super) clients: Vec<String>,
}

/// The mapping of an issuer's claims to ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimMapping {
    pub(super) audience: AudienceRule,
    pub(super) tenant: TenantRule,
    /// The claims that may contain scopes. The first claim that grants one of ours counts; they are never combined.
    pub(super) scope_claims: Vec<ClaimPath>,
    pub(super) scopes: ScopeRule,
    /// The existing scopes; others are ignored.
    pub(super) known_scopes: Scopes,
    pub(super) stores_claim: ClaimPath,
    /// The claim with organizations. It is only read if the settings name it, because beside a list of stores it grants
    /// more.
    pub(super) organizations_claim: Option<ClaimPath>,
    /// Whether a token without a list of stores or organizations is refused instead of reading all.
    pub(super) stores_required: bool,
    /// The claim with the client; `None` for the usual ones.
    pub(super) client_id_claim: Option<ClaimPath>,
    /// The claim with the subject; `None` for `sub`.
    pub(super) subject_claim: Option<ClaimPath>,
    /// Claims that must have one of these values.
    pub(super) required: Vec<(ClaimPath, Vec<String>)>,
    /// Whether ID tokens are accepted, for providers whose access tokens look the same.
    pub(super) id_tokens: bool,
}

impl ClaimMapping {
    /// Parses the payload of a token whose signature is valid: a JSON object in which no name occurs twice. `signed`
    /// are the signed bytes.
    pub(super) fn read(&self, payload: &str, signed: &str) -> Result<Claims, TokenError> {
        let claims: Map<String, Value> = serde_json::from_str(payload).map_err(|_| TokenError::MalformedClaims)?;
        self.check_kind(&claims)?;
        let clients = self.clients(&claims)?;
        let aud = self.audience(&claims, &clients)?;
        self.check_required(&claims)?;
        let client = clients.first().copied();
        let subject = self.subject(&claims)?;
        // A client that is its own subject may be named in only one of the claims.
        let (sub, client_id) = match (subject, client) {
            (Some(subject), Some(client)) => (subject, client),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => return Err(TokenError::MissingClaim("sub")),
        };
        let claims = Claims {
            iss: text(&claims, "iss")?.ok_or(TokenError::MissingClaim("iss"))?,
            sub: sub.to_owned(),
            aud,
            exp: time(&claims, "exp")?.ok_or(TokenError::MissingClaim("exp"))?.floor(),
            iat: time(&claims, "iat")?.map(NumericDate::floor),
            nbf: time(&claims, "nbf")?.map(NumericDate::ceiling),
            jti: text(&claims, "jti")?.unwrap_or_else(|| made_id(signed)),
            client_id: client_id.to_owned(),
            scope: self.scope(&claims)?,
            tenant: self.tenant(&claims)?,
            stores: list(&claims, Some(&self.stores_claim), "stores")?,
            organizations: list(&claims, self.organizations_claim.as_ref(), "organizations")?,
        };
        self.check_limits(&claims)?;
        Ok(claims)
    }

    fn check_kind(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        let is_id_token = OF_ID_TOKENS.iter().any(|name| claims.contains_key(*name));
        let kinds = KINDS.iter().filter_map(|name| claims.get(*name)).map(kind_of);
        let is_allowed = |kind| kind == ClaimKind::Access || (kind == ClaimKind::Id && self.id_tokens);
        let is_refused = claims.contains_key(OF_EVENTS) || (is_id_token && !self.id_tokens);
        if is_refused || !kinds.into_iter().all(is_allowed) { Err(TokenError::NotAnAccessToken) } else { Ok(()) }
    }

    fn check_required(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        let is_met = |(claim, accepted): &(ClaimPath, Vec<String>)| {
            let has = |value: &Value| match value {
                Value::String(text) => accepted.contains(text),
                Value::Bool(flag) => accepted.iter().any(|text| *text == flag.to_string()),
                _ => false,
            };
            match claim.find(claims).value() {
                Some(Value::Array(items)) => items.iter().any(has),
                Some(value) => has(value),
                None => false,
            }
        };
        if self.required.iter().all(is_met) { Ok(()) } else { Err(TokenError::RequiredClaim) }
    }

    fn subject<'a>(&self, claims: &'a Map<String, Value>) -> Result<Option<&'a str>, TokenError> {
        let (found, is_required) = match &self.subject_claim {
            Some(claim) => (claim.find(claims).value(), true),
            None => (claims.get("sub"), false),
        };
        match found {
            None if !is_required => Ok(None),
            found => name(found).map(Some).ok_or(TokenError::UnusableClaim("subject")),
        }
    }

    /// Returns the client by every claim that names it; the first one counts.
    fn clients<'a>(&self, claims: &'a Map<String, Value>) -> Result<Vec<&'a str>, TokenError> {
        let found: Vec<&Value> = match &self.client_id_claim {
            Some(claim) => vec![claim.find(claims).value().ok_or(TokenError::UnusableClaim("client"))?],
            None => USUAL_CLIENT_CLAIMS.iter().filter_map(|name| claims.get(*name)).collect(),
        };
        let names: Option<Vec<&str>> = found.into_iter().map(|value| name(Some(value))).collect();
        names.ok_or(TokenError::UnusableClaim("client"))
    }

    /// Returns the audience. A token without `aud` is for us only if the settings say so of its client. All claims that
    /// name the client must agree with that, since a provider may let others choose one of them.
    fn audience(&self, claims: &Map<String, Value>, clients: &[&str]) -> Result<Audience, TokenError> {
        let AudienceRule { audiences, clients: accepted } = &self.audience;
        if let Some(aud) = audience(claims)? {
            let is_ours = audiences.iter().any(|audience| aud.includes(audience));
            return if is_ours { Ok(aud) } else { Err(TokenError::WrongAudience) };
        }
        if accepted.is_empty() {
            return Err(TokenError::MissingClaim("aud"));
        }
        let is_accepted = |client: &&str| accepted.iter().any(|one| one == client);
        match clients.first() {
            Some(client) if clients.iter().all(is_accepted) => Ok(Audience::one(*client)),
            _ => Err(TokenError::WrongAudience),
        }
    }

    /// Returns our scopes. A token with none of ours is valid and grants nothing, just as one without the claim.
    fn scope(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        for claim in &self.scope_claims {
            let theirs = match claim.find(claims) {
                ClaimValue::Value(value) => names(value).ok_or(TokenError::UnusableClaim("scopes"))?,
                ClaimValue::Absent | ClaimValue::Null => continue,
                ClaimValue::NoWay => return Err(TokenError::UnusableClaim("scopes")),
            };
            let granted = self.granted(&theirs);
            if !granted.is_empty() {
                return Ok(granted);
            }
        }
        Ok(String::new())
    }

    fn granted(&self, theirs: &[&str]) -> String {
        let ours: BTreeSet<&str> = match &self.scopes {
            ScopeRule::Prefixed(prefix) => {
                theirs.iter().filter_map(|name| name.strip_prefix(prefix.as_str())).collect()
            }
            ScopeRule::Mapped(map) => {
                theirs.iter().filter_map(|name| map.get(*name)).flatten().map(String::as_str).collect()
            }
        };
        ours.into_iter().filter(|name| self.known_scopes.contain(name)).collect::<Vec<_>>().join(" ")
    }

    fn tenant(&self, claims: &Map<String, Value>) -> Result<String, TokenError> {
        let (claim, tenants) = match &self.tenant {
            TenantRule::Fixed(tenant) => return Ok(tenant.clone()),
            TenantRule::ByClaim { claim, tenants } => (claim, tenants),
        };
        let theirs = match claim.find(claims).value().ok_or(TokenError::UnusableClaim("tenant"))? {
            // A single name may contain blanks.
            Value::String(one) => vec![one.as_str()],
            several => texts(several).ok_or(TokenError::UnusableClaim("tenant"))?,
        };
        let ours: BTreeSet<&String> = theirs.iter().filter_map(|name| tenants.get(*name)).collect();
        let mut ours = ours.into_iter();
        match (ours.next(), ours.next()) {
            (Some(tenant), None) => Ok(tenant.clone()),
            // If two tenants match, neither may be chosen for the caller.
            (Some(_), Some(_)) => Err(TokenError::UnusableClaim("tenant")),
            (None, _) => Err(TokenError::ForeignTenant),
        }
    }

    /// Checks the lists of stores and organizations. With either list, nothing else may be read; with neither, all of
    /// the tenant's.
    fn check_limits(&self, claims: &Claims) -> Result<(), TokenError> {
        let is_limited = claims.stores.is_some() || claims.organizations.is_some();
        if is_limited || !self.stores_required { Ok(()) } else { Err(TokenError::UnusableClaim("stores")) }
    }
}

/// Derives an id for a token that has none, so that it can be identified and revoked. The signature is left out: anyone
/// can make a second valid ES256 signature of a token, which must not be another token.
fn made_id(signed: &str) -> String {
    format!("sha256:{}", URL_SAFE_NO_PAD.encode(sha256([signed.as_bytes()])))
}

/// Reads a list. A list that is present but malformed must not turn into no limit.
fn list(
    claims: &Map<String, Value>,
    claim: Option<&ClaimPath>,
    what: &'static str,
) -> Result<Option<Vec<String>>, TokenError> {
    let value = match claim.map_or(ClaimValue::Absent, |claim| claim.find(claims)) {
        ClaimValue::Value(value) => value,
        ClaimValue::Absent => return Ok(None),
        ClaimValue::Null | ClaimValue::NoWay => return Err(TokenError::UnusableClaim(what)),
    };
    let names = texts(value).ok_or(TokenError::UnusableClaim(what))?;
    Ok(Some(names.into_iter().map(str::to_owned).collect()))
}

/// Reads a list of texts, or one text of names separated by blanks (RFC 6749 §3.3).
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(text.split(' ').filter(|name| !name.is_empty()).collect()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Returns the names in a list without its nulls, or the keys of an object except for those whose value is null, false,
/// zero or empty.
fn names(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(Value::as_str).collect(),
        Value::Object(object) => {
            Some(object.iter().filter(|(_, value)| is_granting(value)).map(|(name, _)| name.as_str()).collect())
        }
        _ => texts(value),
    }
}

fn is_granting(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

/// Reads a text that is not empty. An empty text would be a name that everybody shares.
fn name(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|name| !name.is_empty())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClaimKind {
    Access,
    Id,
    /// A refresh token, a logout token or an unknown kind.
    Other,
}

/// Returns the kind of a token by one of [`KINDS`]. A name that belongs to no other kind counts as an access token's.
fn kind_of(value: &Value) -> ClaimKind {
    let Some(text) = value.as_str() else { return ClaimKind::Other };
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "id" | "idtoken" => ClaimKind::Id,
        "refresh" | "refreshtoken" | "offline" | "logout" | "logouttoken" => ClaimKind::Other,
        _ => ClaimKind::Access,
    }
}

/// Reads the audience; `None` for a token without one, or with an empty list.
fn audience(claims: &Map<String, Value>) -> Result<Option<Audience>, TokenError> {
    let Some(value) = claims.get("aud") else { return Ok(None) };
    let audience = Audience::deserialize(value).map_err(|_| TokenError::MalformedClaims)?;
    Ok(Some(audience).filter(|audience| !audience.is_empty()))
}

fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::MalformedClaims),
    }
}

fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<NumericDate>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    NumericDate::read(value).map(Some).ok_or(TokenError::MalformedClaims)
}

#[cfg(test)]
mod tests;
