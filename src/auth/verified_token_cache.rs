//! The verified-token cache: tokens whose signature was verified, so that it need not be verified again. They are found
//! by a hash of the whole token, their memory is bounded, and they are valid only as long as their key: the caller of
//! the cache says whether that still exists.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

use super::verification_keys::VerificationKey;
use super::verify::VerifiedToken;
use crate::sha256::sha256;

/// The most memory for cached tokens in bytes: some ten thousand of the usual size.
const CAPACITY_BYTES: u64 = 32 << 20;
/// The bytes of a token besides its claims, which are stored about twice.
const OVERHEAD_BYTES: usize = 512;
/// The bytes of each stored copy of a list entry, besides its text: the text's length and pointer, the smallest
/// allocation, and its part of a table. In a token the entry may be three letters.
const ITEM_BYTES: usize = 64;
/// The longest time that a token is cached, so that one that expires in the far future does not stay until then.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The SHA-256 of a whole token. The token itself is not stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(sha256([token.as_bytes()]))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint")
    }
}

/// The issuer with whose keys a token was verified.
#[derive(Clone, Copy, Debug)]
pub(super) enum TokenSource {
    Own,
    /// The trusted issuer of this number.
    Trusted(usize),
}

/// A verified token with the key that verified it.
#[derive(Clone, Debug)]
pub(super) struct CachedToken {
    pub(super) token: Arc<VerifiedToken>,
    pub(super) source: TokenSource,
    pub(super) kid: Option<String>,
    pub(super) key: Arc<VerificationKey>,
}

#[derive(Clone, Debug)]
struct TokenEntry {
    cached: Arc<CachedToken>,
    weight: u32,
    /// The time for which the token could still be valid, by the machine's clock. It only decides when memory is freed;
    /// the token's expiry is checked on each use, by our clock.
    left: Duration,
}

/// The cache of verified tokens. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct VerifiedTokenCache(Cache<TokenHash, TokenEntry>);

impl VerifiedTokenCache {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY_BYTES)
    }

    fn with_capacity(bytes: u64) -> Self {
        let cache = Cache::builder().max_capacity(bytes).weigher(|_, entry: &TokenEntry| entry.weight);
        Self(cache.expire_after(TokenExpiry).build())
    }

    /// Returns the token with this hash if `has_key` finds that its key still exists. Otherwise the token is removed.
    pub(super) fn get(
        &self,
        fingerprint: &TokenHash,
        has_key: impl FnOnce(&CachedToken) -> bool,
    ) -> Option<Arc<VerifiedToken>> {
        let entry = self.0.get(fingerprint)?;
        if has_key(&entry.cached) {
            return Some(entry.cached.token.clone());
        }
        self.0.invalidate(fingerprint);
        None
    }

    /// Stores a token of `bytes` bytes for the time `left`.
    pub(super) fn insert(&self, fingerprint: TokenHash, cached: CachedToken, bytes: usize, left: Duration) {
        if left.is_zero() {
            return;
        }
        let weight = weight(&cached.token, bytes);
        self.0.insert(fingerprint, TokenEntry { cached: Arc::new(cached), weight, left: left.min(LONGEST) });
    }
}

/// Returns the memory in bytes of a token of `bytes` bytes.
fn weight(token: &VerifiedToken, bytes: usize) -> u32 {
    let claims = token.claims();
    let limits: usize = [&claims.stores, &claims.organizations].into_iter().flatten().map(Vec::len).sum();
    // The lists of stores and organizations are stored twice: as claims and as grants.
    let items = claims.aud.count() + 2 * limits;
    u32::try_from(2 * bytes + OVERHEAD_BYTES + items * ITEM_BYTES).unwrap_or(u32::MAX)
}

struct TokenExpiry;

impl Expiry<TokenHash, TokenEntry> for TokenExpiry {
    fn expire_after_create(&self, _: &TokenHash, entry: &TokenEntry, _: Instant) -> Option<Duration> {
        Some(entry.left)
    }

    fn expire_after_update(
        &self,
        _: &TokenHash,
        entry: &TokenEntry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.left)
    }
}

#[cfg(test)]
mod tests {
    use super::{CachedToken, ITEM_BYTES, OVERHEAD_BYTES, TokenHash, TokenSource, VerifiedTokenCache, weight};
    use crate::auth::claims::{Audience, Claims};
    use crate::auth::fixtures;
    use crate::auth::verify::VerifiedToken;
    use std::sync::Arc;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(900);

    fn cached() -> CachedToken {
        let (auth, _) = fixtures::auth();
        let token = auth.verifier.verify(&fixtures::token(&auth, &["flow:read"], None)).unwrap();
        let key = Arc::new(fixtures::ed25519_key().verification);
        CachedToken { token, source: TokenSource::Own, kid: Some("2026-11".to_owned()), key }
    }

    fn is_there(cache: &VerifiedTokenCache, token: &str) -> bool {
        cache.get(&TokenHash::of(token), |_| true).is_some()
    }

    #[test]
    fn a_cached_token_is_found_by_its_fingerprint_only() {
        let cache = VerifiedTokenCache::new();
        cache.insert(TokenHash::of("a"), cached(), 500, LONG);
        assert!(is_there(&cache, "a") && !is_there(&cache, "b"));
    }

    #[test]
    fn a_token_whose_key_is_gone_is_removed() {
        let cache = VerifiedTokenCache::new();
        cache.insert(TokenHash::of("a"), cached(), 500, LONG);
        assert!(cache.get(&TokenHash::of("a"), |_| false).is_none());
        assert!(!is_there(&cache, "a"), "it is removed for good");
    }

    #[test]
    fn a_token_at_its_end_is_not_cached() {
        let cache = VerifiedTokenCache::new();
        cache.insert(TokenHash::of("a"), cached(), 500, Duration::ZERO);
        assert!(!is_there(&cache, "a"));
    }

    #[test]
    fn a_list_weighs_what_its_entries_take_wherever_they_are() {
        let plain = cached().token.claims().clone();
        let weight = |claims: &Claims| usize::try_from(weight(&VerifiedToken::new(claims.clone()), 500)).unwrap();
        assert_eq!(weight(&plain), 2 * 500 + OVERHEAD_BYTES + ITEM_BYTES);
        let many: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let audience: Audience = serde_json::from_str(&serde_json::to_string(&many).unwrap()).unwrap();
        let audiences = Claims { aud: audience, ..plain.clone() };
        assert_eq!(weight(&audiences), 2 * 500 + OVERHEAD_BYTES + 1000 * ITEM_BYTES);
        let limited = Claims { stores: Some(many.clone()), organizations: Some(many), ..plain };
        assert_eq!(weight(&limited), 2 * 500 + OVERHEAD_BYTES + 4001 * ITEM_BYTES);
    }

    #[test]
    fn any_number_of_tokens_stays_within_the_capacity() {
        let weight = u64::from(weight(&cached().token, 500));
        let cache = VerifiedTokenCache::with_capacity(100 * weight);
        let one = cached();
        for number in 0..5_000 {
            cache.insert(TokenHash::of(&number.to_string()), one.clone(), 500, LONG);
        }
        cache.0.run_pending_tasks();
        assert!(cache.0.entry_count() > 0 && cache.0.weighted_size() <= 100 * weight);
        assert!((0..5_000).filter(|number| is_there(&cache, &number.to_string())).count() <= 100);
    }
}
