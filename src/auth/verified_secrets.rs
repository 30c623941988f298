//! Secrets that a slow hash has just verified, so that they are not hashed again within a moment. Of a secret only an
//! HMAC is stored, with a random key that no other process has, in memory, until the configuration is replaced.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use secrecy::{ExposeSecret as _, SecretString};

/// How long a secret is not hashed again.
const LIFETIME: Duration = Duration::from_secs(60);

type SecretTag = [u8; 32];

/// Valid secrets of this configuration's clients: at most one of each, since no other is valid.
pub struct VerifiedSecrets {
    /// The key of the HMAC; `None` if the system provided no random bytes, and then each secret is hashed.
    key: Option<hmac::Key>,
    until: Mutex<HashMap<SecretTag, Duration>>,
}

impl Default for VerifiedSecrets {
    fn default() -> Self {
        Self { key: hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).ok(), until: Mutex::default() }
    }
}

impl VerifiedSecrets {
    /// Records that the secret is this client's.
    pub fn remember(&self, client_id: &str, secret: &SecretString, now: Duration) {
        if let Some(tag) = self.tag(client_id, secret) {
            let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            until.insert(tag, now + LIFETIME);
        }
    }

    /// Whether the secret was verified a moment ago. The time that this takes reveals nothing about a wrong secret: it
    /// depends on an HMAC that nobody can predict.
    pub fn contains(&self, client_id: &str, secret: &SecretString, now: Duration) -> bool {
        let Some(tag) = self.tag(client_id, secret) else { return false };
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.get(&tag).is_some_and(|until| now < *until)
    }

    fn tag(&self, client_id: &str, secret: &SecretString) -> Option<SecretTag> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        // The length comes first, so that no other id and secret concatenate to the same bytes.
        context.update(&(client_id.len() as u64).to_be_bytes());
        context.update(client_id.as_bytes());
        context.update(secret.expose_secret().as_bytes());
        context.sign().as_ref().try_into().ok()
    }
}

impl fmt::Debug for VerifiedSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifiedSecrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME, VerifiedSecrets};
    use secrecy::SecretString;
    use std::time::Duration;

    #[test]
    fn a_secret_is_known_for_its_client_alone_and_for_a_moment() {
        let (verified, now) = (VerifiedSecrets::default(), Duration::from_secs(7));
        let is_known = |id: &str, secret: &str, now| verified.contains(id, &SecretString::from(secret), now);
        verified.remember("person", &SecretString::from("chosen"), now);
        assert!(is_known("person", "chosen", now + LIFETIME - Duration::from_millis(1)));
        assert!(!is_known("person", "chosen", now + LIFETIME));
        for (id, secret) in [("person", "chose"), ("other", "chosen"), ("personc", "hosen"), ("", "personchosen")] {
            assert!(!is_known(id, secret, now), "{id} {secret}");
        }
        assert!(!format!("{verified:?}").contains("chosen"));
    }
}
