//! The only verification of tokens. The cryptographic library verifies the signature and nothing else; audience, times,
//! `crit`, `typ` and all the rest are decided here (RFC 8725, RFC 9068 §4), and no other file parses a token.

mod compact;
mod error;
mod of_issuer;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::claims::Claims;
use super::issuers::{Issuers, KeyFetch};
use super::revocations::Revocations;
use super::token_types::TokenTypes;
use super::verification_keys::{VerificationKey, VerificationKeys};
use super::verified_token_cache::{CachedToken, TokenHash, TokenSource, VerifiedTokenCache};
use crate::clock::Clock;
use compact::ParsedToken;

pub use error::TokenError;
pub use token::VerifiedToken;

/// The size in bytes of the largest accepted token, unless the settings allow an issuer more.
pub const MAXIMUM_TOKEN_BYTES: usize = 8 * 1024;

/// The accepted difference between the clocks of two machines, in seconds.
pub const LEEWAY_SECONDS: i64 = 30;

/// Why a token is not accepted at the moment.
#[derive(Debug)]
pub enum Unverified {
    /// The token is refused.
    Refused(TokenError),
    /// The token names a key that its issuer may have added lately. It must be verified again when the fetch has ended.
    KeyMissing {
        /// The fetch of the issuer's keys, shared by all who wait.
        fetch: KeyFetch,
        /// What is wrong with the token as long as the key is missing.
        meanwhile: TokenError,
    },
}

impl From<TokenError> for Unverified {
    fn from(error: TokenError) -> Self {
        Self::Refused(error)
    }
}

/// Returns the client that a token claims, true or not. It is only for the log, when the token is refused.
pub fn claimed_client(token: &str) -> Option<String> {
    if token.len() > MAXIMUM_TOKEN_BYTES {
        return None;
    }
    ParsedToken::read(token).ok()?.claimed_client()
}

/// Verifies tokens: our own, and those of the trusted issuers.
#[derive(Debug)]
pub struct Verifier {
    /// The verification of our own tokens; `None` for a service that issues no tokens.
    own: Option<OwnIssuer>,
    /// The trusted issuers.
    pub trusted: Issuers,
    revocations: Revocations,
    cache: VerifiedTokenCache,
    signatures_checked: AtomicU64,
    clock: Clock,
}

/// What our own tokens must state.
#[derive(Debug)]
struct OwnIssuer {
    issuer: String,
    audience: String,
    types: TokenTypes,
    keys: VerificationKeys,
}

/// A token that is valid except for its expiry and revocation, which are not checked yet.
struct Accepted {
    source: TokenSource,
    key: Arc<VerificationKey>,
    claims: Claims,
}

impl Verifier {
    /// Accepts tokens from `issuer` for `audience`, signed with one of `keys`.
    pub fn new(issuer: &str, audience: &str, keys: VerificationKeys, clock: Clock) -> Self {
        let types = TokenTypes::access_tokens();
        let own = OwnIssuer { issuer: issuer.to_owned(), audience: audience.to_owned(), types, keys };
        Self { own: Some(own), ..Self::without_own_tokens(clock) }
    }

    /// Accepts no tokens until issuers are trusted.
    pub fn without_own_tokens(clock: Clock) -> Self {
        Self {
            own: None,
            trusted: Issuers::default(),
            revocations: Revocations::default(),
            cache: VerifiedTokenCache::new(),
            signatures_checked: AtomicU64::new(0),
            clock,
        }
    }

    /// Refuses revoked tokens.
    #[must_use]
    pub fn refusing(self, revocations: Revocations) -> Self {
        Self { revocations, ..self }
    }

    /// Accepts the tokens of these issuers, too.
    #[must_use]
    pub fn trusting(self, trusted: Issuers) -> Self {
        Self { trusted, ..self }
    }

    /// Shares the cache of `older`, if both verify every token in the same way. Whether a key still exists is checked
    /// on each use.
    #[must_use]
    pub fn sharing_cache_of(self, older: &Self) -> Self {
        let names = |verifier: &Self| verifier.own.as_ref().map(|own| (own.issuer.clone(), own.audience.clone()));
        let is_same = names(&self) == names(older) && self.trusted.read_tokens_as(&older.trusted);
        if is_same { Self { cache: older.cache.clone(), ..self } } else { self }
    }

    /// Verifies a token with the known keys.
    ///
    /// # Errors
    /// Returns the first reason why the token is refused.
    pub fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        self.begin(token).map_err(|unverified| match unverified {
            Unverified::Refused(error) | Unverified::KeyMissing { meanwhile: error, .. } => error,
        })
    }

    /// Verifies a token, and waits for the keys of its issuer if its key may have been added lately.
    ///
    /// # Errors
    /// Returns the first reason why the token is refused.
    pub async fn verify_or_fetch(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        match self.begin(token) {
            Ok(verified) => Ok(verified),
            Err(Unverified::Refused(error)) => Err(error),
            Err(Unverified::KeyMissing { fetch, .. }) => {
                fetch.ended().await;
                self.verify(token)
            }
        }
    }

    /// Verifies a token with the known keys, and says whether it is worth waiting for new ones.
    ///
    /// Signature and content do not change between requests, but the time does, so the expiry and revocation of a
    /// cached token are checked each time.
    ///
    /// # Errors
    /// Returns the first reason why the token is not accepted.
    pub fn begin(&self, token: &str) -> Result<Arc<VerifiedToken>, Unverified> {
        let changes = || self.trusted.changes.load(Ordering::Acquire);
        let before = changes();
        let verified = match self.verify_content(token) {
            // A fetch may have ended between the check with the known keys and the request for others.
            Err(Unverified::Refused(_)) if changes() != before => self.verify_content(token)?,
            other => other?,
        };
        self.check_standing(&verified)?;
        Ok(verified)
    }

    /// Checks the expiry and revocation of a verified token, which may change between requests.
    ///
    /// # Errors
    /// Returns an error if the token has expired, is not valid yet, or is revoked.
    pub fn check_standing(&self, token: &VerifiedToken) -> Result<(), TokenError> {
        let (claims, valid, now) = (token.claims(), token.validity(), self.clock.now().as_second());
        if now >= valid.end {
            return Err(TokenError::Expired);
        }
        if now < valid.start {
            return Err(TokenError::NotYetValid);
        }
        if self.revocations.is_revoked(&claims.iss, &claims.jti) {
            return Err(TokenError::Revoked);
        }
        Ok(())
    }

    /// Returns how many signatures were verified, without tokens found in the cache.
    pub fn signatures_checked(&self) -> u64 {
        self.signatures_checked.load(Ordering::Relaxed)
    }

    /// Returns the size in bytes of the largest accepted token of any issuer.
    pub fn largest_token(&self) -> usize {
        self.trusted.largest_token().max(MAXIMUM_TOKEN_BYTES)
    }

    fn verify_content(&self, token: &str) -> Result<Arc<VerifiedToken>, Unverified> {
        if token.len() > self.largest_token() {
            return Err(TokenError::TooLarge.into());
        }
        let fingerprint = TokenHash::of(token);
        if let Some(verified) = self.cache.get(&fingerprint, |cached| self.still_has_key_of(cached)) {
            return Ok(verified);
        }
        let compact = ParsedToken::read(token)?;
        let Accepted { source, key, claims } = self.accept(&compact)?;
        let verified = Arc::new(VerifiedToken::new(claims));
        let left = verified.validity().end.saturating_sub(self.clock.now().as_second());
        let left = Duration::from_secs(left.try_into().unwrap_or_default());
        let cached = CachedToken { token: verified.clone(), source, kid: compact.header.hint().kid, key };
        self.cache.insert(fingerprint, cached, token.len(), left);
        Ok(verified)
    }

    fn accept(&self, compact: &ParsedToken<'_>) -> Result<Accepted, Unverified> {
        let issuer = compact.claimed_issuer()?;
        match self.own.as_ref().filter(|own| own.issuer == issuer) {
            Some(own) => Ok(self.accept_own(own, compact)?),
            None => self.accept_of(&issuer, compact),
        }
    }

    fn accept_own(&self, own: &OwnIssuer, compact: &ParsedToken<'_>) -> Result<Accepted, TokenError> {
        if compact.size > MAXIMUM_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let header = &compact.header;
        if !own.types.accept(header.typ.as_deref()) {
            return Err(TokenError::WrongType);
        }
        if let Some(name) = header.foreign_parameter() {
            return Err(TokenError::ForbiddenParameter(name));
        }
        let kid = header.hint().kid.ok_or(TokenError::MissingKeyId)?;
        let key = own.keys.get(&kid).cloned().ok_or(TokenError::UnknownKey)?;
        let algorithm = header.algorithm()?;
        if !key.is_for(algorithm) {
            return Err(TokenError::WrongAlgorithm);
        }
        self.signatures_checked.fetch_add(1, Ordering::Relaxed);
        if !compact.is_signed_by(&key, algorithm) {
            return Err(TokenError::WrongSignature);
        }
        let claims = Claims::from_json(compact.payload.as_bytes())?;
        if !claims.aud.includes(&own.audience) {
            return Err(TokenError::WrongAudience);
        }
        Ok(Accepted { source: TokenSource::Own, key, claims })
    }

    /// Whether the key of a cached token still exists. A key that was removed or replaced invalidates its tokens,
    /// cached or not.
    fn still_has_key_of(&self, cached: &CachedToken) -> bool {
        let (kid, key) = (cached.kid.as_deref(), &cached.key);
        match cached.source {
            TokenSource::Own => self.own.as_ref().is_some_and(|own| own.keys.still_have(kid, key)),
            TokenSource::Trusted(index) => {
                self.trusted.get(index).is_some_and(|issuer| issuer.keys().still_have(kid, key))
            }
        }
    }
}

#[cfg(test)]
mod tests;
