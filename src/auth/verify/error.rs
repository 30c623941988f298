//! Reasons for refusing a token: each is a sentence for the caller with nothing of the token in it.

use crate::auth::claims::ClaimsError;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is larger than [`MAXIMUM_TOKEN_BYTES`](super::MAXIMUM_TOKEN_BYTES), or than the settings allow its
    /// issuer.
    #[error("The token is larger than is accepted from its issuer, which is 8 KiB unless `token_size` allows more")]
    TooLarge,
    /// The token is not `header.payload.signature` (RFC 7515 §7.1).
    #[error("The token is not a signed JWT of three parts")]
    NotThreeParts,
    /// The header is not base64url of a JSON object with the right types.
    #[error("The header of the token cannot be read")]
    MalformedHeader,
    /// The header requires an extension or another form (RFC 7515 §4.1.11), or our own token contains a key (RFC 8725
    /// §3.10).
    #[error("The header of the token has the parameter {0}, which is not accepted")]
    ForbiddenParameter(&'static str),
    /// The `typ` is that of another kind of JWT (RFC 8725 §3.11, RFC 9068 §4).
    #[error("The token is not an access token: its `typ` is not one that is accepted from its issuer")]
    WrongType,
    /// The claims are those of another kind of JWT, such as an ID token.
    #[error("The token is not an access token: it has the claims of an ID token, of a refresh token or of an event")]
    NotAnAccessToken,
    /// The token has no `kid`.
    #[error("The token does not name its key (kid)")]
    MissingKeyId,
    /// The issuer has no key with this `kid`.
    #[error("The token names a key that is not known here")]
    UnknownKey,
    /// The token names no key, or an id that many keys share, and more keys than are tried could have signed it.
    #[error("Too many keys of its issuer could have signed the token: it must name one (kid)")]
    AmbiguousKey,
    /// The keys of a trusted issuer were never fetched successfully.
    #[error("The keys of the token's issuer cannot be read at the moment")]
    KeysUnavailable,
    /// The `alg` is not the key's (RFC 8725 §3.1).
    #[error("The token is signed with an algorithm that its key is not for")]
    WrongAlgorithm,
    /// The signature is wrong.
    #[error("The signature of the token is wrong")]
    WrongSignature,
    /// A claim occurs twice or has another type, or the payload is not a JSON object.
    #[error("The claims of the token cannot be read")]
    MalformedClaims,
    /// A required claim is absent or empty.
    #[error("The token lacks the claim {0}")]
    MissingClaim(&'static str),
    /// A claim of a trusted issuer's token has no value that the settings map.
    #[error("The token's {0} cannot be told from the claim that is configured for its issuer")]
    UnusableClaim(&'static str),
    /// A claim has no value that the settings require.
    #[error("The token has not the claims that are required from its issuer (`required_claims`)")]
    RequiredClaim,
    /// The `iss` is neither ours nor that of a trusted issuer.
    #[error("The token is from another issuer")]
    WrongIssuer,
    /// The `aud` does not name this service.
    #[error("The token is for another audience")]
    WrongAudience,
    /// The issuer may not issue tokens for this tenant.
    #[error("The token is for a tenant that its issuer may not speak for")]
    ForeignTenant,
    /// The time of `exp` has passed.
    #[error("The token has expired")]
    Expired,
    /// The time of `nbf` has not come yet.
    #[error("The token is not valid yet")]
    NotYetValid,
    /// The token was revoked (RFC 7009).
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
