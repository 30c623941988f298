//! The curves of ECDSA keys (RFC 7518 §6.2.1.1), each with its only algorithm.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
};

use crate::auth::key_algorithm::KeyAlgorithm;
use crate::settings::named;

named! {
    /// A curve of ECDSA keys.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Curve {
        /// P-256, for ES256.
        P256 = "P-256",
        /// P-384, for ES384.
        P384 = "P-384",
        /// P-521, for ES512.
        P521 = "P-521",
    }
}

impl Curve {
    /// Returns the curve of this name in a JWK.
    pub fn named(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }

    /// Returns the only algorithm of its keys.
    pub const fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::P256 => KeyAlgorithm::Es256,
            Self::P384 => KeyAlgorithm::Es384,
            Self::P521 => KeyAlgorithm::Es512,
        }
    }

    pub(super) const fn algorithms(self) -> &'static [KeyAlgorithm] {
        match self {
            Self::P256 => &[KeyAlgorithm::Es256],
            Self::P384 => &[KeyAlgorithm::Es384],
            Self::P521 => &[KeyAlgorithm::Es512],
        }
    }

    /// Returns the length of a coordinate in bytes.
    pub(super) const fn coordinate(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Returns the verification of signatures, which consist of r and s, each as long as a coordinate (RFC 7518 §3.4).
    pub(super) const fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}
