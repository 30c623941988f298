//! Who is asking, and what they may read.
//!
//! A client shows its secret at the token endpoint (`endpoints`, `token_request`, `oauth_error`, `clients`, `secrets`) and
//! gets a signed token (`issue`, `keys`; `jwk` publishes them). Each request brings the token back: `caller` takes it from
//! the request, `verify` is the only code that believes one (`claims`, `remembered`), and the handler's signature names the
//! `scope` that it needs. Which stores the token may read is asked of its `grants`. Tokens of a company's own identity
//! provider are believed, too, if it is one of the `issuers`.

pub mod caller;
pub mod claims;
pub mod clients;
pub mod endpoints;
pub mod grants;
pub mod issue;
pub mod issuers;
pub mod jwk;
pub mod key_algorithm;
pub mod key_error;
mod key_settings;
pub mod keys;
pub mod oauth_error;
pub mod private_key;
pub mod public_key;
mod remembered;
pub mod scope;
pub mod secrets;
pub mod settings;
pub mod token_request;
pub mod token_types;
pub mod verify;

#[cfg(test)]
pub(crate) mod fixtures;

pub use caller::Caller;
pub use grants::Grants;
pub use settings::AuthSettings;

use crate::clock::Clock;
use clients::Clients;
use issue::TokenIssuer;
use issuers::Issuers;
use jwk::JwkSet;
use verify::Verifier;

/// The realm of every challenge (RFC 9110 §11.5).
pub const REALM: &str = "storegate";

/// Everything that tokens need. Built once, outside the server's factory, and shared as `web::Data<Auth>`.
#[derive(Debug)]
pub struct Auth {
    issuer_name: String,
    public_url: String,
    clients: Clients,
    issuer: TokenIssuer,
    verifier: Verifier,
    public_keys: JwkSet,
}

/// Why the settings do not make an [`Auth`]. Reading them has reported the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthSetupError {
    /// No key could be read.
    #[error("there is no usable key to sign tokens with")]
    NoKey,
}

impl Auth {
    /// Puts keys and clients to work.
    ///
    /// # Errors
    /// There is no key.
    pub fn new(settings: AuthSettings, clock: Clock) -> Result<Self, AuthSetupError> {
        let keys = settings.keys.ok_or(AuthSetupError::NoKey)?;
        let (issuer, audience) = (&settings.issuer, &settings.audience);
        let signing = keys.signing().clone();
        let trusted = Issuers::new(settings.issuers, &clock);
        Ok(Self {
            issuer: TokenIssuer::new(issuer, audience, settings.token_lifetime, signing, clock.clone()),
            verifier: Verifier::new(issuer, audience, keys.verification().clone(), clock).trusting(trusted),
            public_keys: keys.public_document(),
            clients: settings.clients,
            issuer_name: settings.issuer,
            public_url: settings.public_url,
        })
    }

    /// The `iss` of tokens (RFC 8414 §2).
    pub fn issuer_name(&self) -> &str {
        &self.issuer_name
    }

    /// The address that callers use, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The clients that may ask for tokens.
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Makes tokens.
    pub const fn issuer(&self) -> &TokenIssuer {
        &self.issuer
    }

    /// Checks tokens.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The public keys (RFC 7517 §5).
    pub const fn public_keys(&self) -> &JwkSet {
        &self.public_keys
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
    fn without_a_key_there_is_no_auth() {
        let settings = super::AuthSettings { keys: None, ..fixtures::settings() };
        assert_eq!(Auth::new(settings, fixtures::clock().0).unwrap_err(), AuthSetupError::NoKey);
    }
}
