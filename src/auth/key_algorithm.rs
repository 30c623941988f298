//! Signature algorithms of tokens. A key has exactly one, unless the settings of its issuer allow more (RFC 8725 §3.1).

use std::fmt;

use crate::settings::{choices, named};

named! {
    /// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum KeyAlgorithm {
        /// Ed25519: short keys that sign and verify quickly.
        EdDsa = "EdDSA",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// ECDSA on P-521 with SHA-512.
        Es512 = "ES512",
        /// RSA (PKCS#1 v1.5) with SHA-256: slow to sign, and supported everywhere.
        Rs256 = "RS256",
        /// RSA (PKCS#1 v1.5) with SHA-384.
        Rs384 = "RS384",
        /// RSA (PKCS#1 v1.5) with SHA-512.
        Rs512 = "RS512",
        /// RSA (PSS) with SHA-256.
        Ps256 = "PS256",
        /// RSA (PSS) with SHA-384.
        Ps384 = "PS384",
        /// RSA (PSS) with SHA-512.
        Ps512 = "PS512",
        /// HMAC with SHA-256: every verifier could also sign.
        Hs256 = "HS256",
    }
}

impl KeyAlgorithm {
    /// The algorithms of this service's own keys.
    pub const OWN: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// The algorithms of a trusted issuer's keys, for which verifying needs only the public half.
    pub const ASYMMETRIC: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// Returns the algorithm of a token's header or of a JWK; the name is case-sensitive. RFC 9864 §2.2 gives Ed25519 a
    /// name of its own, which some providers use instead of EdDSA.
    pub fn named(name: &str) -> Option<Self> {
        let is_named = |algorithm: &Self| algorithm.name() == name || (*algorithm == Self::EdDsa && name == "Ed25519");
        Self::ASYMMETRIC.into_iter().chain([Self::Hs256]).find(is_named)
    }
}

choices!(
    KeyAlgorithm { "EdDSA" => EdDsa, "ES256" => Es256, "RS256" => Rs256, "HS256" => Hs256 }
    else "write EdDSA, ES256, RS256 or HS256"
);

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
