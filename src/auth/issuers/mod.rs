//! A company's own identity providers: whose tokens are accepted beside our own, with which keys, and what their claims
//! mean here.
//!
//! `settings` reads `[auth.issuers.<name>]`. The keys of an issuer come from a file, or from its JWKS: `discovery` finds it,
//! `fetch` gets it, `jwks` reads it, and `keyring` holds what was read and decides when it is read again: `refresh` is the
//! task that does, and `key_fetcher` starts it. `claims` puts a checked token into our words.

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
use super::keys::{VerificationKey, VerificationKeys};
use super::token_types::TokenTypes;
use super::verify::{TokenError, Unverified};
use crate::clock::Clock;
use keyring::Keyring;
use settings::{IssuerSettings, KeySource};

pub use key_fetcher::KeyFetcher;
pub use keyring::KeyFetch;
pub use refresh::{LookedAt, look_at_keys};

/// One issuer whose tokens are accepted.
#[derive(Debug)]
pub struct TrustedIssuer {
    settings: IssuerSettings,
    keyring: Arc<Keyring>,
}

impl TrustedIssuer {
    /// With the keyring of `known`, if that is of the same keys.
    fn sharing(known: &Issuers, settings: IssuerSettings, clock: &Clock) -> Self {
        match known.0.iter().find(|known| settings.has_keys_of(&known.settings)) {
            Some(known) => Self { settings, keyring: known.keyring.clone() },
            None => Self::new(settings, clock.clone()),
        }
    }

    fn new(settings: IssuerSettings, clock: Clock) -> Self {
        let keyring = Arc::new(match &settings.keys {
            KeySource::File(keys) => Keyring::fixed(keys.clone(), clock),
            KeySource::Url(_) | KeySource::Discovery(_) => Keyring::empty(clock),
        });
        Self { settings, keyring }
    }

    /// The keys that are known now.
    pub fn keys(&self) -> Arc<VerificationKeys> {
        self.keyring.current()
    }

    pub(super) const fn types(&self) -> &TokenTypes {
        &self.settings.types
    }

    pub(super) fn algorithms(&self) -> &[KeyAlgorithm] {
        &self.settings.algorithms
    }

    /// The key of this id. One that is not known is asked for, though not more often than [`keyring::PAUSE`].
    pub(super) fn key(&self, kid: Option<&str>) -> Result<Arc<VerificationKey>, Unverified> {
        let keys = self.keys();
        if let Some(key) = keys.get(kid) {
            return Ok(key.clone());
        }
        let never_read = !self.keyring.was_read();
        let meanwhile = match kid {
            _ if never_read => TokenError::KeysUnavailable,
            None if !keys.is_nameless() && !keys.is_empty() => return Err(TokenError::MissingKeyId.into()),
            _ => TokenError::UnknownKey,
        };
        match self.keyring.ask() {
            Some(fetch) => Err(Unverified::KeyMissing { fetch, meanwhile }),
            None => Err(meanwhile.into()),
        }
    }

    /// What a token whose signature over `signed` fits says, in our words.
    pub(super) fn claims(&self, payload: &str, signed: &str) -> Result<Claims, TokenError> {
        self.settings.mapping.read(payload, &self.settings.audiences, signed)
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

    /// The same, where an issuer of the same place and algorithms as a known one shares its keys, and with them the fetch
    /// that is under way and who waits for it. So a reload while a provider is down forgets nothing, and however often a
    /// configuration is put in force, no provider is asked more often.
    pub fn sharing_keys_of(known: &Self, settings: Vec<IssuerSettings>, clock: &Clock) -> Self {
        Self(settings.into_iter().map(|settings| TrustedIssuer::sharing(known, settings, clock)).collect())
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

    pub(super) fn find(&self, iss: &str) -> Option<(usize, &TrustedIssuer)> {
        self.0.iter().enumerate().find(|(_, issuer)| issuer.settings.issuer == iss)
    }

    pub(super) fn get(&self, index: usize) -> Option<&TrustedIssuer> {
        self.0.get(index)
    }
}

#[cfg(test)]
mod tests;
