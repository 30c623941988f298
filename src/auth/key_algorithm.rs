//! The algorithms that tokens may be signed with. A key has exactly one (RFC 8725 §3.1).

use std::fmt;
use std::str::FromStr;

use jsonwebtoken::Algorithm;

/// How tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// Ed25519: whoever verifies needs only the public key.
    EdDsa,
    /// HMAC with SHA-256: whoever verifies could also sign.
    Hs256,
}

impl KeyAlgorithm {
    /// The name in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    pub(super) const fn jws(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Hs256 => Algorithm::HS256,
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::EdDsa, Self::Hs256].into_iter().find(|algorithm| algorithm.name() == name).ok_or("write EdDSA or HS256")
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
