//! The service's own keys: the one that signs, the ones that verify, and their public document (RFC 7517). A key of
//! this service has exactly one algorithm (RFC 8725 §3.1), which a token's header never chooses. The keys of a trusted
//! issuer are another [`VerificationKeys`].

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretString;

use super::jwk::JwkSet;
use super::key_algorithm::KeyAlgorithm;
use super::key_error::KeyError;
use super::private_key::PrivateKey;
use super::public_key::PublicKey;
use super::verification_keys::{VerificationKey, VerificationKeys};

/// The shortest shared secret for HS256 in bytes: as long as its hash (RFC 7518 §3.2).
pub const MINIMUM_SHARED_SECRET_BYTES: usize = 32;

/// The first bytes of other keys and certificates: PEM with and without its first line, OpenSSH's public keys, JWK. If
/// the file of a public key were configured as a shared secret by mistake, everybody could sign.
const OF_OTHER_KINDS: [&[u8]; 7] =
    [b"-----BEGIN", b"---- BEGIN", b"MFkwEwYHKoZIzj0C", b"MCowBQYDK2VwAyEA", b"ssh-", b"ecdsa-", b"{"];

/// The private half of a key, with the key id that its tokens carry.
#[derive(Clone, Debug)]
pub struct SigningKey {
    kid: String,
    algorithm: KeyAlgorithm,
    /// The algorithm in the signing library's type.
    pub(super) jws: Algorithm,
    pub(super) encoding: EncodingKey,
}

impl SigningKey {
    /// Returns the key's id (RFC 7515 §4.1.4).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the key's only algorithm.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }
}

/// A key of the service.
#[derive(Clone, Debug)]
pub struct ServiceKey {
    kid: String,
    /// The key's only algorithm.
    pub algorithm: KeyAlgorithm,
    /// The private half; `None` for a key that only verifies.
    pub signing: Option<SigningKey>,
    /// The half that verifies signatures.
    pub verification: VerificationKey,
}

impl ServiceKey {
    /// Parses an Ed25519, P-256 or RSA private key in PKCS#8 PEM (RFC 5958).
    ///
    /// # Errors
    /// Returns an error if the text is no such key, or the key is weak.
    pub fn private(kid: &str, pem: &SecretString) -> Result<Self, KeyError> {
        let PrivateKey { algorithm, jws, encoding, public } = PrivateKey::from_pem(pem)?;
        let kid = kid.to_owned();
        let signing = Some(SigningKey { kid: kid.clone(), algorithm, jws, encoding });
        Ok(Self { kid, algorithm, signing, verification: VerificationKey::public(public) })
    }

    /// Parses an Ed25519, P-256 or RSA public key in PEM, which verifies and does not sign.
    ///
    /// # Errors
    /// Returns an error if the text is no such key, or the key is weak.
    pub fn public(kid: &str, pem: &str) -> Result<Self, KeyError> {
        let public = PublicKey::from_pem(pem)?;
        let algorithm = public.algorithms().first().copied().ok_or(KeyError::NotPublicKey)?;
        Ok(Self { kid: kid.to_owned(), algorithm, signing: None, verification: VerificationKey::public(public) })
    }

    /// Creates a key from the bytes of a shared secret, as they were written.
    ///
    /// # Errors
    /// Returns an error if the secret has fewer than [`MINIMUM_SHARED_SECRET_BYTES`] bytes, repeats a single one, or is
    /// a key of another kind.
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MINIMUM_SHARED_SECRET_BYTES {
            return Err(KeyError::WeakSharedSecret);
        }
        if is_of_another_kind(secret) {
            return Err(KeyError::NotSharedSecret);
        }
        if secret.windows(2).all(|two| matches!(two, [one, other] if one == other)) {
            return Err(KeyError::RepeatedSharedSecret);
        }
        let (kid, encoding) = (kid.to_owned(), EncodingKey::from_secret(secret));
        let algorithm = KeyAlgorithm::Hs256;
        let signing = Some(SigningKey { kid: kid.clone(), algorithm, jws: Algorithm::HS256, encoding });
        Ok(Self { kid, algorithm, signing, verification: VerificationKey::shared(secret) })
    }

    /// Removes the private half, so that the key only verifies.
    #[must_use]
    pub fn verify_only(self) -> Self {
        Self { signing: None, ..self }
    }
}

fn is_of_another_kind(secret: &[u8]) -> bool {
    let start = secret.trim_ascii_start();
    // The first bytes of an RSA key or a certificate in base64. A secret may begin like this, but is never that long.
    let is_long_der = start.starts_with(b"MII") && start.len() >= 256;
    // Other text may precede a PEM block (RFC 7468 §5.2).
    let is_pem = || secret.split(|byte| b"\r\n".contains(byte)).any(|line| line.starts_with(b"-----BEGIN "));
    is_long_der || OF_OTHER_KINDS.iter().any(|prefix| start.starts_with(prefix)) || is_pem()
}

/// All keys of the service.
#[derive(Clone, Debug)]
pub struct KeySet {
    signing: SigningKey,
    verification: VerificationKeys,
}

impl KeySet {
    /// Creates the set. It signs with the key `sign_with`, or else with the last key by id that can sign, and verifies
    /// with all keys.
    ///
    /// # Errors
    /// Returns an error if no key can sign, or the key `sign_with` cannot or does not exist.
    pub fn new(keys: Vec<ServiceKey>, sign_with: Option<&str>) -> Result<Self, KeyError> {
        let keys: BTreeMap<String, ServiceKey> = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
        let signing = match sign_with {
            Some(kid) => {
                keys.get(kid).ok_or(KeyError::UnknownSigningKey)?.signing.as_ref().ok_or(KeyError::CannotSign)?
            }
            None => keys.values().rev().find_map(|key| key.signing.as_ref()).ok_or(KeyError::NoKey)?,
        };
        let signing = signing.clone();
        let verification = VerificationKeys::new(keys.into_iter().map(|(kid, key)| (kid, key.verification)));
        Ok(Self { signing, verification })
    }

    /// Returns the key that signs new tokens.
    pub const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Returns the keys that verify tokens.
    pub const fn verification(&self) -> &VerificationKeys {
        &self.verification
    }

    /// Returns the public keys, with which others can verify our tokens. Shared secrets never appear.
    pub fn public_document(&self) -> JwkSet {
        self.verification.public_document()
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyAlgorithm, KeyError, KeySet, ServiceKey};
    use crate::auth::private_key;
    use crate::sha256::sha256;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use secrecy::SecretString;
    use serde_json::json;

    /// RFC 8037, appendix A.1.
    const RFC_8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const RFC_8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    /// RFC 7515, appendix A.1.
    const RFC_7515_SECRET: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    fn rfc_8037_key() -> ServiceKey {
        let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
        pkcs8.extend(URL_SAFE_NO_PAD.decode(RFC_8037_SEED).unwrap());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
        ServiceKey::private("rfc-8037", &SecretString::from(pem)).unwrap()
    }

    #[test]
    fn the_ed25519_key_of_rfc_8037_signs_and_publishes_as_in_its_appendix() {
        let key = rfc_8037_key();
        let signing = key.signing.as_ref().unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = jsonwebtoken::crypto::sign(message, &signing.encoding, signing.jws).unwrap();
        assert_eq!(signature, "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
        let bytes = URL_SAFE_NO_PAD.decode(&signature).unwrap();
        assert!(key.verification.has_signed(KeyAlgorithm::EdDsa, message, &bytes));

        let published = KeySet::new(vec![key], None).unwrap().public_document().keys.remove(0);
        let (crv, x) = (published.crv.unwrap(), published.x.unwrap());
        assert_eq!(x, RFC_8037_X);
        let thumbprint_input = format!(r#"{{"crv":"{crv}","kty":"{}","x":"{x}"}}"#, published.kty);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sha256([thumbprint_input.as_bytes()])),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn the_shared_secret_of_rfc_7515_verifies_the_token_of_its_appendix() {
        let key = ServiceKey::hs256("rfc-7515", &URL_SAFE_NO_PAD.decode(RFC_7515_SECRET).unwrap()).unwrap();
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verification.has_signed(KeyAlgorithm::Hs256, message, &signature));
    }

    #[test]
    fn each_kind_of_key_signs_verifies_and_publishes_its_public_half_only() {
        let fields = [
            (KeyAlgorithm::EdDsa, vec!["alg", "crv", "kid", "kty", "use", "x"]),
            (KeyAlgorithm::Es256, vec!["alg", "crv", "kid", "kty", "use", "x", "y"]),
            (KeyAlgorithm::Rs256, vec!["alg", "e", "kid", "kty", "n", "use"]),
        ];
        for (algorithm, expected) in fields {
            let key = ServiceKey::private("new", &private_key::generate(algorithm).unwrap()).unwrap();
            let signing = key.signing.as_ref().unwrap();
            assert_eq!((signing.algorithm(), key.algorithm), (algorithm, algorithm));
            let signature = jsonwebtoken::crypto::sign(b"x", &signing.encoding, signing.jws).unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let verify = |message: &[u8]| key.verification.has_signed(algorithm, message, &signature);
            assert!(verify(b"x") && !verify(b"y"), "{algorithm}");
            let document = KeySet::new(vec![key.clone()], None).unwrap().public_document();
            let published = serde_json::to_value(&document.keys[0]).unwrap();
            assert_eq!(published.as_object().unwrap().keys().collect::<Vec<_>>(), expected);
            assert_eq!(published["alg"], algorithm.name());
        }
    }

    #[test]
    fn the_public_document_shows_ed25519_keys_and_never_a_shared_secret() {
        let shared = ServiceKey::hs256("shared", b"a-shared-secret-of-32-bytes-or-so").unwrap();
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
        let key = |kid| ServiceKey::hs256(kid, b"a-shared-secret-of-32-bytes-or-so").unwrap();
        let keys = || vec![key("2026-11"), key("2026-12"), key("2026-10")];
        assert_eq!(KeySet::new(keys(), None).unwrap().signing().kid(), "2026-12");
        assert_eq!(KeySet::new(keys(), Some("2026-10")).unwrap().signing().kid(), "2026-10");
        assert_eq!(KeySet::new(keys(), Some("2027-01")).unwrap_err(), KeyError::UnknownSigningKey);
        assert_eq!(KeySet::new(Vec::new(), None).unwrap_err(), KeyError::NoKey);
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        assert_eq!(ServiceKey::hs256("k", &[7; 31]).unwrap_err(), KeyError::WeakSharedSecret);
        assert_eq!(ServiceKey::hs256("k", &[7; 64]).unwrap_err(), KeyError::RepeatedSharedSecret);
        let nonsense = SecretString::from("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
        assert_eq!(ServiceKey::private("k", &nonsense).unwrap_err(), KeyError::NotPrivateKey);
    }
}
