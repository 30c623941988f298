//! API keys, for programs that cannot renew a token. A key is 256 random bits, sent with each request; only its SHA-256
//! is configured. It stands for a token that needs no issuer: a caller with the tenant, scopes and grants of its section.

pub mod settings;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use secrecy::SecretString;
use subtle::ConstantTimeEq as _;

use super::Auth;
use super::claims::{Audience, Claims};
use super::failed_logins::LoginAttempt;
use super::quota::Quota;
use super::secrets::{self, SecretError};
use super::verify::VerifiedToken;
use crate::http::client_address;
use crate::sha256::sha256;
use crate::telemetry::metrics;

/// The `iss` of what an API key stands for. No issuer of tokens has it, since theirs are URLs.
const ISSUER: &str = "api-key";

/// The id of a client under which unknown keys are counted. No client has it, since it has blanks.
const UNKNOWN_KEYS: &str = "unknown API keys";

/// An API key with what it may do.
#[derive(Debug)]
pub struct ApiKey {
    /// The name of its section.
    pub name: String,
    hash: ApiKeyHash,
    /// The quota of its requests; `None` for the default one.
    pub quota: Option<Quota>,
    verified: Arc<VerifiedToken>,
}

/// The SHA-256 of an API key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// Parses what [`secrets::sha256_hex`] wrote.
    ///
    /// # Errors
    /// Returns an error if the text is anything else.
    pub fn from_hex(hash: &SecretString) -> Result<Self, SecretError> {
        secrets::sha256_from_hex(hash).map(Self)
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKeyHash([REDACTED])")
    }
}

/// What an API key may do, as its section says it.
#[derive(Debug)]
pub struct ApiKeyGrant {
    /// The tenant whose gateway credentials and data it can reach.
    pub tenant: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The only stores that it may read; `None` for all of the tenant's.
    pub stores: Option<Vec<String>>,
    /// The only organizations that it may read; `None` for all, unless `stores` limits it.
    pub organizations: Option<Vec<String>>,
    /// When it ends, in seconds since 1970; `None` for never.
    pub expires: Option<i64>,
}

/// Why an API key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// No section has the hash of this key.
    #[error("The API key is not known here")]
    Unknown,
    /// The time of `expires` has passed.
    #[error("The API key has expired")]
    Expired,
    /// Too many unknown keys came from this address; the value is the time to wait.
    #[error("Too many wrong API keys or secrets came from this address")]
    RateLimited(Duration),
}

impl ApiKey {
    /// Creates the key of this name, hash and quota.
    pub fn new(name: &str, hash: ApiKeyHash, quota: Option<Quota>, grant: ApiKeyGrant) -> Self {
        let valid: Range<i64> = i64::MIN..grant.expires.unwrap_or(i64::MAX);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: name.to_owned(),
            aud: Audience::one(""),
            exp: valid.end,
            iat: None,
            nbf: None,
            jti: name.to_owned(),
            client_id: name.to_owned(),
            scope: grant.scopes.join(" "),
            tenant: grant.tenant,
            stores: grant.stores,
            organizations: grant.organizations,
        };
        Self { name: name.to_owned(), hash, quota, verified: Arc::new(VerifiedToken::valid_in(valid, claims)) }
    }
}

/// All configured API keys.
#[derive(Debug, Default)]
pub struct ApiKeys(Vec<ApiKey>);

impl ApiKeys {
    /// Creates the list of keys.
    pub const fn new(keys: Vec<ApiKey>) -> Self {
        Self(keys)
    }

    /// Returns the quota of the key that a verified caller sent, or `None` if the caller sent a token.
    pub(super) fn quota_of(&self, token: &VerifiedToken) -> Option<Option<Quota>> {
        let claims = token.claims();
        let key = self.0.iter().find(|key| claims.iss == ISSUER && key.name == claims.client_id)?;
        Some(key.quota)
    }

    /// Finds the key whose hash this is. It compares with all keys, each in constant time, so that the time says
    /// nothing about any hash.
    fn find(&self, sent: &str) -> Option<&ApiKey> {
        let hash = sha256([sent.as_bytes()]);
        self.0.iter().fold(None, |found, key| if bool::from(key.hash.0.ct_eq(&hash)) { Some(key) } else { found })
    }
}

/// Verifies the API key of a request. Unknown keys count as failed logins of their address. A known key is accepted
/// from an address with too many failures, too: it cannot be guessed, and one outdated program of an office must not
/// shut out the others.
///
/// # Errors
/// Returns why the key is not accepted.
pub(super) fn verify(auth: &Auth, request: &HttpRequest, sent: &str) -> Result<Arc<VerifiedToken>, ApiKeyError> {
    let found = auth.api_keys.find(sent).ok_or_else(|| count_failure(auth, request))?;
    auth.verifier.check_standing(&found.verified).map_err(|_| ApiKeyError::Expired)?;
    Ok(found.verified.clone())
}

/// Counts an unknown key, and says whether too many came before.
fn count_failure(auth: &Auth, request: &HttpRequest) -> ApiKeyError {
    let connection = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let address = client_address::origin(connection, request.headers(), &auth.limits.trusted_proxies);
    let attempt = LoginAttempt { peer: client_address::counted(address), client_id: UNKNOWN_KEYS };
    let (rate, now) = (auth.limits.wrong_secrets, auth.clock.elapsed());
    match auth.memory.failed_logins.check(attempt, rate, now) {
        Ok(()) => {
            auth.memory.failed_logins.count(attempt, rate, now);
            metrics::client_authentications("wrong").increment(1);
            ApiKeyError::Unknown
        }
        Err(wait) => {
            metrics::client_authentications("slow_down").increment(1);
            ApiKeyError::RateLimited(wait)
        }
    }
}

#[cfg(test)]
mod tests;
