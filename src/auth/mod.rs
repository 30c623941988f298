//! Authentication and authorization of callers.
//!
//! A client sends its secret (`endpoints`, `oauth_form`, `authentication`, `clients`, `secrets`; `failed_logins` limits
//! wrong ones) and gets a signed token (`issue`, `keys`; `jwk` publishes them). Each request carries the token.
//! `caller` takes it from the request (or an API key, `api_keys`), and `verify` is the only code that accepts one (`claims`,
//! `verified_token_cache`, `revocations`). Its client's `quota` is counted, and the handler's signature names the
//! required `scope`. The token's `grants` say which stores it may read. Tokens of a tenant's own identity provider are
//! accepted, too, if it is one of the `issuers`. All of that is one [`Auth`]; `current` holds the current one, and
//! `memory` what survives it.

pub mod api_keys;
pub mod authentication;
mod bearer;
pub mod caller;
pub mod claims;
pub mod client_settings;
pub mod clients;
pub mod current;
pub mod endpoints;
pub mod failed_logins;
pub mod grants;
pub mod issue;
pub mod issuers;
pub mod jwk;
pub mod key_algorithm;
pub mod key_error;
pub mod key_settings;
mod keyed_rate_limiter;
pub mod keys;
pub mod limits;
pub mod memory;
mod numeric_date;
pub mod oauth_error;
pub mod oauth_form;
pub mod private_key;
pub mod public_key;
pub mod quota;
pub mod rate;
pub mod revocations;
pub mod scope;
pub mod secrets;
pub mod settings;
pub mod token_form;
pub mod token_request;
pub mod token_types;
pub mod verification_keys;
mod verified_secrets;
mod verified_token_cache;
pub mod verify;

#[cfg(test)]
pub(crate) mod fixtures;

pub use caller::Caller;
pub use current::{CurrentAuth, Generation, KnownCaller, VerifiedCaller};
pub use grants::Grants;
pub use settings::AuthSettings;

use std::sync::Arc;

use crate::clock::Clock;
use api_keys::ApiKeys;
use clients::Clients;
use issue::TokenIssuer;
use issuers::Issuers;
use jwk::JwkSet;
use keys::KeySet;
use limits::CallerLimits;
use memory::AuthMemory;
use quota::Quota;
use revocations::Revocations;
use scope::Scopes;
use verify::{VerifiedToken, Verifier};

/// The realm of every challenge (RFC 9110 §11.5).
pub const REALM: &str = "storegate";

/// The authentication of one configuration. The current one is shared as `web::Data<CurrentAuth>`.
#[derive(Debug)]
pub struct Auth {
    /// The `iss` of tokens (RFC 8414 §2).
    pub issuer_name: String,
    audience: String,
    /// The address that clients use, without a slash at its end.
    pub public_url: String,
    clients: Clients,
    api_keys: ApiKeys,
    /// The callers' quotas and the trusted proxies.
    pub limits: CallerLimits,
    /// The existing scopes.
    pub scopes: Scopes,
    memory: Arc<AuthMemory>,
    clock: Clock,
    /// Issues tokens; `None` for a service that accepts the tokens of identity providers only.
    issuer: Option<TokenIssuer>,
    /// The verifier of tokens.
    pub verifier: Verifier,
    /// The public keys (RFC 7517 §5).
    pub public_keys: JwkSet,
}

/// Why the settings do not make an [`Auth`]. The details were reported when the settings were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthSetupError {
    /// No key could be read, no other issuer is trusted, and there is no API key.
    #[error("there is no usable key to sign tokens with, no identity provider in [auth.issuers], and no API key")]
    NoKey,
}

impl Auth {
    /// Creates the authentication from its settings.
    ///
    /// # Errors
    /// Returns an error if there is neither a key nor a trusted issuer.
    pub fn new(settings: AuthSettings, clock: Clock) -> Result<Self, AuthSetupError> {
        Self::with_memory(Arc::default(), settings, clock)
    }

    /// Creates the authentication around existing state.
    ///
    /// # Errors
    /// Returns an error if there is neither a key nor a trusted issuer.
    pub fn with_memory(memory: Arc<AuthMemory>, settings: AuthSettings, clock: Clock) -> Result<Self, AuthSetupError> {
        Self::around(memory, &Issuers::default(), settings, clock)
    }

    /// Returns this [`Auth`] with other keys, clients and limits. The names in tokens and the address of this service
    /// stay: they belong to valid tokens, and to clients that read them once.
    fn renewed(&self, settings: AuthSettings) -> Result<Self, AuthSetupError> {
        let settings = AuthSettings {
            issuer: self.issuer_name.clone(),
            audience: self.audience.clone(),
            public_url: self.public_url.clone(),
            scopes: self.scopes.clone(),
            ..settings
        };
        let renewed = Self::around(self.memory.clone(), &self.verifier.trusted, settings, self.clock.clone())?;
        Ok(Self { verifier: renewed.verifier.sharing_cache_of(&self.verifier), ..renewed })
    }

    /// Creates the authentication around what survives a configuration: the state, and the keys of `known` issuers.
    fn around(
        memory: Arc<AuthMemory>,
        known: &Issuers,
        settings: AuthSettings,
        clock: Clock,
    ) -> Result<Self, AuthSetupError> {
        if settings.keys.is_none() && settings.issuers.is_empty() && settings.api_keys.is_empty() {
            return Err(AuthSetupError::NoKey);
        }
        let keys = settings.keys;
        let (issuer, audience) = (&settings.issuer, &settings.audience);
        let trusted = Issuers::sharing_keys_of(known, settings.issuers, &clock);
        let revocations = Revocations::new(settings.revoked_tokens, memory.revoked.clone());
        let verifier = match &keys {
            Some(keys) => Verifier::new(issuer, audience, keys.verification().clone(), clock.clone()),
            None => Verifier::without_own_tokens(clock.clone()),
        };
        let issue = |keys: &KeySet| {
            TokenIssuer::new(issuer, audience, settings.token_lifetime, keys.signing().clone(), clock.clone())
        };
        Ok(Self {
            issuer: keys.as_ref().map(issue),
            verifier: verifier.trusting(trusted).refusing(revocations),
            public_keys: keys.as_ref().map(KeySet::public_document).unwrap_or_default(),
            clients: Clients::new(settings.clients),
            api_keys: ApiKeys::new(settings.api_keys),
            limits: settings.limits,
            scopes: settings.scopes,
            issuer_name: settings.issuer,
            audience: settings.audience,
            public_url: settings.public_url,
            memory,
            clock,
        })
    }

    /// Returns the names of the changed settings of `[auth]` that take effect only after a restart.
    pub fn fixed_differences(&self, settings: &AuthSettings) -> Vec<&'static str> {
        // The limits of headers and forms are set when the server starts.
        let is_larger = settings.largest_token() > self.verifier.largest_token();
        let differences = [
            (is_larger, "auth.issuers.*.token_size"),
            (self.issuer_name != settings.issuer, "auth.issuer"),
            (self.audience != settings.audience, "auth.audience"),
        ];
        differences.into_iter().filter(|(differs, _)| *differs).map(|(_, name)| name).collect()
    }

    /// Returns the quota of the caller: the one in the section of its client or API key, else the default.
    pub fn quota_of(&self, token: &VerifiedToken) -> Quota {
        if let Some(of_key) = self.api_keys.quota_of(token) {
            return of_key.unwrap_or(self.limits.quota);
        }
        let is_own = token.claims().iss == self.issuer_name;
        let own = self.clients.get(token.client_id()).filter(|client| is_own && *client.tenant == **token.tenant());
        own.and_then(|client| client.quota).unwrap_or(self.limits.quota)
    }

    /// Returns the clients that may request tokens.
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Returns the issuer of tokens, or `None` for a service that accepts the tokens of identity providers only.
    pub const fn issuer(&self) -> Option<&TokenIssuer> {
        self.issuer.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Auth, AuthSetupError, fixtures};

    #[test]
    fn auth_prints_neither_secrets_nor_their_hashes() {
        let printed = format!("{:?}", fixtures::auth().0);
        for secret in [fixtures::SHARED_SECRET, fixtures::PEM_BODY, fixtures::MADE_SECRET, "$argon2id$"] {
            assert!(!printed.contains(secret), "{secret}");
        }
    }

    #[test]
    fn without_a_key_and_an_issuer_there_is_no_auth() {
        let settings = super::AuthSettings { keys: None, ..fixtures::settings() };
        assert_eq!(Auth::new(settings, fixtures::clock().0).unwrap_err(), AuthSetupError::NoKey);
    }
}
