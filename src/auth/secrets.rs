//! Client secrets: generated here, stored as hashes, compared in constant time. A secret of 256 random bits needs no
//! slow hash, since nobody can guess it. A secret that a person chose is hashed with Argon2id.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::sha256::sha256;

/// The prefix of generated secrets, by which scanners for leaked secrets find them.
const MADE_SECRET_PREFIX: &str = "sgs_";

/// The prefix of API keys, by which they are told from tokens.
pub const API_KEY_PREFIX: &str = "sgk_";

/// The most memory that the check of a secret may take: 256 MiB, in KiB.
const MAXIMUM_ARGON2_KIBIBYTES: u32 = 256 * 1024;

/// Why a secret could not be generated or a hash not be used. Each message says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The system provided no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The text is not a SHA-256 hash.
    #[error("this is not the SHA-256 of a secret: write 64 hexadecimal digits, as `storegate secret` prints them")]
    NotSha256,
    /// The text is not an Argon2id hash.
    #[error(
        "this is not an Argon2id hash: write one such as $argon2id$v=19$m=19456,t=2,p=1$…, as `storegate secret` prints it"
    )]
    NotArgon2id,
    /// Checking a secret against the hash would take too much memory.
    #[error("checking a secret against this hash would take more than 256 MiB: make it with a smaller m")]
    TooMuchMemory,
}

/// Generates a secret of 256 random bits.
///
/// # Errors
/// Returns an error if the system provides no random bytes.
pub fn new_secret() -> Result<SecretString, SecretError> {
    with_random_bits(MADE_SECRET_PREFIX)
}

/// Generates an API key of 256 random bits.
///
/// # Errors
/// Returns an error if the system provides no random bytes.
pub fn new_api_key() -> Result<SecretString, SecretError> {
    with_random_bits(API_KEY_PREFIX)
}

fn with_random_bits(prefix: &str) -> Result<SecretString, SecretError> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| SecretError::NoRandomness)?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    Ok(SecretString::from(format!("{prefix}{}", text.as_str())))
}

/// Hashes a generated secret, for `secret_sha256`.
pub fn sha256_hex(secret: &SecretString) -> String {
    base16ct::lower::encode_string(&digest(secret))
}

/// Parses what [`sha256_hex`] wrote.
///
/// # Errors
/// Returns an error if the text is anything else.
pub fn sha256_from_hex(hash: &SecretString) -> Result<[u8; 32], SecretError> {
    let mut bytes = [0; 32];
    match base16ct::mixed::decode(hash.expose_secret().trim(), &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(bytes),
        _ => Err(SecretError::NotSha256),
    }
}

/// Hashes a chosen secret with a new salt, for `secret_argon2`.
///
/// # Errors
/// Returns an error if the system provides no random bytes for the salt.
pub fn argon2_hash(secret: &SecretString) -> Result<String, SecretError> {
    let hash = Argon2::default().hash_password(secret.expose_secret().as_bytes());
    hash.map(|hash: PasswordHash| hash.to_string()).map_err(|_| SecretError::NoRandomness)
}

/// The hash of a client's secret.
#[derive(Clone)]
pub enum SecretHash {
    /// The hash of a generated secret, which is quick to check.
    Sha256([u8; 32]),
    /// The hash of a chosen secret, whose check takes time and memory on purpose.
    Argon2id(Box<PasswordHash>),
}

impl SecretHash {
    /// Parses what [`sha256_hex`] wrote.
    ///
    /// # Errors
    /// Returns an error if the text is anything else.
    pub fn from_sha256_hex(hash: &SecretString) -> Result<Self, SecretError> {
        sha256_from_hex(hash).map(Self::Sha256)
    }

    /// Parses what [`argon2_hash`] wrote.
    ///
    /// # Errors
    /// Returns an error if the text is anything else, or requires too much memory.
    pub fn from_argon2(hash: &SecretString) -> Result<Self, SecretError> {
        let hash = PasswordHash::new(hash.expose_secret().trim()).map_err(|_| SecretError::NotArgon2id)?;
        let parameters = Params::try_from(&hash).map_err(|_| SecretError::NotArgon2id)?;
        if hash.algorithm.as_str() != "argon2id" || hash.salt.is_none() || hash.hash.is_none() {
            return Err(SecretError::NotArgon2id);
        }
        if parameters.m_cost() > MAXIMUM_ARGON2_KIBIBYTES {
            return Err(SecretError::TooMuchMemory);
        }
        Ok(Self::Argon2id(Box::new(hash)))
    }

    /// Whether `secret` has this hash. Blocks for some time if the hash is a slow one.
    pub fn matches(&self, secret: &SecretString) -> bool {
        match self {
            Self::Sha256(expected) => bool::from(digest(secret).ct_eq(expected)),
            Self::Argon2id(expected) => {
                Argon2::default().verify_password(secret.expose_secret().as_bytes(), &**expected).is_ok()
            }
        }
    }

    /// Whether [`SecretHash::matches`] takes so long that it must not run on a thread that serves requests.
    pub const fn is_slow(&self) -> bool {
        matches!(self, Self::Argon2id(_))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sha256(_) => "Sha256([REDACTED])",
            Self::Argon2id(_) => "Argon2id([REDACTED])",
        })
    }
}

fn digest(secret: &SecretString) -> [u8; 32] {
    sha256([secret.expose_secret().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::{SecretError, SecretHash, argon2_hash, new_secret, sha256_hex};
    use secrecy::{ExposeSecret as _, SecretString};

    fn text(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn made_secrets_differ_and_have_256_bits() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), "sgs_".len() + 43);
    }

    #[test]
    fn the_hash_is_the_sha256_that_other_programs_compute() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(&text("abc")), expected);
        assert!(SecretHash::from_sha256_hex(&text(&expected.to_uppercase())).unwrap().matches(&text("abc")));
        assert!(!SecretHash::from_sha256_hex(&text(expected)).unwrap().matches(&text("abd")));
    }

    #[test]
    fn an_argon2id_hash_takes_its_secret_and_no_other() {
        let hash = argon2_hash(&text("correct horse")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"));
        let hash = SecretHash::from_argon2(&text(&hash)).unwrap();
        assert!(hash.is_slow());
        assert!(hash.matches(&text("correct horse")));
        assert!(!hash.matches(&text("battery staple")));
    }

    #[test]
    fn hashes_that_cannot_be_used_are_refused() {
        let refused = |hash| SecretHash::from_argon2(&text(hash)).unwrap_err();
        assert_eq!(refused("hunter2"), SecretError::NotArgon2id);
        assert_eq!(refused("$argon2id$v=19$m=19456,t=2,p=1"), SecretError::NotArgon2id);
        assert_eq!(refused("$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$TmV2ZXIgbWluZCB3aGF0"), SecretError::NotArgon2id);
        let hungry = "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$TmV2ZXIgbWluZCB3aGF0";
        assert_eq!(refused(hungry), SecretError::TooMuchMemory);
        for hash in ["", "abc", "zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"] {
            assert_eq!(SecretHash::from_sha256_hex(&text(hash)).unwrap_err(), SecretError::NotSha256);
        }
    }
}
