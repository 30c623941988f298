//! Parses the JWK set of a trusted issuer (RFC 7517 §5). Weak keys and keys for other uses are skipped; a set that
//! contains a private key is rejected as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::key_error::KeyError;
use crate::auth::public_key::{Curve, PublicKey};
use crate::auth::verification_keys::{PublishedKey, VerificationKey, VerificationKeys};
use crate::json::strict;

/// The private parameters of RSA, EC and OKP keys, and the value of a shared secret (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a document is rejected as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwksError {
    /// The document is not a JWK set.
    #[error("this is not a JWK set: a JSON object with a list `keys` of objects, in which no name occurs twice")]
    Unreadable,
    /// The document contains a private key, so that all its readers can sign.
    #[error("the JWK set tells a private key: everybody who reads it can sign tokens, so none of it is believed")]
    PrivateKey,
}

/// Why a key of the set is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IgnoredKey {
    /// Its `use` or `key_ops` name another purpose.
    OtherUse,
    /// Its type, curve or algorithm is not supported here.
    UnknownKind,
    /// The settings do not list its algorithm.
    AlgorithmNotAccepted,
    /// The key is weak enough to be broken.
    Weak,
    /// Its parameters are missing or form no such key.
    Malformed,
}

/// The algorithms of an issuer's keys according to the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Algorithms {
    /// All algorithms are allowed. A key without `alg` is for the usual one of its type.
    Usual,
    /// Only these are allowed. A key without `alg` is for those of them that its type supports.
    Listed(Vec<KeyAlgorithm>),
}

impl Algorithms {
    /// Whether a key of the issuer may be for this algorithm.
    pub(super) fn include(&self, algorithm: KeyAlgorithm) -> bool {
        match self {
            Self::Usual => KeyAlgorithm::ASYMMETRIC.contains(&algorithm),
            Self::Listed(listed) => listed.contains(&algorithm),
        }
    }
}

/// The usable keys, and the reason for each skipped one.
#[derive(Clone, Debug)]
pub(super) struct ParsedJwkSet {
    pub(super) keys: VerificationKeys,
    pub(super) left_out: Vec<IgnoredKey>,
}

impl ParsedJwkSet {
    /// Counts the skipped keys by reason for one log line; empty if there are none.
    pub(super) fn summary(&self) -> String {
        let mut counts = BTreeMap::new();
        for reason in &self.left_out {
            *counts.entry(*reason).or_insert(0_usize) += 1;
        }
        let parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        parts.join(", ")
    }
}

/// Parses a set and returns the keys for one of `algorithms`. Keys may have no id or share one; the signature shows
/// which of them has signed a token.
pub(super) fn read(document: &[u8], algorithms: &Algorithms) -> Result<ParsedJwkSet, JwksError> {
    let entries = entries(document).ok_or(JwksError::Unreadable)?;
    if entries.iter().any(|entry| PRIVATE.iter().any(|name| entry.contains_key(*name))) {
        return Err(JwksError::PrivateKey);
    }
    let (mut keys, mut left_out) = (Vec::new(), Vec::new());
    for entry in &entries {
        match published(entry, algorithms) {
            Ok(key) => keys.push(key),
            Err(reason) => left_out.push(reason),
        }
    }
    Ok(ParsedJwkSet { keys: VerificationKeys::published(keys), left_out })
}

fn published(entry: &Map<String, Value>, algorithms: &Algorithms) -> Result<PublishedKey, IgnoredKey> {
    let key = Arc::new(key(entry, algorithms)?);
    let thumbprints = ["x5t", "x5t#S256"].iter().filter_map(|name| entry.get(*name)?.as_str()).map(str::to_owned);
    Ok(PublishedKey { kid: id(entry)?, thumbprints: thumbprints.collect(), key })
}

fn entries(document: &[u8]) -> Option<Vec<Map<String, Value>>> {
    #[derive(serde::Deserialize)]
    struct RawJwkSet {
        keys: Vec<Map<String, Value>>,
    }
    let text = strict::object(document).ok()?;
    serde_json::from_str::<RawJwkSet>(text).ok().map(|set| set.keys)
}

fn id(entry: &Map<String, Value>) -> Result<Option<String>, IgnoredKey> {
    match entry.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if !kid.is_empty() => Ok(Some(kid.clone())),
        Some(_) => Err(IgnoredKey::Malformed),
    }
}

fn key(entry: &Map<String, Value>, algorithms: &Algorithms) -> Result<VerificationKey, IgnoredKey> {
    if !is_for_signatures(entry) {
        return Err(IgnoredKey::OtherUse);
    }
    let key = public_key(entry)?;
    let own = match entry.get("alg") {
        Some(alg) => Some(alg.as_str().and_then(KeyAlgorithm::named).ok_or(IgnoredKey::UnknownKind)?),
        None => None,
    };
    if own.is_some_and(|own| !key.algorithms().contains(&own)) {
        return Err(IgnoredKey::UnknownKind);
    }
    let accepted: Vec<KeyAlgorithm> = match (own, algorithms) {
        (Some(own), _) => vec![own],
        (None, Algorithms::Usual) => key.algorithms().iter().take(1).copied().collect(),
        (None, Algorithms::Listed(listed)) => listed.clone(),
    };
    let accepted: Vec<KeyAlgorithm> = accepted.into_iter().filter(|one| algorithms.include(*one)).collect();
    VerificationKey::public_for(key, &accepted).ok_or(IgnoredKey::AlgorithmNotAccepted)
}

fn public_key(entry: &Map<String, Value>) -> Result<PublicKey, IgnoredKey> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let number =
        |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(IgnoredKey::Malformed);
    let key = match (text("kty"), text("crv")) {
        (Some("OKP"), Some("Ed25519")) => PublicKey::ed25519(&number("x")?),
        (Some("EC"), Some(crv)) => {
            let curve = Curve::named(crv).ok_or(IgnoredKey::UnknownKind)?;
            PublicKey::ec(curve, &number("x")?, &number("y")?)
        }
        (Some("RSA"), _) => PublicKey::rsa(&number("n")?, &number("e")?),
        _ => return Err(IgnoredKey::UnknownKind),
    };
    key.map_err(|error| match error {
        KeyError::SmallOrder | KeyError::WeakRsaModulus | KeyError::WeakRsaExponent | KeyError::Roca => {
            IgnoredKey::Weak
        }
        _ => IgnoredKey::Malformed,
    })
}

/// Whether the key is for signatures (RFC 7517 §4.2 and §4.3). A key without a purpose may be.
fn is_for_signatures(entry: &Map<String, Value>) -> bool {
    let right_use = entry.get("use").is_none_or(|purpose| purpose == "sig");
    let operations = entry.get("key_ops").map(|operations| operations.as_array());
    let right_operations =
        operations.is_none_or(|listed| listed.is_some_and(|listed| listed.iter().any(|one| one == "verify")));
    right_use && right_operations
}

impl fmt::Display for IgnoredKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherUse => "not for signatures",
            Self::UnknownKind => "of a kind that is not used here",
            Self::AlgorithmNotAccepted => "for an algorithm that the settings do not list",
            Self::Weak => "too weak",
            Self::Malformed => "malformed",
        })
    }
}

#[cfg(test)]
mod tests;
