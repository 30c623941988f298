//! The document of public keys (RFC 7517, RFC 7518 §6, RFC 8037 §2). It has fields for public values only, so that
//! nothing private can be put into it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use super::key_algorithm::KeyAlgorithm;
use super::public_key::Curve;

/// The public keys that tokens are signed with (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct JwkSet {
    /// One entry a key; find a token's by its `kid`.
    pub keys: Vec<Jwk>,
}

/// A public key (RFC 7517 §4). Which numbers it has follows from `kty`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwk {
    /// The key type: `OKP`, `EC` or `RSA`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve, of `OKP` (RFC 8037 §2) and `EC` (RFC 7518 §6.2.1).
    #[schema(example = "Ed25519")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<&'static str>,
    /// The public key of `OKP`, or the first coordinate of `EC`, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The second coordinate of `EC`, in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The modulus of `RSA` (RFC 7518 §6.3.1), in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// The exponent of `RSA`, in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
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
    /// Creates an Ed25519 key from its 32 bytes.
    pub fn ed25519(kid: &str, x: &[u8]) -> Self {
        Self { crv: Some("Ed25519"), x: Some(base64url(x)), ..Self::bare("OKP", kid, KeyAlgorithm::EdDsa) }
    }

    /// Creates a key of a curve from its coordinates.
    pub fn ec(kid: &str, curve: Curve, x: &[u8], y: &[u8]) -> Self {
        let (x, y) = (Some(base64url(x)), Some(base64url(y)));
        Self { crv: Some(curve.name()), x, y, ..Self::bare("EC", kid, curve.algorithm()) }
    }

    /// Creates an RSA key from its numbers, big-endian without leading zeros.
    pub fn rsa(kid: &str, modulus: &[u8], exponent: &[u8]) -> Self {
        let (n, e) = (Some(base64url(modulus)), Some(base64url(exponent)));
        Self { n, e, ..Self::bare("RSA", kid, KeyAlgorithm::Rs256) }
    }

    fn bare(kty: &'static str, kid: &str, algorithm: KeyAlgorithm) -> Self {
        let kid = kid.to_owned();
        Self { kty, crv: None, x: None, y: None, n: None, e: None, kid, purpose: "sig", alg: algorithm.name() }
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
