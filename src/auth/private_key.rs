//! The private half of a key: read from PKCS#8 PEM (RFC 5958, RFC 7468 §10), or newly generated. The document itself
//! states the kind of key; the settings can only agree with it.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::key_algorithm::KeyAlgorithm;
use super::key_error::KeyError;
use super::public_key::{Curve, PublicKey};
use super::secrets;

/// The size of new RSA keys, which NIST SP 800-57 considers safe beyond 2030.
const NEW_RSA_KEY: KeySize = KeySize::Rsa3072;

/// The number of leading bytes of a PKCS#8 document that contain its algorithm.
const PKCS8_HEAD: usize = 32;
/// The object identifiers in DER that state the kind of a key (RFC 8410 §3, RFC 5480 §2.1.1, RFC 8017 §A.1).
const ED25519_OID: &[u8] = b"\x06\x03\x2b\x65\x70";
const EC_OID: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const RSA_OID: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// A private key of this service with its public half.
#[derive(Clone, Debug)]
pub(super) struct PrivateKey {
    pub(super) algorithm: KeyAlgorithm,
    /// The algorithm in the signing library's type.
    pub(super) jws: Algorithm,
    pub(super) encoding: EncodingKey,
    pub(super) public: PublicKey,
}

impl PrivateKey {
    /// Parses a private key in PKCS#8 PEM.
    pub(super) fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let document = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes());
        let document = Zeroizing::new(document.map_err(|_| KeyError::NotPrivateKey)?);
        let der = document.secret_pkcs8_der();
        match kind(der).ok_or(KeyError::NotPrivateKey)? {
            PrivateKeyKind::Ed25519 => Self::ed25519(der),
            PrivateKeyKind::Ec => Self::p256(der),
            PrivateKeyKind::Rsa => Self::rsa(der),
        }
    }

    fn ed25519(der: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| KeyError::NotPrivateKey)?;
        let public = PublicKey::ed25519(pair.public_key().as_ref())?;
        let encoding = EncodingKey::from_ed_der(der);
        Ok(Self { algorithm: KeyAlgorithm::EdDsa, jws: Algorithm::EdDSA, encoding, public })
    }

    fn p256(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
        let pair = pair.map_err(|_| KeyError::NotPrivateKey)?;
        let public = PublicKey::point(Curve::P256, pair.public_key().as_ref())?;
        let encoding = EncodingKey::from_ec_der(der);
        Ok(Self { algorithm: KeyAlgorithm::Es256, jws: Algorithm::ES256, encoding, public })
    }

    fn rsa(der: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|refusal| match refusal.description_() {
            "TooSmall" => KeyError::WeakRsaModulus,
            _ => KeyError::NotPrivateKey,
        })?;
        let public = PublicKey::from_rsa(pair.public_key())?;
        // The library extracts the inner document of PKCS#8, with which it signs. The file itself may contain other
        // blocks, too.
        let encoding = EncodingKey::from_rsa_pem(pem(der).expose_secret().as_bytes());
        let encoding = encoding.map_err(|_| KeyError::NotPrivateKey)?;
        Ok(Self { algorithm: KeyAlgorithm::Rs256, jws: Algorithm::RS256, encoding, public })
    }
}

#[derive(Clone, Copy)]
enum PrivateKeyKind {
    Ed25519,
    Ec,
    Rsa,
}

fn kind(der: &[u8]) -> Option<PrivateKeyKind> {
    let head = der.get(..PKCS8_HEAD.min(der.len())).unwrap_or_default();
    let names = |oid: &[u8]| head.windows(oid.len()).any(|window| window == oid);
    [(ED25519_OID, PrivateKeyKind::Ed25519), (EC_OID, PrivateKeyKind::Ec), (RSA_OID, PrivateKeyKind::Rsa)]
        .into_iter()
        .find_map(|(oid, kind)| names(oid).then_some(kind))
}

/// Generates a key: a private key as PKCS#8 PEM for `private_key_file`, or for HS256 a text for `secret_file`.
///
/// # Errors
/// Returns an error if the system provides no random bytes.
pub fn generate(algorithm: KeyAlgorithm) -> Result<SecretString, KeyError> {
    match algorithm {
        KeyAlgorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(no_randomness)?;
            Ok(pem(pair.to_pkcs8v1().map_err(no_randomness)?.as_ref()))
        }
        KeyAlgorithm::Es256 => generate_ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        KeyAlgorithm::Es384 => generate_ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        KeyAlgorithm::Es512 => generate_ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
        KeyAlgorithm::Rs256
        | KeyAlgorithm::Rs384
        | KeyAlgorithm::Rs512
        | KeyAlgorithm::Ps256
        | KeyAlgorithm::Ps384
        | KeyAlgorithm::Ps512 => {
            let pair = RsaKeyPair::generate(NEW_RSA_KEY).map_err(no_randomness)?;
            let document: Pkcs8V1Der<'_> = pair.as_der().map_err(no_randomness)?;
            Ok(pem(document.as_ref()))
        }
        KeyAlgorithm::Hs256 => secrets::new_secret().map_err(|_| KeyError::NoRandomness),
    }
}

fn generate_ec(algorithm: &'static EcdsaSigningAlgorithm) -> Result<SecretString, KeyError> {
    let pair = EcdsaKeyPair::generate(algorithm).map_err(no_randomness)?;
    Ok(pem(pair.to_pkcs8v1().map_err(no_randomness)?.as_ref()))
}

const fn no_randomness(_: Unspecified) -> KeyError {
    KeyError::NoRandomness
}

/// Formats PEM with lines of 64 characters (RFC 7468 §2).
fn pem(der: &[u8]) -> SecretString {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    SecretString::from(text.as_str())
}

#[cfg(test)]
mod tests;
