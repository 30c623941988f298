//! The one way in for tokens. `jsonwebtoken` checks the signature and nothing else: its own validation accepts a missing
//! audience, a future `nbf`, any `crit` and any `typ`, and reads the machine's clock. All of that is decided here
//! (RFC 8725, RFC 9068 §4), and no other file reads a token.

mod compact;
mod error;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonwebtoken::crypto;

use super::claims::Claims;
use super::issuers::{Issuers, KeyFetch, TrustedIssuer};
use super::keys::{VerificationKey, VerificationKeys};
use super::remembered::{Fingerprint, Remembered, RememberedTokens, Source};
use super::revocations::Revocations;
use super::token_types::TokenTypes;
use crate::clock::Clock;
use compact::{Compact, JoseHeader};

pub use error::TokenError;
pub use token::VerifiedToken;

/// The largest token that is looked at.
pub const MAXIMUM_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of two machines may be apart.
pub const LEEWAY_SECONDS: i64 = 30;

/// Why a token is not accepted for now.
#[derive(Debug)]
pub enum Unverified {
    /// It is refused.
    Refused(TokenError),
    /// It names a key that its issuer may have added lately. It is to be verified again when the fetch has ended.
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

/// The client that a token says it was issued to, whether that is true or not: for the log, when the token is refused.
pub fn claimed_client(token: &str) -> Option<String> {
    if token.len() > MAXIMUM_TOKEN_BYTES {
        return None;
    }
    Compact::read(token).ok()?.claimed_client()
}

/// Checks tokens: our own, and those of the trusted issuers.
#[derive(Debug)]
pub struct Verifier {
    own: OwnIssuer,
    trusted: Issuers,
    revocations: Revocations,
    remembered: RememberedTokens,
    signatures_checked: AtomicU64,
    clock: Clock,
}

/// What is expected of our own tokens.
#[derive(Debug)]
struct OwnIssuer {
    issuer: String,
    audience: String,
    types: TokenTypes,
    keys: VerificationKeys,
}

/// Whose token it is, once the issuer that it names is known here.
enum Authority<'a> {
    Own(&'a OwnIssuer),
    Trusted(usize, &'a TrustedIssuer),
}

impl Verifier {
    /// Accepts tokens from `issuer` for `audience`, signed with one of `keys`.
    pub fn new(issuer: &str, audience: &str, keys: VerificationKeys, clock: Clock) -> Self {
        let types = TokenTypes::access_tokens();
        Self {
            own: OwnIssuer { issuer: issuer.to_owned(), audience: audience.to_owned(), types, keys },
            trusted: Issuers::default(),
            revocations: Revocations::default(),
            remembered: RememberedTokens::new(),
            signatures_checked: AtomicU64::new(0),
            clock,
        }
    }

    /// Refuses tokens that ended before their time.
    #[must_use]
    pub fn refusing(self, revocations: Revocations) -> Self {
        Self { revocations, ..self }
    }

    /// Accepts the tokens of these issuers, too.
    #[must_use]
    pub fn trusting(self, trusted: Issuers) -> Self {
        Self { trusted, ..self }
    }

    /// Goes on with what `older` remembers, if both find the same in every token. Its keys are asked for on each use.
    #[must_use]
    pub fn remembering_what(self, older: &Self) -> Self {
        let is_same = self.own.issuer == older.own.issuer
            && self.own.audience == older.own.audience
            && self.trusted.read_tokens_as(&older.trusted);
        if is_same { Self { remembered: older.remembered.clone(), ..self } } else { self }
    }

    /// The trusted issuers.
    pub const fn trusted(&self) -> &Issuers {
        &self.trusted
    }

    /// Checks a token with the keys that are known now.
    ///
    /// # Errors
    /// The first reason why the token is refused.
    pub fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        self.begin(token).map_err(|unverified| match unverified {
            Unverified::Refused(error) | Unverified::KeyMissing { meanwhile: error, .. } => error,
        })
    }

    /// Checks a token, and waits for the keys of its issuer if its key may have been added lately.
    ///
    /// # Errors
    /// The first reason why the token is refused.
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

    /// Checks a token with the keys that are known now, and tells when it is worth the wait for new ones.
    ///
    /// Signature and content do not change from request to request, but the time does, so what is remembered of a token
    /// still has to be in time and not revoked.
    ///
    /// # Errors
    /// The first reason why the token is not accepted.
    pub fn begin(&self, token: &str) -> Result<Arc<VerifiedToken>, Unverified> {
        let verified = self.verify_content(token)?;
        self.check_standing(&verified)?;
        Ok(verified)
    }

    /// Checks what changes from request to request about a token that was found good: its time, and whether it was revoked.
    ///
    /// # Errors
    /// It is not in time, or was revoked.
    pub fn check_standing(&self, token: &VerifiedToken) -> Result<(), TokenError> {
        let claims = token.claims();
        self.verify_time(claims)?;
        if self.revocations.is_revoked(&claims.iss, &claims.jti) {
            return Err(TokenError::Revoked);
        }
        Ok(())
    }

    /// How many signatures were checked, in contrast to tokens that were remembered.
    pub fn signatures_checked(&self) -> u64 {
        self.signatures_checked.load(Ordering::Relaxed)
    }

    fn verify_content(&self, token: &str) -> Result<Arc<VerifiedToken>, Unverified> {
        if token.len() > MAXIMUM_TOKEN_BYTES {
            return Err(TokenError::TooLarge.into());
        }
        let fingerprint = Fingerprint::of(token);
        if let Some(remembered) = self.remembered.get(&fingerprint, |remembered| self.still_has_key_of(remembered)) {
            return Ok(remembered);
        }
        let compact = Compact::read(token)?;
        let authority = self.authority(&compact)?;
        let key = authority.key(&compact)?;
        self.verify_signature(&compact, &key)?;
        let verified = Arc::new(VerifiedToken::new(authority.claims(&compact)?));
        let left = self.time_left(verified.claims());
        let (source, kid) = (authority.source(), compact.header.kid);
        let remembered = Remembered { token: verified.clone(), source, kid, key };
        self.remembered.keep(fingerprint, remembered, token.len(), left);
        Ok(verified)
    }

    fn authority(&self, compact: &Compact<'_>) -> Result<Authority<'_>, TokenError> {
        let issuer = compact.claimed_issuer()?;
        if issuer == self.own.issuer {
            return Ok(Authority::Own(&self.own));
        }
        let (index, trusted) = self.trusted.find(&issuer).ok_or(TokenError::WrongIssuer)?;
        Ok(Authority::Trusted(index, trusted))
    }

    /// A key that was removed or replaced ends the tokens that it has signed, remembered or not.
    fn still_has_key_of(&self, remembered: &Remembered) -> bool {
        let kid = remembered.kid.as_deref();
        // Shared secrets are never compared, but the very key of before has the one of before.
        let is_same =
            |key: &Arc<VerificationKey>| Arc::ptr_eq(key, &remembered.key) || key.is_same_public_key(&remembered.key);
        match remembered.source {
            Source::Own => self.own.keys.get(kid).is_some_and(is_same),
            Source::Trusted(index) => {
                self.trusted.get(index).is_some_and(|issuer| issuer.keys().get(kid).is_some_and(is_same))
            }
        }
    }

    fn verify_signature(&self, compact: &Compact<'_>, key: &VerificationKey) -> Result<(), TokenError> {
        self.signatures_checked.fetch_add(1, Ordering::Relaxed);
        let signed = compact.signed.as_bytes();
        match crypto::verify(compact.signature, signed, key.decoding(), key.algorithm().jws()) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::WrongSignature),
        }
    }

    fn time_left(&self, claims: &Claims) -> Duration {
        let end = claims.exp.saturating_add(LEEWAY_SECONDS);
        Duration::from_secs(end.saturating_sub(self.clock.now().as_second()).try_into().unwrap_or_default())
    }

    fn verify_time(&self, claims: &Claims) -> Result<(), TokenError> {
        let now = self.clock.now().as_second();
        let latest_start = now.saturating_add(LEEWAY_SECONDS);
        if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(TokenError::NotYetValid);
        }
        if claims.iat > latest_start {
            return Err(TokenError::IssuedInTheFuture);
        }
        Ok(())
    }
}

impl Authority<'_> {
    /// The one key that may have signed the token, if everything that the header says fits it.
    fn key(&self, compact: &Compact<'_>) -> Result<Arc<VerificationKey>, Unverified> {
        let header = &compact.header;
        let types = match self {
            Self::Own(own) => &own.types,
            Self::Trusted(_, issuer) => issuer.types(),
        };
        if !types.accept(header.typ.as_deref()) {
            return Err(TokenError::WrongType.into());
        }
        let key = match self {
            Self::Own(own) => own.key(header)?,
            Self::Trusted(_, issuer) => {
                // An algorithm that no key of this issuer can have is not worth a fetch.
                if !issuer.algorithms().iter().any(|algorithm| algorithm.name() == header.alg) {
                    return Err(TokenError::WrongAlgorithm.into());
                }
                issuer.key(header.kid.as_deref())?
            }
        };
        if header.alg != key.algorithm().name() {
            return Err(TokenError::WrongAlgorithm.into());
        }
        Ok(key)
    }

    fn claims(&self, compact: &Compact<'_>) -> Result<Claims, TokenError> {
        match self {
            Self::Own(own) => own.claims(&compact.payload),
            Self::Trusted(_, issuer) => issuer.claims(&compact.payload, compact.signed),
        }
    }

    const fn source(&self) -> Source {
        match self {
            Self::Own(_) => Source::Own,
            Self::Trusted(index, _) => Source::Trusted(*index),
        }
    }
}

impl OwnIssuer {
    fn key(&self, header: &JoseHeader) -> Result<Arc<VerificationKey>, TokenError> {
        if let Some(name) = header.thumbprint() {
            return Err(TokenError::ForbiddenParameter(name));
        }
        let kid = header.kid.as_deref().ok_or(TokenError::MissingKeyId)?;
        self.keys.get(Some(kid)).cloned().ok_or(TokenError::UnknownKey)
    }

    fn claims(&self, payload: &str) -> Result<Claims, TokenError> {
        let claims = Claims::from_json(payload.as_bytes())?;
        if !claims.aud.includes(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests;
