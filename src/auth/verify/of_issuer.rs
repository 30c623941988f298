//! Tokens of a trusted issuer. The settings may have more than one section for an issuer; each of them decides about a token
//! alone, by its own keys, audience and claims, and the token is what one of them makes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::compact::ParsedToken;
use super::{Accepted, TokenError, Unverified, Verifier};
use crate::auth::claims::Claims;
use crate::auth::issuers::TrustedIssuer;
use crate::auth::verification_keys::VerificationKey;
use crate::auth::verified_token_cache::TokenSource;

/// The keys that were tried for one token, so that more sections do not check a signature more often.
#[derive(Default)]
struct TriedKeys(Vec<(Arc<VerificationKey>, bool)>);

impl Verifier {
    /// What the first section makes of the token that grants it a scope; or else the first one that accepts it at all.
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
        if compact.size > section.token_size() {
            return Err(TokenError::TooLarge.into());
        }
        let header = &compact.header;
        if !section.types().accept(header.typ.as_deref()) {
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
            // Of a token that names no key, it cannot be told whether its key is known.
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
    /// How much a refusal tells: a section that is for other tokens has little to say, and one whose keys are just fetched
    /// may still accept the token.
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
