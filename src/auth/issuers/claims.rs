//! What the claims of a trusted issuer mean here. The tenant is never taken from a token as it stands: it is fixed, or
//! the settings say which of the issuer's values stands for which of our tenants.

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
/// Claims by which some providers tell the kind of a token: Cognito, Keycloak and Casdoor.
const KINDS: [&str; 3] = ["token_use", "typ", "tokenType"];

/// Where the client stands, unless the settings name a claim (RFC 8693 §4.3, OpenID Connect Core 1.0 §2, Okta and Cloud
/// Foundry, Entra ID and AD FS). The first one that is there counts.
const USUAL_CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "cid", "appid"];

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

/// Whom a token must be meant for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AudienceRule {
    /// The `aud` that name this service.
    pub(super) audiences: Vec<String>,
    /// The clients whose tokens are meant for this service when they have no `aud`.
    pub(super) clients: Vec<String>,
}

/// How a token of the issuer is put into our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimMapping {
    pub(super) audience: AudienceRule,
    pub(super) tenant: TenantRule,
    /// Where scopes may be. The first claim that grants one of ours counts; they are never added up.
    pub(super) scope_claims: Vec<ClaimPath>,
    pub(super) scopes: ScopeRule,
    /// The scopes that there are; others are left out.
    pub(super) known_scopes: Scopes,
    pub(super) stores_claim: ClaimPath,
    /// Only read where the settings name it: beside a list of stores it grants more.
    pub(super) organizations_claim: Option<ClaimPath>,
    /// Refuse a token that has no list of stores or organizations, instead of letting it read all.
    pub(super) stores_required: bool,
    /// `None` for the usual ones.
    pub(super) client_id_claim: Option<ClaimPath>,
    /// `None` for `sub`.
    pub(super) subject_claim: Option<ClaimPath>,
    /// Claims that must have one of these values.
    pub(super) required: Vec<(ClaimPath, Vec<String>)>,
    /// Take ID tokens, too, for providers whose access tokens cannot be told from them.
    pub(super) id_tokens: bool,
}

impl ClaimMapping {
    /// Reads the payload of a token whose signature fits: a JSON object in which no name occurs twice. `signed` is what the
    /// signature is over.
    pub(super) fn read(&self, payload: &str, signed: &str) -> Result<Claims, TokenError> {
        let claims: Map<String, Value> = serde_json::from_str(payload).map_err(|_| TokenError::MalformedClaims)?;
        self.check_kind(&claims)?;
        let clients = self.clients(&claims)?;
        let aud = self.audience(&claims, &clients)?;
        self.check_required(&claims)?;
        let client = clients.first().copied();
        let subject = self.subject(&claims)?;
        // A client that speaks for itself may be named in one place only.
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

    /// The client, by every claim that names it; the first one counts.
    fn clients<'a>(&self, claims: &'a Map<String, Value>) -> Result<Vec<&'a str>, TokenError> {
        let found: Vec<&Value> = match &self.client_id_claim {
            Some(claim) => vec![claim.find(claims).value().ok_or(TokenError::UnusableClaim("client"))?],
            None => USUAL_CLIENT_CLAIMS.iter().filter_map(|name| claims.get(*name)).collect(),
        };
        let names: Option<Vec<&str>> = found.into_iter().map(|value| name(Some(value))).collect();
        names.ok_or(TokenError::UnusableClaim("client"))
    }

    /// A token without `aud` is meant for us only if the settings say so of its client. Whatever names the client has to
    /// agree with that: a provider may let others choose one of the claims.
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

    /// Ours of the scopes; none is as good as no claim, so that the token is good and opens nothing.
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
    format!("sha256:{}", URL_SAFE_NO_PAD.encode(sha256([signed.as_bytes()])))
}

/// A list that is there but cannot be read must not become no limit.
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

/// A list of texts, or one text of names separated by blanks (RFC 6749 §3.3).
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(text.split(' ').filter(|name| !name.is_empty()).collect()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The value without the `null`s of a list, or the keys of an object but for those whose value says no.
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

/// A name that is there and is no empty text, which would be a name that everybody shares.
fn name(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|name| !name.is_empty())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClaimKind {
    Access,
    Id,
    /// For refreshing, for logging out, or not to be told.
    Other,
}

/// The kind of a token by one of [`KINDS`]. A name that is not one of another kind is that of access tokens.
fn kind_of(value: &Value) -> ClaimKind {
    let Some(text) = value.as_str() else { return ClaimKind::Other };
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "id" | "idtoken" => ClaimKind::Id,
        "refresh" | "refreshtoken" | "offline" | "logout" | "logouttoken" => ClaimKind::Other,
        _ => ClaimKind::Access,
    }
}

/// `None` for a token that names no audience, be it by an empty list.
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
