//! A company's own identity providers: whose tokens are accepted beside our own, with which keys, and what their claims
//! mean here.
//!
//! `settings` reads `[auth.issuers.<name>]`. The keys of an issuer come from a file, or from its JWKS: `discovery` finds it,
//! `fetch` gets it, `jwks` reads it, and `keyring` holds what was read and decides when it is read again: `refresh` is the
//! task that does, and `key_fetcher` starts it. `claims` puts a checked token into our words; `claim_path` finds a claim.

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

use super::claims::Claims;
use super::key_algorithm::KeyAlgorithm;
use super::token_types::TokenTypes;
use super::verification_keys::{KeyHint, NoCandidateKey, VerificationKey, VerificationKeys};
use super::verify::{TokenError, Unverified};
use crate::clock::Clock;
use keyring::Keyring;
use settings::{IssuerSettings, KeySource};

pub use key_fetcher::KeyFetcher;
pub use keyring::KeyFetch;
pub use refresh::{KeyCheck, look_at_keys};

/// One section of the settings: an issuer whose tokens are accepted, and what they mean.
#[derive(Debug)]
pub struct TrustedIssuer {
    settings: IssuerSettings,
    keyring: Arc<Keyring>,
}

impl TrustedIssuer {
    /// With the keyring of one of `others`, if that is of the same keys.
    fn sharing<'a>(mut others: impl Iterator<Item = &'a Self>, settings: IssuerSettings, clock: &Clock) -> Self {
        match others.find(|other| settings.has_keys_of(&other.settings)) {
            Some(other) => Self { keyring: other.keyring.clone(), settings },
            None => Self::new(settings, clock.clone()),
        }
    }

    fn new(settings: IssuerSettings, clock: Clock) -> Self {
        let keyring = Arc::new(match &settings.keys {
            KeySource::File(set) => Keyring::fixed(set.keys.clone(), clock),
            KeySource::Url(_) | KeySource::Discovery(_) => Keyring::empty(clock),
        });
        Self { settings, keyring }
    }

    /// Logs which keys of a file are left out, unless an earlier configuration has done so.
    fn log_skipped_of_file(&self, known: &Issuers) {
        let left_out = |issuer: &Self| match &issuer.settings.keys {
            KeySource::File(set) => set.summary(),
            KeySource::Url(_) | KeySource::Discovery(_) => String::new(),
        };
        let (name, summary) = (self.settings.name.as_str(), left_out(self));
        let is_logged = known.0.iter().any(|other| other.settings.name == name && left_out(other) == summary);
        if !summary.is_empty() && !is_logged {
            let keys = self.keys().len();
            tracing::warn!(issuer = name, keys, left_out = summary, "issuer keys skipped");
        }
    }

    /// The keys that are known now.
    pub fn keys(&self) -> Arc<VerificationKeys> {
        self.keyring.current()
    }

    pub(super) const fn types(&self) -> &TokenTypes {
        &self.settings.types
    }

    /// The largest token of this issuer that is read.
    pub(super) const fn token_size(&self) -> usize {
        self.settings.token_size()
    }

    /// The keys that may have signed a token with this header. One that is not known is asked for, though not more often
    /// than [`keyring::PAUSE`].
    pub(super) fn candidates(
        &self,
        hint: &KeyHint,
        algorithm: KeyAlgorithm,
    ) -> Result<Vec<Arc<VerificationKey>>, Unverified> {
        // An algorithm that no key of this issuer can have is not worth a fetch.
        if !self.settings.algorithms.include(algorithm) {
            return Err(TokenError::WrongAlgorithm.into());
        }
        match self.keys().candidates(hint, algorithm) {
            Ok(candidates) => Ok(candidates),
            // A token that names no key may be of one that was added lately.
            Err(NoCandidateKey::OtherAlgorithm) if hint.kid.is_none() => Err(self.missing(TokenError::WrongAlgorithm)),
            Err(NoCandidateKey::OtherAlgorithm) => Err(TokenError::WrongAlgorithm.into()),
            Err(NoCandidateKey::TooMany) => Err(TokenError::AmbiguousKey.into()),
            Err(NoCandidateKey::Unknown) if self.keyring.was_read() => Err(self.missing(TokenError::UnknownKey)),
            Err(NoCandidateKey::Unknown) => Err(self.missing(TokenError::KeysUnavailable)),
        }
    }

    /// What becomes of a token whose key may have been added lately: it waits for a fetch, if one may begin now.
    pub(super) fn missing(&self, meanwhile: TokenError) -> Unverified {
        match self.keyring.begin_fetch() {
            Some(fetch) => Unverified::KeyMissing { fetch, meanwhile },
            None => meanwhile.into(),
        }
    }

    /// What a token whose signature over `signed` fits says, in our words.
    pub(super) fn claims(&self, payload: &str, signed: &str) -> Result<Claims, TokenError> {
        self.settings.mapping.read(payload, signed)
    }
}

/// All trusted issuers.
#[derive(Debug, Default)]
pub struct Issuers(Vec<TrustedIssuer>);

impl Issuers {
    /// Trusts these issuers, each with the keys of its file, or with none until [`Self::fetch_keys`].
    pub fn new(settings: Vec<IssuerSettings>, clock: &Clock) -> Self {
        Self::sharing_keys_of(&Self::default(), settings, clock)
    }

    /// Trusts these issuers, where one of the same place and algorithms as another or a known one shares its keys, and with
    /// them the fetch that is under way and who waits for it. So a reload while a provider is down forgets nothing, and however often a
    /// configuration is put in force, no provider is asked more often.
    pub fn sharing_keys_of(known: &Self, settings: Vec<IssuerSettings>, clock: &Clock) -> Self {
        let mut issuers: Vec<TrustedIssuer> = Vec::new();
        for settings in settings {
            let issuer = TrustedIssuer::sharing(issuers.iter().chain(&known.0), settings, clock);
            issuer.log_skipped_of_file(known);
            issuers.push(issuer);
        }
        Self(issuers)
    }

    /// Begins to fetch keys from now on, for as long as these issuers are in use: at once unless somebody does so already,
    /// when a token names a new key, and every few minutes. One fetcher serves all workers; this may be called on any
    /// thread.
    pub fn fetch_keys(&self, fetcher: &KeyFetcher) {
        for issuer in self.0.iter().filter(|issuer| !matches!(issuer.settings.keys, KeySource::File(_))) {
            fetcher.serve(issuer);
        }
    }

    /// A number that changes whenever the keys of one of them do. It never goes back, as long as the issuers are these.
    pub fn generation(&self) -> u64 {
        self.0.iter().map(|issuer| issuer.keyring.replacements()).sum()
    }

    /// Whether both say the same about every token that the same key has signed.
    pub(super) fn read_tokens_as(&self, other: &Self) -> bool {
        let pairs = || self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs().all(|(one, another)| one.settings.reads_tokens_as(&another.settings))
    }

    /// The sections of this issuer, each with its number, in the order of their names.
    pub(super) fn of<'a>(&'a self, iss: &'a str) -> impl Iterator<Item = (usize, &'a TrustedIssuer)> {
        self.0.iter().enumerate().filter(move |(_, issuer)| issuer.settings.issuer == iss)
    }

    /// The largest token that any of them reads.
    pub(super) fn largest_token(&self) -> usize {
        self.0.iter().map(TrustedIssuer::token_size).max().unwrap_or_default()
    }

    pub(super) fn get(&self, index: usize) -> Option<&TrustedIssuer> {
        self.0.get(index)
    }
}

#[cfg(test)]
mod tests;
