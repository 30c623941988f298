//! A token as it came: its three parts (RFC 7515 §7.1), and the header, read before anything in the token is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::error::TokenError;
use crate::gateway::strict_json;

/// A token taken apart. Nothing of it is believed yet.
pub(super) struct Compact<'a> {
    pub(super) header: JoseHeader,
    /// A JSON object in which no name occurs twice.
    pub(super) payload: String,
    pub(super) signature: &'a str,
    /// Header, dot and payload: the bytes that the signature is over.
    pub(super) signed: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotThreeParts)?;
        if payload.contains('.') {
            return Err(TokenError::NotThreeParts);
        }
        let header = JoseHeader::read(header)?;
        let payload = object(payload).ok_or(TokenError::MalformedClaims)?;
        Ok(Self { header, payload, signature, signed })
    }

    /// Which client the token says it was issued to (RFC 9068 §2.2; OpenID Connect Core §2). Nothing follows from this.
    pub(super) fn claimed_client(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Client {
            client_id: Option<String>,
            azp: Option<String>,
        }
        let Client { client_id, azp } = serde_json::from_str(&self.payload).ok()?;
        client_id.or(azp)
    }

    /// Which issuer the token says it is from. Only which keys are tried follows from this.
    pub(super) fn claimed_issuer(&self) -> Result<String, TokenError> {
        #[derive(Deserialize)]
        struct Issuer {
            iss: Option<String>,
        }
        let Issuer { iss } = serde_json::from_str(&self.payload).map_err(|_| TokenError::MalformedClaims)?;
        iss.filter(|iss| !iss.is_empty()).ok_or(TokenError::MissingClaim("iss"))
    }
}

/// One JSON object that all readers understand in the same way.
fn object(encoded: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    strict_json::object(text.as_bytes()).is_ok().then_some(text)
}

/// The header (RFC 7515 §4.1).
#[derive(Deserialize)]
pub(super) struct JoseHeader {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
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
    /// Of encrypted tokens (RFC 7516 §4.1).
    #[serde(default, deserialize_with = "presence")]
    enc: bool,
    #[serde(default, deserialize_with = "presence")]
    zip: bool,
    /// Of tokens inside tokens (RFC 7519 §5.2).
    #[serde(default, deserialize_with = "presence")]
    cty: bool,
    #[serde(default, deserialize_with = "presence")]
    x5t: bool,
    #[serde(default, deserialize_with = "presence", rename = "x5t#S256")]
    x5t_s256: bool,
}

impl JoseHeader {
    fn read(encoded: &str) -> Result<Self, TokenError> {
        let json = object(encoded).ok_or(TokenError::MalformedHeader)?;
        let header: Self = serde_json::from_str(&json).map_err(|_| TokenError::MalformedHeader)?;
        header.forbidden_parameter().map_or(Ok(header), |name| Err(TokenError::ForbiddenParameter(name)))
    }

    fn forbidden_parameter(&self) -> Option<&'static str> {
        let parameters = [
            (self.crit, "crit"),
            (self.jwk, "jwk"),
            (self.jku, "jku"),
            (self.x5u, "x5u"),
            (self.x5c, "x5c"),
            (self.b64, "b64"),
            (self.enc, "enc"),
            (self.zip, "zip"),
            (self.cty, "cty"),
        ];
        named(&parameters)
    }

    /// The thumbprint of a certificate. Some providers send it beside `kid`, and nobody here looks at it; our own tokens
    /// never have it.
    pub(super) fn thumbprint(&self) -> Option<&'static str> {
        named(&[(self.x5t, "x5t"), (self.x5t_s256, "x5t#S256")])
    }
}

fn named(parameters: &[(bool, &'static str)]) -> Option<&'static str> {
    parameters.iter().find(|(present, _)| *present).map(|(_, name)| *name)
}

/// True for any value at all, null included.
fn presence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
