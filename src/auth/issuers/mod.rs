//! Trusted issuers: a tenant's own identity providers, whose tokens are accepted beside our own, with their keys and
//! the mapping of their claims.
//!
//! `settings` reads `[auth.issuers.<name>]`. The keys of an issuer come from a file or from its JWKS: `discovery` finds
//! it, `fetch` fetches it, `jwks` parses it, and `keyring` holds the result and decides when it is fetched again.
//! `refresh` is the task that fetches, and `key_fetcher` starts it. `claims` maps the claims of a verified token to
//! ours; `claim_path` finds a claim.

mod claim_path;
mod claims;
mod discovery;
mod fetch;
mod jwks;
mod key_fetcher;
mod key_url;
mod keyring;
mod refresh;
pub mod settings;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::claims::Claims;
use super::key_algorithm::KeyAlgorithm;
use super::verification_keys::{KeyHint, NoCandidateKey, VerificationKey, VerificationKeys};
use super::verify::{TokenError, Unverified};
use crate::clock::Clock;
use keyring::Keyring;
use settings::{IssuerSettings, KeySource};

pub use key_fetcher::KeyFetcher;
pub use keyring::KeyFetch;
pub use refresh::{KeyCheck, look_at_keys};

/// A trusted issuer: one section of the settings with its keys.
#[derive(Debug)]
pub struct TrustedIssuer {
    pub(super) settings: IssuerSettings,
    keyring: Arc<Keyring>,
}

impl TrustedIssuer {
    /// Builds the issuer with the keyring of one of `others`, if that has the same keys.
    fn sharing<'a>(
        mut others: impl Iterator<Item = &'a Self>,
        settings: IssuerSettings,
        changes: &Arc<AtomicU64>,
        clock: &Clock,
    ) -> Self {
        if let Some(other) = others.find(|other| settings.has_keys_of(&other.settings)) {
            return Self { keyring: other.keyring.clone(), settings };
        }
        let (changes, clock) = (changes.clone(), clock.clone());
        let keyring = Arc::new(match &settings.keys {
            KeySource::File(set) => Keyring::fixed(set.keys.clone(), changes, clock),
            KeySource::Url(_) | KeySource::Discovery(_) => Keyring::empty(changes, clock),
        });
        Self { settings, keyring }
    }

    /// Logs the skipped keys of a file, unless an earlier configuration has done so.
    fn log_skipped_of_file(&self, known: &Issuers) {
        let left_out = |issuer: &Self| match &issuer.settings.keys {
            KeySource::File(set) => set.summary(),
            KeySource::Url(_) | KeySource::Discovery(_) => String::new(),
        };
        let (name, summary) = (self.settings.name.as_str(), left_out(self));
        let is_logged = known.issuers.iter().any(|other| other.settings.name == name && left_out(other) == summary);
        if !summary.is_empty() && !is_logged {
            let keys = self.keys().len();
            tracing::warn!(issuer = name, keys, left_out = summary, "issuer keys skipped");
        }
    }

    /// Returns the known keys.
    pub fn keys(&self) -> Arc<VerificationKeys> {
        self.keyring.current()
    }

    /// Returns the keys that may have signed a token with this header. An unknown key is fetched, but not more often
    /// than every [`keyring::PAUSE`].
    pub(super) fn candidates(
        &self,
        hint: &KeyHint,
        algorithm: KeyAlgorithm,
    ) -> Result<Vec<Arc<VerificationKey>>, Unverified> {
        // An algorithm that no key of this issuer supports is not worth a fetch.
        if !self.settings.algorithms.include(algorithm) {
            return Err(TokenError::WrongAlgorithm.into());
        }
        match self.keys().candidates(hint, algorithm) {
            Ok(candidates) => Ok(candidates),
            // A token without a key id may be signed with a key that was added lately.
            Err(NoCandidateKey::OtherAlgorithm) if hint.kid.is_none() => Err(self.missing(TokenError::WrongAlgorithm)),
            Err(NoCandidateKey::OtherAlgorithm) => Err(TokenError::WrongAlgorithm.into()),
            Err(NoCandidateKey::TooMany) => Err(TokenError::AmbiguousKey.into()),
            Err(NoCandidateKey::Unknown) if self.keyring.was_read() => Err(self.missing(TokenError::UnknownKey)),
            Err(NoCandidateKey::Unknown) => Err(self.missing(TokenError::KeysUnavailable)),
        }
    }

    /// Decides about a token whose key may have been added lately: it waits for a fetch, if one may begin now.
    pub(super) fn missing(&self, meanwhile: TokenError) -> Unverified {
        match self.keyring.begin_fetch() {
            Some(fetch) => Unverified::KeyMissing { fetch, meanwhile },
            None => meanwhile.into(),
        }
    }

    /// Maps the claims of a token to ours. The signature over `signed` is valid.
    pub(super) fn claims(&self, payload: &str, signed: &str) -> Result<Claims, TokenError> {
        self.settings.mapping.read(payload, signed)
    }
}

/// All trusted issuers.
#[derive(Debug, Default)]
pub struct Issuers {
    issuers: Vec<TrustedIssuer>,
    /// How often the keys of an issuer changed. Those who reuse what these keys verified count other changes here, too.
    pub(super) changes: Arc<AtomicU64>,
}

impl Issuers {
    /// Creates the issuers, each with the keys of its file, or with none until [`Self::fetch_keys`].
    pub fn new(settings: Vec<IssuerSettings>, clock: &Clock) -> Self {
        Self::sharing_keys_of(&Self::default(), settings, clock)
    }

    /// Creates the issuers. An issuer with the same location and algorithms as another or a known one shares its keys,
    /// the fetch in progress and its waiters. A reload while a provider is down therefore forgets nothing, and no
    /// provider is called more often, however often a configuration is reloaded.
    pub fn sharing_keys_of(known: &Self, settings: Vec<IssuerSettings>, clock: &Clock) -> Self {
        let mut issuers: Vec<TrustedIssuer> = Vec::new();
        for settings in settings {
            let issuer = TrustedIssuer::sharing(issuers.iter().chain(&known.issuers), settings, &known.changes, clock);
            issuer.log_skipped_of_file(known);
            issuers.push(issuer);
        }
        Self { issuers, changes: known.changes.clone() }
    }

    /// Starts fetching keys for as long as these issuers are in use: at once unless a task exists already, when a token
    /// names a new key, and every few minutes. One fetcher serves all workers; this may be called on any thread.
    pub fn fetch_keys(&self, fetcher: &KeyFetcher) {
        for issuer in self.issuers.iter().filter(|issuer| !matches!(issuer.settings.keys, KeySource::File(_))) {
            fetcher.serve(issuer);
        }
    }

    /// Whether this and `other` map every token signed with the same key to the same claims.
    pub(super) fn read_tokens_as(&self, other: &Self) -> bool {
        let pairs = || self.issuers.iter().zip(&other.issuers);
        self.issuers.len() == other.issuers.len()
            && pairs().all(|(one, another)| one.settings.reads_tokens_as(&another.settings))
    }

    /// Returns the sections of this issuer, each with its number, in the order of their names.
    pub(super) fn of<'a>(&'a self, iss: &'a str) -> impl Iterator<Item = (usize, &'a TrustedIssuer)> {
        self.issuers.iter().enumerate().filter(move |(_, issuer)| issuer.settings.issuer == iss)
    }

    /// Returns the size in bytes of the largest accepted token of any issuer.
    pub(super) fn largest_token(&self) -> usize {
        self.issuers.iter().map(|issuer| issuer.settings.token_size).max().unwrap_or_default()
    }

    pub(super) fn get(&self, index: usize) -> Option<&TrustedIssuer> {
        self.issuers.get(index)
    }
}

#[cfg(test)]
mod tests;
