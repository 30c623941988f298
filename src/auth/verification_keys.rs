//! The keys that verify signatures, ours and those of a trusted issuer, and the choice among them for a token.

use std::sync::Arc;

use aws_lc_rs::hmac;

use super::jwk::{Jwk, JwkSet};
use super::key_algorithm::KeyAlgorithm;
use super::public_key::PublicKey;

/// A key that verifies signatures.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    material: KeyMaterial,
    /// The algorithms of its tokens; never empty.
    algorithms: Vec<KeyAlgorithm>,
}

#[derive(Clone, Debug)]
enum KeyMaterial {
    Public(PublicKey),
    /// A shared secret, which has no public half and is never compared.
    Shared(Box<hmac::Key>),
}

impl VerificationKey {
    /// Creates a key that verifies with a public key, for the usual algorithm of its kind.
    pub fn public(key: PublicKey) -> Self {
        let algorithms = key.algorithms().iter().take(1).copied().collect();
        Self { material: KeyMaterial::Public(key), algorithms }
    }

    /// Creates a key that verifies with a public key, for those of these algorithms that its kind supports. Returns
    /// `None` if there are none.
    pub fn public_for(key: PublicKey, algorithms: &[KeyAlgorithm]) -> Option<Self> {
        let algorithms: Vec<_> = key.algorithms().iter().copied().filter(|one| algorithms.contains(one)).collect();
        (!algorithms.is_empty()).then_some(Self { material: KeyMaterial::Public(key), algorithms })
    }

    pub(super) fn shared(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Self { material: KeyMaterial::Shared(Box::new(key)), algorithms: vec![KeyAlgorithm::Hs256] }
    }

    /// Whether tokens of this key may be signed with this algorithm.
    pub fn is_for(&self, algorithm: KeyAlgorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether this key has signed the message with this algorithm, which must be one of the key's.
    pub fn has_signed(&self, algorithm: KeyAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        self.is_for(algorithm)
            && match &self.material {
                KeyMaterial::Public(key) => key.has_signed(algorithm, message, signature),
                KeyMaterial::Shared(key) => hmac::verify(key, message, signature).is_ok(),
            }
    }

    /// Whether both are the same public key for the same algorithms. Shared secrets are never compared.
    pub fn is_same_public_key(&self, other: &Self) -> bool {
        match (&self.material, &other.material) {
            (KeyMaterial::Public(one), KeyMaterial::Public(another)) => {
                one == another && self.algorithms == other.algorithms
            }
            _ => false,
        }
    }

    fn jwk(&self, kid: &str) -> Option<Jwk> {
        match &self.material {
            KeyMaterial::Public(key) => Some(key.jwk(kid)),
            KeyMaterial::Shared(_) => None,
        }
    }
}

/// The most keys that are tried for one token.
const MOST_TRIED: usize = 8;

/// The keys of one issuer.
#[derive(Clone, Debug, Default)]
pub struct VerificationKeys(Vec<PublishedKey>);

/// A key with the names by which tokens refer to it.
#[derive(Clone, Debug)]
pub struct PublishedKey {
    /// The key id, which other keys may share.
    pub kid: Option<String>,
    /// The thumbprints of its certificate (RFC 7517 §4.8 and §4.9).
    pub thumbprints: Vec<String>,
    /// The key.
    pub key: Arc<VerificationKey>,
}

/// What a token's header states about its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyHint {
    /// The key id (RFC 7515 §4.1.4).
    pub kid: Option<String>,
    /// The thumbprints of its certificate (RFC 7515 §4.1.7 and §4.1.8).
    pub thumbprints: Vec<String>,
}

/// Why no key is tried for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCandidateKey {
    /// No key has the id that the token names.
    Unknown,
    /// The keys that the token may refer to are for other algorithms.
    OtherAlgorithm,
    /// More keys than are tried for one token.
    TooMany,
}

impl VerificationKeys {
    /// Creates the list from keys with ids.
    pub fn new(keys: impl IntoIterator<Item = (String, VerificationKey)>) -> Self {
        let published = |(kid, key)| PublishedKey { kid: Some(kid), thumbprints: Vec::new(), key: Arc::new(key) };
        Self(keys.into_iter().map(published).collect())
    }

    /// Creates the list from keys as an issuer publishes them.
    pub const fn published(keys: Vec<PublishedKey>) -> Self {
        Self(keys)
    }

    /// Returns the key of this id, or the first one if there are several.
    pub fn get(&self, kid: &str) -> Option<&Arc<VerificationKey>> {
        self.named(kid).next().map(|published| &published.key)
    }

    /// Returns the keys that may have signed a token with this algorithm: those with the id that it names, or else
    /// those of the certificate that it names, or else all.
    ///
    /// # Errors
    /// Returns an error if there is none, or if there are more than are tried for one token.
    pub fn candidates(
        &self,
        hint: &KeyHint,
        algorithm: KeyAlgorithm,
    ) -> Result<Vec<Arc<VerificationKey>>, NoCandidateKey> {
        let meant: Vec<&PublishedKey> = match &hint.kid {
            Some(kid) => self.named(kid).collect(),
            None => {
                let certified: Vec<_> = self.0.iter().filter(|published| published.has_certificate_of(hint)).collect();
                if certified.is_empty() { self.0.iter().collect() } else { certified }
            }
        };
        if meant.is_empty() {
            return Err(NoCandidateKey::Unknown);
        }
        let fitting = meant.into_iter().map(|published| &published.key).filter(|key| key.is_for(algorithm));
        let fitting: Vec<_> = fitting.cloned().collect();
        match fitting.len() {
            0 => Err(NoCandidateKey::OtherAlgorithm),
            1..=MOST_TRIED => Ok(fitting),
            _ => Err(NoCandidateKey::TooMany),
        }
    }

    /// Whether this key, or the same public one, still exists under this id, or under any id if a token named none.
    pub fn still_have(&self, kid: Option<&str>, key: &Arc<VerificationKey>) -> bool {
        let is_named = |published: &&PublishedKey| kid.is_none_or(|kid| published.kid.as_deref() == Some(kid));
        // Shared secrets are never compared, but a key that was not replaced still has its secret.
        let is_same = |known: &Arc<VerificationKey>| Arc::ptr_eq(known, key) || known.is_same_public_key(key);
        self.0.iter().filter(is_named).any(|published| is_same(&published.key))
    }

    /// Returns the public keys, with which others can verify tokens. Shared secrets never appear.
    pub fn public_document(&self) -> JwkSet {
        let published = self.0.iter();
        JwkSet { keys: published.filter_map(|published| published.key.jwk(published.kid.as_deref()?)).collect() }
    }

    /// Returns the number of keys.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn named(&self, kid: &str) -> impl Iterator<Item = &PublishedKey> {
        self.0.iter().filter(move |published| published.kid.as_deref() == Some(kid))
    }
}

impl PublishedKey {
    /// Some providers use the thumbprint as the key's id, too.
    fn has_certificate_of(&self, hint: &KeyHint) -> bool {
        hint.thumbprints.iter().any(|named| self.thumbprints.contains(named) || self.kid.as_ref() == Some(named))
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyHint, MOST_TRIED, NoCandidateKey, PublishedKey, VerificationKey, VerificationKeys};
    use crate::auth::key_algorithm::KeyAlgorithm;
    use crate::auth::keys::ServiceKey;
    use crate::auth::private_key;
    use std::sync::Arc;

    fn published(kid: Option<&str>, thumbprint: Option<&str>, algorithm: KeyAlgorithm) -> PublishedKey {
        let key = ServiceKey::private("k", &private_key::generate(algorithm).unwrap()).unwrap();
        PublishedKey {
            kid: kid.map(str::to_owned),
            thumbprints: thumbprint.map(str::to_owned).into_iter().collect(),
            key: Arc::new(key.verification),
        }
    }

    fn hint(kid: Option<&str>, thumbprints: &[&str]) -> KeyHint {
        let thumbprints = thumbprints.iter().map(|&text| text.to_owned()).collect();
        KeyHint { kid: kid.map(str::to_owned), thumbprints }
    }

    const EDDSA: KeyAlgorithm = KeyAlgorithm::EdDsa;
    const ES256: KeyAlgorithm = KeyAlgorithm::Es256;

    fn is(found: &[Arc<VerificationKey>], expected: &[&PublishedKey]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(one, other)| Arc::ptr_eq(one, &other.key))
    }

    #[test]
    fn a_token_means_the_keys_of_its_id_then_of_its_certificate_then_all_and_only_of_its_algorithm() {
        let (a, twin, b) = (
            published(Some("a"), None, EDDSA),
            published(Some("a"), None, EDDSA),
            published(Some("b"), Some("t"), EDDSA),
        );
        let (other_kind, nameless) = (published(Some("a"), None, ES256), published(None, None, EDDSA));
        let keys = VerificationKeys::published([&a, &twin, &b, &other_kind, &nameless].map(Clone::clone).to_vec());
        let found = |hint: &KeyHint, algorithm| keys.candidates(hint, algorithm);
        assert!(is(&found(&hint(Some("a"), &["t"]), EDDSA).unwrap(), &[&a, &twin]));
        assert!(is(&found(&hint(Some("a"), &[]), ES256).unwrap(), &[&other_kind]));
        assert!(is(&found(&hint(None, &["t"]), EDDSA).unwrap(), &[&b]));
        assert!(is(&found(&hint(None, &["b"]), EDDSA).unwrap(), &[&b]), "the thumbprint is the id");
        assert!(is(&found(&hint(None, &["x"]), EDDSA).unwrap(), &[&a, &twin, &b, &nameless]));
        assert!(is(&found(&hint(None, &[]), ES256).unwrap(), &[&other_kind]));
        assert_eq!(found(&hint(Some("c"), &["t"]), EDDSA).unwrap_err(), NoCandidateKey::Unknown);
        assert_eq!(found(&hint(Some("b"), &[]), ES256).unwrap_err(), NoCandidateKey::OtherAlgorithm);
        assert_eq!(found(&hint(None, &["t"]), ES256).unwrap_err(), NoCandidateKey::OtherAlgorithm);
    }

    #[test]
    fn no_token_makes_more_than_a_few_keys_be_tried() {
        let one = published(Some("a"), None, EDDSA);
        let many = |count: usize| VerificationKeys::published(vec![one.clone(); count]);
        for hint in [hint(Some("a"), &[]), hint(None, &[])] {
            assert_eq!(many(MOST_TRIED).candidates(&hint, EDDSA).unwrap().len(), MOST_TRIED);
            assert_eq!(many(MOST_TRIED + 1).candidates(&hint, EDDSA).unwrap_err(), NoCandidateKey::TooMany);
        }
    }

    #[test]
    fn a_key_is_still_there_only_under_the_id_that_a_token_names() {
        let (a, b) = (published(Some("a"), None, EDDSA), published(Some("b"), None, EDDSA));
        let keys = VerificationKeys::published(vec![a.clone()]);
        let copy = Arc::new(a.key.as_ref().clone());
        assert!(keys.still_have(Some("a"), &copy) && keys.still_have(None, &copy));
        assert!(!keys.still_have(Some("b"), &copy) && !keys.still_have(None, &b.key));
    }
}
