//! Verification of a trusted issuer's tokens. The settings may have several sections for an issuer. Each section
//! decides alone by its own keys, audience and claims, and the token counts as one of them maps it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::compact::ParsedToken;
use super::{Accepted, TokenError, Unverified, Verifier};
use crate::auth::claims::Claims;
use crate::auth::issuers::TrustedIssuer;
use crate::auth::verification_keys::VerificationKey;
use crate::auth::verified_token_cache::TokenSource;

/// The keys that were tried for one token, so that several sections do not verify a signature again.
#[derive(Default)]
struct TriedKeys(Vec<(Arc<VerificationKey>, bool)>);

impl Verifier {
    /// Returns the result of the first section that maps the token to a scope, or else of the first one that accepts it
    /// at all.
    pub(super) fn accept_of(&self, issuer: &str, compact: &ParsedToken<'_>) -> Result<Accepted, Unverified> {
        let mut tried = TriedKeys::default();
        let mut without_scope = None;
        let mut refusal: Option<Unverified> = None;
        for (index, section) in self.trusted.of(issuer) {
            match self.accept_by(section, compact, &mut tried) {
                Ok((key, claims)) => {
                    let is_granted = !claims.scope.is_empty();
                    let accepted = Accepted { source: TokenSource::Trusted(index), key, claims };
                    if is_granted {
                        return Ok(accepted);
                    }
                    without_scope.get_or_insert(accepted);
                }
                Err(another) => {
                    if refusal.as_ref().is_none_or(|first| another.weight() > first.weight()) {
                        refusal = Some(another);
                    }
                }
            }
        }
        without_scope.ok_or_else(|| refusal.unwrap_or_else(|| TokenError::WrongIssuer.into()))
    }

    fn accept_by(
        &self,
        section: &TrustedIssuer,
        compact: &ParsedToken<'_>,
        tried: &mut TriedKeys,
    ) -> Result<(Arc<VerificationKey>, Claims), Unverified> {
        if compact.size > section.settings.token_size {
            return Err(TokenError::TooLarge.into());
        }
        let header = &compact.header;
        if !section.settings.types.accept(header.typ.as_deref()) {
            return Err(TokenError::WrongType.into());
        }
        let (algorithm, hint) = (header.algorithm()?, header.hint());
        let has_signed = |key: &Arc<VerificationKey>| {
            tried.of(key, || {
                self.signatures_checked.fetch_add(1, Ordering::Relaxed);
                compact.is_signed_by(key, algorithm)
            })
        };
        let key = section.candidates(&hint, algorithm)?.into_iter().find(has_signed);
        let key = key.ok_or_else(|| match hint.kid {
            Some(_) => TokenError::WrongSignature.into(),
            // A token without a key id may have a key that is known, or not.
            None => section.missing(TokenError::WrongSignature),
        })?;
        Ok((key, section.claims(&compact.payload, compact.signed)?))
    }
}

impl TriedKeys {
    fn of(&mut self, key: &Arc<VerificationKey>, has_signed: impl FnOnce() -> bool) -> bool {
        if let Some((_, known)) = self.0.iter().find(|(tried, _)| Arc::ptr_eq(tried, key)) {
            return *known;
        }
        let has_signed = has_signed();
        self.0.push((key.clone(), has_signed));
        has_signed
    }
}

impl Unverified {
    /// Returns how much a refusal says. A section for other tokens has little to say, and one whose keys are being
    /// fetched may still accept the token.
    const fn weight(&self) -> u8 {
        match self {
            Self::KeyMissing { .. } => 2,
            Self::Refused(
                TokenError::TooLarge
                | TokenError::WrongType
                | TokenError::WrongAudience
                | TokenError::MissingClaim(_)
                | TokenError::RequiredClaim,
            ) => 0,
            Self::Refused(_) => 1,
        }
    }
}
