//! The service's own keys: the one that signs, the ones that verify, and the public document about them (RFC 7517).
//! A key has exactly one algorithm (RFC 8725 §3.1); a token's header never chooses it. A further algorithm is a variant of
//! [`KeyAlgorithm`]; the keys of another issuer are another [`VerificationKeys`].

use std::collections::BTreeMap;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::jwk::{Jwk, JwkSet};
use super::key_algorithm::KeyAlgorithm;

/// The shortest shared secret for HS256: as long as its hash (RFC 7518 §3.2).
pub const MINIMUM_SHARED_SECRET_BYTES: usize = 32;

/// Why a key cannot be used; each says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The PEM could not be read as an Ed25519 private key.
    #[error(
        "this is not an Ed25519 private key in PKCS#8 PEM; make one with `openssl genpkey -algorithm ed25519` or `storegate secret`"
    )]
    NotEd25519,
    /// The shared secret is too short to be safe.
    #[error("the shared secret is too short: HS256 needs at least {MINIMUM_SHARED_SECRET_BYTES} random bytes")]
    WeakSharedSecret,
    /// No key is configured.
    #[error("there is no usable key to sign tokens with: add a section [auth.keys.<id>]")]
    NoKey,
    /// `sign_with` names a key that is not there.
    #[error("there is no such key in [auth.keys]")]
    UnknownSigningKey,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// The private half of a key, with the id that its tokens carry.
#[derive(Clone, Debug)]
pub struct SigningKey {
    kid: String,
    algorithm: KeyAlgorithm,
    encoding: EncodingKey,
}

impl SigningKey {
    /// The key's id (RFC 7515 §4.1.4).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm of this key.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(super) const fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

/// What is needed to check a signature.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    algorithm: KeyAlgorithm,
    decoding: DecodingKey,
    /// Absent for a shared secret, which has no public half.
    public: Option<PublicKey>,
}

#[derive(Clone, Debug)]
struct PublicKey {
    x: String,
}

impl VerificationKey {
    /// The one algorithm of this key.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(super) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// One key of the service, both halves.
#[derive(Clone, Debug)]
pub struct Key {
    signing: SigningKey,
    verification: VerificationKey,
}

impl Key {
    /// Reads an Ed25519 private key in PKCS#8 PEM (RFC 8410 §7).
    ///
    /// # Errors
    /// It is something else.
    pub fn ed25519(kid: &str, pem: &SecretString) -> Result<Self, KeyError> {
        let algorithm = KeyAlgorithm::EdDsa;
        let encoding = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes()).map_err(|_| KeyError::NotEd25519)?;
        let pair = Ed25519KeyPair::from_pkcs8(encoding.as_bytes()).map_err(|_| KeyError::NotEd25519)?;
        let public = pair.public_key().as_ref();
        let verification = VerificationKey {
            algorithm,
            decoding: DecodingKey::from_ed_der(public),
            public: Some(PublicKey { x: URL_SAFE_NO_PAD.encode(public) }),
        };
        Ok(Self { signing: SigningKey { kid: kid.to_owned(), algorithm, encoding }, verification })
    }

    /// Takes the bytes of a shared secret, as they were written.
    ///
    /// # Errors
    /// The secret has fewer than [`MINIMUM_SHARED_SECRET_BYTES`] bytes.
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MINIMUM_SHARED_SECRET_BYTES {
            return Err(KeyError::WeakSharedSecret);
        }
        let algorithm = KeyAlgorithm::Hs256;
        let verification = VerificationKey { algorithm, decoding: DecodingKey::from_secret(secret), public: None };
        let encoding = EncodingKey::from_secret(secret);
        Ok(Self { signing: SigningKey { kid: kid.to_owned(), algorithm, encoding }, verification })
    }

    /// The private half.
    pub const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The half that checks signatures.
    pub const fn verification(&self) -> &VerificationKey {
        &self.verification
    }
}

/// The keys of one issuer, by id.
#[derive(Clone, Debug, Default)]
pub struct VerificationKeys(BTreeMap<String, VerificationKey>);

impl VerificationKeys {
    /// The key of this id. There is no key for a token that names none.
    pub fn get(&self, kid: &str) -> Option<&VerificationKey> {
        self.0.get(kid)
    }
}

/// All keys of the service.
#[derive(Clone, Debug)]
pub struct KeySet {
    signing: SigningKey,
    verification: VerificationKeys,
}

impl KeySet {
    /// Signs with the key `sign_with`, or else the last in the order of their ids, and verifies with all of them.
    ///
    /// # Errors
    /// There is no key, or none of the id `sign_with`.
    pub fn new(keys: Vec<Key>, sign_with: Option<&str>) -> Result<Self, KeyError> {
        let keys: BTreeMap<String, Key> = keys.into_iter().map(|key| (key.signing.kid.clone(), key)).collect();
        let signing = match sign_with {
            Some(kid) => keys.get(kid).ok_or(KeyError::UnknownSigningKey)?,
            None => keys.values().next_back().ok_or(KeyError::NoKey)?,
        };
        let signing = signing.signing.clone();
        let verification = keys.into_iter().map(|(kid, key)| (kid, key.verification)).collect();
        Ok(Self { signing, verification: VerificationKeys(verification) })
    }

    /// The key that signs new tokens.
    pub const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The keys that verify tokens.
    pub const fn verification(&self) -> &VerificationKeys {
        &self.verification
    }

    /// The public keys, for whoever wants to check our tokens. Shared secrets never appear.
    pub fn public_document(&self) -> JwkSet {
        let keys = self.verification.0.iter().filter_map(|(kid, key)| {
            let public = key.public.as_ref()?;
            Some(Jwk::ed25519(kid, &public.x))
        });
        JwkSet { keys: keys.collect() }
    }
}

/// Makes a new Ed25519 private key, as PKCS#8 PEM (RFC 8410 §7), for `private_key_file`.
///
/// # Errors
/// The system gave no random bytes.
pub fn generate_ed25519_pem() -> Result<SecretString, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NoRandomness)?;
    let document = pair.to_pkcs8v1().map_err(|_| KeyError::NoRandomness)?;
    // The 48 bytes of this document are 64 characters, which is one line of PEM (RFC 7468 §2).
    let line = Zeroizing::new(STANDARD.encode(document.as_ref()));
    Ok(SecretString::from(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", line.as_str())))
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyAlgorithm, KeyError, KeySet, generate_ed25519_pem};
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use secrecy::{ExposeSecret as _, SecretString};
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    /// RFC 8037, appendix A.1.
    const RFC_8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const RFC_8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    /// RFC 7515, appendix A.1.
    const RFC_7515_SECRET: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn rfc_8037_key() -> Key {
        let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
        pkcs8.extend(URL_SAFE_NO_PAD.decode(RFC_8037_SEED).unwrap());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
        Key::ed25519("rfc-8037", &SecretString::from(pem)).unwrap()
    }

    #[test]
    fn the_ed25519_key_of_rfc_8037_signs_and_publishes_as_in_its_appendix() {
        let key = rfc_8037_key();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            jsonwebtoken::crypto::sign(message, key.signing.encoding(), key.signing.algorithm().jws()).unwrap();
        assert_eq!(signature, "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
        let decoding = key.verification.decoding();
        assert!(jsonwebtoken::crypto::verify(&signature, message, decoding, KeyAlgorithm::EdDsa.jws()).unwrap());

        let published = KeySet::new(vec![key], None).unwrap().public_document().keys.remove(0);
        assert_eq!(published.x, RFC_8037_X);
        let thumbprint_input =
            format!(r#"{{"crv":"{}","kty":"{}","x":"{}"}}"#, published.crv, published.kty, published.x);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(Sha256::digest(thumbprint_input)),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn the_shared_secret_of_rfc_7515_verifies_the_token_of_its_appendix() {
        let key = Key::hs256("rfc-7515", &URL_SAFE_NO_PAD.decode(RFC_7515_SECRET).unwrap()).unwrap();
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let decoding = key.verification.decoding();
        assert!(jsonwebtoken::crypto::verify(signature, message, decoding, KeyAlgorithm::Hs256.jws()).unwrap());
    }

    #[test]
    fn a_made_key_is_read_back_and_does_not_print_itself() {
        let pem = generate_ed25519_pem().unwrap();
        let key = Key::ed25519("new", &pem).unwrap();
        let body = pem.expose_secret().lines().nth(1).unwrap();
        assert!(!format!("{key:?}").contains(body));
        assert_ne!(generate_ed25519_pem().unwrap().expose_secret(), pem.expose_secret());
    }

    #[test]
    fn the_public_document_shows_ed25519_keys_and_never_a_shared_secret() {
        let shared = Key::hs256("shared", b"a-shared-secret-of-32-bytes-or-so").unwrap();
        let keys = KeySet::new(vec![rfc_8037_key(), shared], None).unwrap();
        assert_eq!(
            serde_json::to_value(keys.public_document()).unwrap(),
            json!({ "keys": [{
                "kty": "OKP", "crv": "Ed25519", "x": RFC_8037_X, "kid": "rfc-8037", "use": "sig", "alg": "EdDSA",
            }] })
        );
    }

    #[test]
    fn the_last_key_signs_unless_another_is_named() {
        let key = |kid| Key::hs256(kid, &[7; 32]).unwrap();
        let keys = || vec![key("2026-11"), key("2026-12"), key("2026-10")];
        assert_eq!(KeySet::new(keys(), None).unwrap().signing().kid(), "2026-12");
        assert_eq!(KeySet::new(keys(), Some("2026-10")).unwrap().signing().kid(), "2026-10");
        assert_eq!(KeySet::new(keys(), Some("2027-01")).unwrap_err(), KeyError::UnknownSigningKey);
        assert_eq!(KeySet::new(Vec::new(), None).unwrap_err(), KeyError::NoKey);
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        assert_eq!(Key::hs256("k", &[7; 31]).unwrap_err(), KeyError::WeakSharedSecret);
        let nonsense = SecretString::from("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
        assert_eq!(Key::ed25519("k", &nonsense).unwrap_err(), KeyError::NotEd25519);
    }
}
