//! Reads the JWK set of a trusted issuer (RFC 7517 §5). Keys that are not for the checking of signatures here, and weak
//! ones, are left out; a set that tells a private key is refused whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::key_error::KeyError;
use crate::auth::keys::{VerificationKey, VerificationKeys};
use crate::auth::public_key::PublicKey;
use crate::gateway::strict_json;

/// The private numbers of RSA, EC and OKP keys, and the value of a shared secret (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a document is not believed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwksError {
    /// It is no JWK set.
    #[error("this is not a JWK set: a JSON object with a list `keys` of objects, in which no name occurs twice")]
    Unreadable,
    /// Whoever can read it can sign.
    #[error("the JWK set tells a private key: everybody who reads it can sign tokens, so none of it is believed")]
    PrivateKey,
}

/// Why a key of the set is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    /// `use` or `key_ops` say that it is for something else.
    OtherUse,
    /// Another kind of key, curve or algorithm than can be used here.
    UnknownKind,
    /// The settings do not list its algorithm.
    AlgorithmNotAccepted,
    /// It has no id, and there are others.
    NoId,
    /// Another key has the same id, so that it means nothing.
    SameId,
    /// It can be broken.
    Weak,
    /// Its numbers are missing, or are no such key.
    Malformed,
}

/// The keys that were taken, and for each that was left out, why.
#[derive(Debug)]
pub(super) struct ReadSet {
    pub(super) keys: VerificationKeys,
    pub(super) left_out: Vec<LeftOut>,
}

impl ReadSet {
    /// How many were left out for which reason, for one line of the log; empty when none were.
    pub(super) fn summary(&self) -> String {
        let mut counts = BTreeMap::new();
        for reason in &self.left_out {
            *counts.entry(*reason).or_insert(0_usize) += 1;
        }
        let parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        parts.join(", ")
    }
}

/// Reads a set and takes the keys that are for one of `algorithms`.
pub(super) fn read(document: &[u8], algorithms: &[KeyAlgorithm]) -> Result<ReadSet, JwksError> {
    let entries = entries(document).ok_or(JwksError::Unreadable)?;
    if entries.iter().any(|entry| PRIVATE.iter().any(|name| entry.contains_key(*name))) {
        return Err(JwksError::PrivateKey);
    }
    let is_alone = entries.len() == 1;
    let (mut named, mut nameless, mut left_out) = (Vec::new(), None, Vec::new());
    for entry in &entries {
        match (key(entry, algorithms), id(entry)) {
            (Ok(key), Ok(Some(kid))) => named.push((kid, key)),
            (Ok(key), Ok(None)) if is_alone => nameless = Some(key),
            (Ok(_), Ok(None)) => left_out.push(LeftOut::NoId),
            (Err(reason), _) | (Ok(_), Err(reason)) => left_out.push(reason),
        }
    }
    let ambiguous = repeated(named.iter().map(|(kid, _)| kid.as_str()));
    let (named, repeats): (Vec<_>, Vec<_>) = named.into_iter().partition(|(kid, _)| !ambiguous.contains(kid));
    left_out.extend(repeats.iter().map(|_| LeftOut::SameId));
    let keys = match nameless {
        Some(key) => VerificationKeys::nameless(key),
        None => VerificationKeys::new(named),
    };
    Ok(ReadSet { keys, left_out })
}

fn entries(document: &[u8]) -> Option<Vec<Map<String, Value>>> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<Map<String, Value>>,
    }
    let text = strict_json::object(document).ok()?;
    serde_json::from_str::<Set>(text).ok().map(|set| set.keys)
}

fn repeated<'a>(kids: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    kids.filter(|kid| !seen.insert(*kid)).map(str::to_owned).collect()
}

fn id(entry: &Map<String, Value>) -> Result<Option<String>, LeftOut> {
    match entry.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if !kid.is_empty() => Ok(Some(kid.clone())),
        Some(_) => Err(LeftOut::Malformed),
    }
}

fn key(entry: &Map<String, Value>, algorithms: &[KeyAlgorithm]) -> Result<VerificationKey, LeftOut> {
    if !is_for_signatures(entry) {
        return Err(LeftOut::OtherUse);
    }
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let algorithm = match (text("kty"), text("crv")) {
        (Some("OKP"), Some("Ed25519")) => KeyAlgorithm::EdDsa,
        (Some("EC"), Some("P-256")) => KeyAlgorithm::Es256,
        (Some("RSA"), _) => KeyAlgorithm::Rs256,
        _ => return Err(LeftOut::UnknownKind),
    };
    if entry.contains_key("alg") && text("alg").is_none_or(|alg| !is_name_of(alg, algorithm)) {
        return Err(LeftOut::UnknownKind);
    }
    if !algorithms.contains(&algorithm) {
        return Err(LeftOut::AlgorithmNotAccepted);
    }
    let number = |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(LeftOut::Malformed);
    let key = match algorithm {
        KeyAlgorithm::EdDsa => PublicKey::ed25519(&number("x")?),
        KeyAlgorithm::Es256 => PublicKey::p256(&number("x")?, &number("y")?),
        KeyAlgorithm::Rs256 => PublicKey::rsa(&number("n")?, &number("e")?),
        KeyAlgorithm::Hs256 => return Err(LeftOut::UnknownKind),
    };
    key.map(VerificationKey::public).map_err(|error| match error {
        KeyError::SmallOrder | KeyError::WeakRsaModulus | KeyError::WeakRsaExponent => LeftOut::Weak,
        _ => LeftOut::Malformed,
    })
}

/// RFC 9864 §2.2 gives Ed25519 a name of its own, which some providers write in the place of EdDSA.
fn is_name_of(alg: &str, algorithm: KeyAlgorithm) -> bool {
    alg == algorithm.name() || (alg == "Ed25519" && algorithm == KeyAlgorithm::EdDsa)
}

/// RFC 7517 §4.2 and §4.3. A key that does not say what it is for may be for this.
fn is_for_signatures(entry: &Map<String, Value>) -> bool {
    let right_use = entry.get("use").is_none_or(|purpose| purpose == "sig");
    let operations = entry.get("key_ops").map(|operations| operations.as_array());
    let right_operations =
        operations.is_none_or(|listed| listed.is_some_and(|listed| listed.iter().any(|one| one == "verify")));
    right_use && right_operations
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherUse => "not for signatures",
            Self::UnknownKind => "of a kind that is not used here",
            Self::AlgorithmNotAccepted => "for an algorithm that the settings do not list",
            Self::NoId => "without kid",
            Self::SameId => "with a kid that occurs twice",
            Self::Weak => "too weak",
            Self::Malformed => "malformed",
        })
    }
}

#[cfg(test)]
mod tests;
