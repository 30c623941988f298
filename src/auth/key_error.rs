//! Errors of keys. Each message says what to do, and contains nothing of the key.

use super::keys::MINIMUM_SHARED_SECRET_BYTES;
use super::public_key::MINIMUM_RSA_BITS;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not a readable private key in PEM.
    #[error(
        "this is not an Ed25519, P-256 or RSA private key in PKCS#8 PEM without a password; make one with `storegate secret key`, or turn yours into PKCS#8 with `openssl pkcs8 -topk8 -nocrypt`"
    )]
    NotPrivateKey,
    /// The text is not a readable public key in PEM.
    #[error(
        "this is not an Ed25519, P-256 or RSA public key in PEM (BEGIN PUBLIC KEY); `openssl pkey -in PRIVATE.pem -pubout` writes one"
    )]
    NotPublicKey,
    /// The numbers do not form a public key of their kind.
    #[error("this public key is malformed: it has the wrong length, or is not on its curve")]
    InvalidPublicKey,
    /// An Ed25519 key for which signatures can be made without the private key.
    #[error("everybody can sign for this Ed25519 key, which is a point of small order: make another one")]
    SmallOrder,
    /// An RSA key that is too short to be safe.
    #[error("this RSA key is too short: RS256 needs at least {MINIMUM_RSA_BITS} bits")]
    WeakRsaModulus,
    /// An RSA key whose modulus can be factored.
    #[error(
        "this RSA key has the ROCA weakness (CVE-2017-15361), so that others can compute its private half: make a new one with other software"
    )]
    Roca,
    /// An RSA key with an exponent for which signatures have been forged.
    #[error("the public exponent of this RSA key is not safe: use a key with the usual 65537")]
    WeakRsaExponent,
    /// A shared secret that is too short to be safe.
    #[error("the shared secret is too short: HS256 needs at least {MINIMUM_SHARED_SECRET_BYTES} random bytes")]
    WeakSharedSecret,
    /// A key of another kind, which is often public, in place of a shared secret.
    #[error(
        "this is a key or a certificate and no shared secret: whoever has read it could sign; give it as public_key or private_key, or make a secret with `storegate secret key --algorithm hs256`"
    )]
    NotSharedSecret,
    /// A shared secret of one repeated byte.
    #[error("the shared secret is one byte repeated: HS256 needs at least {MINIMUM_SHARED_SECRET_BYTES} random bytes")]
    RepeatedSharedSecret,
    /// No configured key can sign.
    #[error("there is no usable key to sign tokens with: add a section [auth.keys.<id>] with a private key")]
    NoKey,
    /// `sign_with` names a key that does not exist.
    #[error("there is no such key in [auth.keys]")]
    UnknownSigningKey,
    /// `sign_with` names a key that only verifies.
    #[error("this key only verifies: it is a public key, or has use = \"verify\"")]
    CannotSign,
    /// The system provided no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}
