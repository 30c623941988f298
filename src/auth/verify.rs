//! The one way in for tokens. `jsonwebtoken` checks the signature and nothing else: its own validation accepts a missing
//! audience, a future `nbf`, any `crit` and any `typ`, and reads the machine's clock. All of that is decided here
//! (RFC 8725, RFC 9068 §4), and no other file reads a token.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::claims::{Claims, ClaimsError};
use super::grants::Grants;
use super::keys::{VerificationKey, VerificationKeys};
use super::revocations::Revocations;
use crate::clock::Clock;

/// The largest token that is looked at.
pub const MAXIMUM_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of two machines may be apart.
pub const LEEWAY_SECONDS: i64 = 30;

/// Why a token is refused: a sentence for the caller, with nothing of the token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over [`MAXIMUM_TOKEN_BYTES`].
    #[error("The token is larger than 8 KiB")]
    TooLarge,
    /// Not `header.payload.signature` (RFC 7515 §7.1).
    #[error("The token is not a signed JWT of three parts")]
    NotThreeParts,
    /// The header is not base64url of a JSON object with the right types.
    #[error("The header of the token cannot be read")]
    MalformedHeader,
    /// The header brings a key, or asks for an extension (RFC 7515 §4.1.11, RFC 8725 §3.10).
    #[error("The header of the token has the parameter {0}, which is not accepted")]
    ForbiddenParameter(&'static str),
    /// Another kind of JWT, such as an ID token (RFC 9068 §4).
    #[error("The token is not an access token (typ at+jwt)")]
    NotAnAccessToken,
    /// No `kid`.
    #[error("The token does not name its key (kid)")]
    MissingKeyId,
    /// A `kid` that is not ours.
    #[error("The token names a key that is not known here")]
    UnknownKey,
    /// An `alg` that is not the key's (RFC 8725 §3.1).
    #[error("The token is signed with an algorithm that its key is not for")]
    WrongAlgorithm,
    /// The signature does not fit.
    #[error("The signature of the token is wrong")]
    WrongSignature,
    /// A claim is there twice or of another type, or the payload is not a JSON object.
    #[error("The claims of the token cannot be read")]
    MalformedClaims,
    /// A required claim is absent or empty.
    #[error("The token lacks the claim {0}")]
    MissingClaim(&'static str),
    /// `iss` is not ours.
    #[error("The token is from another issuer")]
    WrongIssuer,
    /// `aud` does not name us.
    #[error("The token is for another audience")]
    WrongAudience,
    /// `exp` has come.
    #[error("The token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("The token is not valid yet")]
    NotYetValid,
    /// `iat` has not come.
    #[error("The token was issued in the future")]
    IssuedInTheFuture,
    /// It ended before its time (RFC 7009).
    #[error("The token has been revoked")]
    Revoked,
}

impl From<ClaimsError> for TokenError {
    fn from(error: ClaimsError) -> Self {
        match error {
            ClaimsError::Malformed => Self::MalformedClaims,
            ClaimsError::Missing(name) => Self::MissingClaim(name),
        }
    }
}

/// A token that passed every check, with what requests ask of it made ready.
#[derive(Debug)]
pub struct VerifiedToken {
    claims: Claims,
    client_id: Arc<str>,
    tenant: Arc<str>,
    grants: Grants,
}

impl VerifiedToken {
    fn new(claims: Claims) -> Self {
        Self {
            client_id: Arc::from(claims.client_id.as_str()),
            tenant: Arc::from(claims.tenant.as_str()),
            grants: Grants::new(claims.stores.as_deref(), claims.organizations.as_deref()),
            claims,
        }
    }

    /// Everything that the token says.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The client that the token was issued to.
    pub const fn client_id(&self) -> &Arc<str> {
        &self.client_id
    }

    /// Whose gateway credentials and data the token reaches.
    pub const fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }

    /// Which stores the token may read.
    pub const fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Whether the token holds the scope (RFC 6749 §3.3).
    pub fn has_scope(&self, name: &str) -> bool {
        self.claims.scope.split(' ').any(|scope| scope == name)
    }
}

/// Checks the tokens of one issuer.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: VerificationKeys,
    revocations: Revocations,
    clock: Clock,
}

impl Verifier {
    /// Accepts tokens from `issuer` for `audience`, signed with one of `keys`.
    pub fn new(issuer: &str, audience: &str, keys: VerificationKeys, clock: Clock) -> Self {
        let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
        Self { issuer, audience, keys, revocations: Revocations::default(), clock }
    }

    /// Refuses tokens that ended before their time.
    #[must_use]
    pub fn refusing(self, revocations: Revocations) -> Self {
        Self { revocations, ..self }
    }

    /// Checks a token.
    ///
    /// Signature and content do not change from request to request, but the time does: a memory of checked tokens
    /// belongs between the two steps, so that what it remembers still has to be in time.
    ///
    /// # Errors
    /// The first reason why the token is refused.
    pub fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        let verified = self.verify_content(token)?;
        self.verify_time(verified.claims())?;
        if self.revocations.is_revoked(&verified.claims().iss, &verified.claims().jti) {
            return Err(TokenError::Revoked);
        }
        Ok(verified)
    }

    fn verify_content(&self, token: &str) -> Result<Arc<VerifiedToken>, TokenError> {
        let parts = Parts::split(token)?;
        let key = self.key_for(&JoseHeader::read(parts.header)?)?;
        verify_signature(&parts, key)?;
        let payload = URL_SAFE_NO_PAD.decode(parts.payload).map_err(|_| TokenError::MalformedClaims)?;
        let claims = Claims::from_json(&payload)?;
        if claims.iss != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !claims.aud.includes(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        Ok(Arc::new(VerifiedToken::new(claims)))
    }

    fn key_for(&self, header: &JoseHeader) -> Result<&VerificationKey, TokenError> {
        let kid = header.kid.as_deref().ok_or(TokenError::MissingKeyId)?;
        let key = self.keys.get(kid).ok_or(TokenError::UnknownKey)?;
        if header.alg != key.algorithm().name() {
            return Err(TokenError::WrongAlgorithm);
        }
        Ok(key)
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

fn verify_signature(parts: &Parts<'_>, key: &VerificationKey) -> Result<(), TokenError> {
    match crypto::verify(parts.signature, parts.signed.as_bytes(), key.decoding(), key.algorithm().jws()) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(TokenError::WrongSignature),
    }
}

/// A token in its compact form (RFC 7515 §7.1).
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// Header, dot and payload: the bytes that the signature is over.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAXIMUM_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        Ok(Self { header, payload, signature, signed })
    }
}

/// The header (RFC 7515 §4.1), read before anything in the token is believed.
#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "presence")]
    crit: bool,
    #[serde(default, deserialize_with = "presence")]
    jwk: bool,
    #[serde(default, deserialize_with = "presence")]
    jku: bool,
    #[serde(default, deserialize_with = "presence")]
    x5u: bool,
    #[serde(default, deserialize_with = "presence")]
    x5c: bool,
    #[serde(default, deserialize_with = "presence")]
    b64: bool,
}

impl JoseHeader {
    fn read(encoded: &str) -> Result<Self, TokenError> {
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::MalformedHeader)?;
        let header: Self = serde_json::from_slice(&json).map_err(|_| TokenError::MalformedHeader)?;
        match header.forbidden_parameter() {
            Some(name) => Err(TokenError::ForbiddenParameter(name)),
            None if header.is_access_token() => Ok(header),
            None => Err(TokenError::NotAnAccessToken),
        }
    }

    fn forbidden_parameter(&self) -> Option<&'static str> {
        let parameters = [
            (self.crit, "crit"),
            (self.jwk, "jwk"),
            (self.jku, "jku"),
            (self.x5u, "x5u"),
            (self.x5c, "x5c"),
            (self.b64, "b64"),
        ];
        parameters.into_iter().find(|(present, _)| *present).map(|(_, name)| name)
    }

    /// Media types have no case, and their `application/` may be left out (RFC 7515 §4.1.9).
    fn is_access_token(&self) -> bool {
        let accepted = ["at+jwt", "application/at+jwt"];
        self.typ.as_deref().is_some_and(|typ| accepted.iter().any(|accepted| typ.eq_ignore_ascii_case(accepted)))
    }
}

/// True for any value at all, null included.
fn presence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests;
