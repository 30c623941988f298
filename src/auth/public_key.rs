//! The public half of a key: read from PEM or from its numbers, refused if it is weak, and prepared for verification
//! and publication. Its kind decides its only algorithm.

mod curve;
mod roca;
mod small_order;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;

use super::jwk::Jwk;
use super::key_algorithm::KeyAlgorithm;
use super::key_error::KeyError;

pub use curve::Curve;

/// The shortest modulus of an RSA key in bits (RFC 7518 §3.3).
pub const MINIMUM_RSA_BITS: usize = 2048;
/// The longest modulus in bits that the cryptographic library supports.
const MAXIMUM_RSA_BITS: usize = 8192;
/// The smallest public exponent (NIST SP 800-56B §6.2). Signatures for smaller ones have been forged.
const MINIMUM_RSA_EXPONENT: u64 = 65_537;

/// The bytes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4).
const ED25519_INFO: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// The bytes before the 65 bytes of an uncompressed point of P-256 in a SubjectPublicKeyInfo (RFC 5480 §2).
const P256_INFO: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// The first byte of an uncompressed point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The algorithms of an RSA key, the usual one first.
const OF_RSA: [KeyAlgorithm; 6] = [
    KeyAlgorithm::Rs256,
    KeyAlgorithm::Rs384,
    KeyAlgorithm::Rs512,
    KeyAlgorithm::Ps256,
    KeyAlgorithm::Ps384,
    KeyAlgorithm::Ps512,
];

/// A public key that is strong enough to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(KeyNumbers);

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyNumbers {
    Ed25519 {
        x: Vec<u8>,
    },
    /// Both coordinates, after the byte of an uncompressed point.
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    /// Both numbers, big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// Creates an Ed25519 key from its 32 bytes (RFC 8037 §2).
    ///
    /// # Errors
    /// Returns an error if the bytes are no such key, or one for which everybody can sign.
    pub fn ed25519(x: &[u8]) -> Result<Self, KeyError> {
        check(&ED25519, x)?;
        if small_order::is_of_small_order(x) {
            return Err(KeyError::SmallOrder);
        }
        if !small_order::is_canonical(x) {
            return Err(KeyError::InvalidPublicKey);
        }
        Ok(Self(KeyNumbers::Ed25519 { x: x.to_vec() }))
    }

    /// Creates a key of a curve from its coordinates, each as long as the curve's (RFC 7518 §6.2.1).
    ///
    /// # Errors
    /// Returns an error if the point is not on the curve.
    pub fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != curve.coordinate() || y.len() != curve.coordinate() {
            return Err(KeyError::InvalidPublicKey);
        }
        Self::point(curve, &[&[UNCOMPRESSED], x, y].concat())
    }

    pub(super) fn point(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        if point.first() != Some(&UNCOMPRESSED) || point.len() != 1 + 2 * curve.coordinate() {
            return Err(KeyError::InvalidPublicKey);
        }
        check(curve.verification(), point)?;
        Ok(Self(KeyNumbers::Ec { curve, point: point.to_vec() }))
    }

    /// Creates an RSA key from its two numbers, big-endian (RFC 7518 §6.3.1).
    ///
    /// # Errors
    /// Returns an error if the modulus is shorter than [`MINIMUM_RSA_BITS`] or has the ROCA weakness, or if one of the
    /// numbers is even or too small to be safe.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        if bits < MINIMUM_RSA_BITS {
            return Err(KeyError::WeakRsaModulus);
        }
        if bits > MAXIMUM_RSA_BITS || is_even(modulus) {
            return Err(KeyError::InvalidPublicKey);
        }
        if is_even(exponent) || number(exponent).is_none_or(|exponent| exponent < MINIMUM_RSA_EXPONENT) {
            return Err(KeyError::WeakRsaExponent);
        }
        if roca::has_fingerprint(modulus) {
            return Err(KeyError::Roca);
        }
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).map_err(|_| KeyError::InvalidPublicKey)?;
        Ok(Self(KeyNumbers::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() }))
    }

    /// Parses a SubjectPublicKeyInfo in PEM (RFC 7468 §13), as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// Returns an error if the text is no such key, or the key is weak or of an unsupported kind.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPublicKey)?;
        if let Some(x) = info.strip_prefix(ED25519_INFO) {
            return Self::ed25519(x);
        }
        if let Some(point) = info.strip_prefix(P256_INFO) {
            return Self::point(Curve::P256, point);
        }
        let key = rsa::PublicKey::from_der(&info).map_err(|refusal| match refusal.description_() {
            "TooSmall" => KeyError::WeakRsaModulus,
            _ => KeyError::NotPublicKey,
        })?;
        Self::from_rsa(&key)
    }

    pub(super) fn from_rsa(key: &rsa::PublicKey) -> Result<Self, KeyError> {
        let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(key);
        Self::rsa(&numbers.n, &numbers.e)
    }

    /// Returns the algorithms of a key of this kind, the usual one first.
    pub const fn algorithms(&self) -> &'static [KeyAlgorithm] {
        match &self.0 {
            KeyNumbers::Ed25519 { .. } => &[KeyAlgorithm::EdDsa],
            KeyNumbers::Ec { curve, .. } => curve.algorithms(),
            KeyNumbers::Rsa { .. } => &OF_RSA,
        }
    }

    /// Whether this key has signed the message with this algorithm.
    pub(super) fn has_signed(&self, algorithm: KeyAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.algorithms().contains(&algorithm) {
            return false;
        }
        let verified = match &self.0 {
            KeyNumbers::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            KeyNumbers::Ec { curve, point } => {
                UnparsedPublicKey::new(curve.verification(), point).verify(message, signature)
            }
            KeyNumbers::Rsa { modulus, exponent } => {
                let Some(parameters) = rsa_parameters(algorithm) else { return false };
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature)
            }
        };
        verified.is_ok()
    }

    /// Returns the key in its published form (RFC 7517), for the usual algorithm of its kind.
    pub fn jwk(&self, kid: &str) -> Jwk {
        match &self.0 {
            KeyNumbers::Ed25519 { x } => Jwk::ed25519(kid, x),
            KeyNumbers::Ec { curve, point } => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(curve.coordinate());
                Jwk::ec(kid, *curve, x, y)
            }
            KeyNumbers::Rsa { modulus, exponent } => Jwk::rsa(kid, modulus, exponent),
        }
    }
}

fn rsa_parameters(algorithm: KeyAlgorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        KeyAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        KeyAlgorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        KeyAlgorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        KeyAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        KeyAlgorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        KeyAlgorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        KeyAlgorithm::EdDsa | KeyAlgorithm::Es256 | KeyAlgorithm::Es384 | KeyAlgorithm::Es512 | KeyAlgorithm::Hs256 => {
            return None;
        }
    })
}

fn check(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<(), KeyError> {
    UnparsedPublicKey::new(algorithm, key).parse().map(drop).map_err(|_| KeyError::InvalidPublicKey)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|last| last % 2 == 0)
}

/// Reads a number of at most eight bytes. No exponent in use is longer.
fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
pub(super) mod tests;
