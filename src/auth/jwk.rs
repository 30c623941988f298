//! The document of public keys that others read (RFC 7517, RFC 8037 §2).
//! It has fields for public values only, so that nothing private can be put into it.

use serde::Serialize;
use utoipa::ToSchema;

use super::key_algorithm::KeyAlgorithm;

/// The public keys that tokens are signed with (RFC 7517 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct JwkSet {
    /// One entry a key; find a token's by its `kid`.
    pub keys: Vec<Jwk>,
}

/// A public key (RFC 7517 §4, RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwk {
    /// The key type.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// The public key, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    /// The key's id, as in the header of a token.
    #[schema(example = "2026-11")]
    pub kid: String,
    /// What the key is for.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub purpose: &'static str,
    /// The one algorithm of this key.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
}

impl Jwk {
    /// An Ed25519 key that signs tokens; `x` is its 32 bytes in base64url.
    pub fn ed25519(kid: &str, x: &str) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            x: x.to_owned(),
            kid: kid.to_owned(),
            purpose: "sig",
            alg: KeyAlgorithm::EdDsa.name(),
        }
    }
}
