//! A token as it was sent: its three parts (RFC 7515 §7.1), and the header, which is parsed before anything in the
//! token is trusted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::TokenError;
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::verification_keys::{KeyHint, VerificationKey};
use crate::json::strict;

/// A parsed token. Nothing of it is trusted yet.
pub(super) struct ParsedToken<'a> {
    pub(super) header: JoseHeader,
    /// The payload: a JSON object in which no name occurs twice.
    pub(super) payload: String,
    signature: Vec<u8>,
    /// Header, dot and payload: the bytes that are signed.
    pub(super) signed: &'a str,
    /// The size of the token in bytes.
    pub(super) size: usize,
}

impl<'a> ParsedToken<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        let header = JoseHeader::read(header)?;
        let payload = object(payload).ok_or(TokenError::MalformedClaims)?;
        // A signature in another encoding, such as with padding, is treated as empty and matches nothing.
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        Ok(Self { header, payload, signature, signed, size: token.len() })
    }

    /// Whether the key has signed the token with this algorithm.
    pub(super) fn is_signed_by(&self, key: &VerificationKey, algorithm: KeyAlgorithm) -> bool {
        key.has_signed(algorithm, self.signed.as_bytes(), &self.signature)
    }

    /// Returns the client that the token claims (RFC 9068 §2.2; OpenID Connect Core §2). Nothing is decided by it.
    pub(super) fn claimed_client(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Client {
            client_id: Option<String>,
            azp: Option<String>,
        }
        let Client { client_id, azp } = serde_json::from_str(&self.payload).ok()?;
        client_id.or(azp)
    }

    /// Returns the issuer that the token claims. It decides only which keys are tried.
    pub(super) fn claimed_issuer(&self) -> Result<String, TokenError> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: Option<String>,
        }
        let Issuer { iss } = serde_json::from_str(&self.payload).map_err(|_| TokenError::MalformedClaims)?;
        iss.filter(|iss| !iss.is_empty()).ok_or(TokenError::MissingClaim("iss"))
    }
}

/// Decodes one JSON object that all parsers understand in the same way.
fn object(encoded: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    strict::object(text.as_bytes()).is_ok().then_some(text)
}

/// The header (RFC 7515 §4.1).
#[derive(Deserialize)]
pub(super) struct JoseHeader {
    pub(super) alg: String,
    kid: Option<String>,
    pub(super) typ: Option<String>,
    #[serde(default, deserialize_with = "presence")]
    crit: bool,
    #[serde(default, deserialize_with = "presence")]
    b64: bool,
    /// Whether there is `enc`, which belongs to encrypted tokens (RFC 7516 §4.1).
    #[serde(default, deserialize_with = "presence")]
    enc: bool,
    #[serde(default, deserialize_with = "presence")]
    zip: bool,
    /// Whether there is `cty`, which belongs to nested tokens (RFC 7519 §5.2).
    #[serde(default, deserialize_with = "presence")]
    cty: bool,
    #[serde(default, deserialize_with = "presence")]
    jwk: bool,
    #[serde(default, deserialize_with = "presence")]
    jku: bool,
    #[serde(default, deserialize_with = "presence")]
    x5u: bool,
    #[serde(default, deserialize_with = "presence")]
    x5c: bool,
    #[serde(default)]
    x5t: Thumbprint,
    #[serde(default, rename = "x5t#S256")]
    x5t_s256: Thumbprint,
}

/// The thumbprint of a certificate. A value that is no text counts as none.
#[derive(Default)]
struct Thumbprint {
    is_present: bool,
    text: Option<String>,
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self { is_present: true, text: value.as_str().map(str::to_owned) })
    }
}

impl JoseHeader {
    fn read(encoded: &str) -> Result<Self, TokenError> {
        let json = object(encoded).ok_or(TokenError::MalformedHeader)?;
        let header: Self = serde_json::from_str(&json).map_err(|_| TokenError::MalformedHeader)?;
        let forbidden = named(&[
            (header.crit, "crit"),
            (header.b64, "b64"),
            (header.enc, "enc"),
            (header.zip, "zip"),
            (header.cty, "cty"),
        ]);
        forbidden.map_or(Ok(header), |name| Err(TokenError::ForbiddenParameter(name)))
    }

    /// Returns the algorithm if it is supported.
    pub(super) fn algorithm(&self) -> Result<KeyAlgorithm, TokenError> {
        KeyAlgorithm::named(&self.alg).ok_or(TokenError::WrongAlgorithm)
    }

    /// Returns what identifies the key among the issuer's. A key in the token, or the address of one, is ignored: some
    /// providers send them.
    pub(super) fn hint(&self) -> KeyHint {
        let thumbprints = [&self.x5t, &self.x5t_s256].into_iter().filter_map(|thumbprint| thumbprint.text.clone());
        KeyHint { kid: self.kid.clone(), thumbprints: thumbprints.collect() }
    }

    /// Returns a parameter about keys and certificates, which our own tokens never have.
    pub(super) fn foreign_parameter(&self) -> Option<&'static str> {
        named(&[
            (self.jwk, "jwk"),
            (self.jku, "jku"),
            (self.x5u, "x5u"),
            (self.x5c, "x5c"),
            (self.x5t.is_present, "x5t"),
            (self.x5t_s256.is_present, "x5t#S256"),
        ])
    }
}

fn named(parameters: &[(bool, &'static str)]) -> Option<&'static str> {
    parameters.iter().find(|(present, _)| *present).map(|(_, name)| *name)
}

/// Returns true for any value, null included.
fn presence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
