//! A rate limiter for many keys in bounded memory. Of a key, only a keyed hash is stored.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate::{Consumed, Exhausted, Rate, RateLimitStatus};

/// The number of locks, so that workers rarely contend for one.
const SHARDS: usize = 16;

/// Counts what each key has consumed of a rate.
#[derive(Debug)]
pub struct KeyedRateLimiter {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Consumed>>; SHARDS],
    most_in_shard: usize,
}

/// A key of a [`KeyedRateLimiter`], as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterKey(u64);

impl KeyedRateLimiter {
    /// Creates a limiter for at most `most` keys. Beyond it, those that have consumed least are forgotten first.
    pub fn new(most: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), shards, most_in_shard: most.div_ceil(SHARDS).max(1) }
    }

    /// Hashes these properties to a key.
    pub fn key(&self, properties: impl Hash) -> LimiterKey {
        LimiterKey(self.hasher.hash_one(properties))
    }

    /// Takes one of the key's rate.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if none is left; nothing is taken.
    pub fn take(&self, key: LimiterKey, rate: Rate, now: Duration) -> Result<RateLimitStatus, Exhausted> {
        self.take_many(1, key, rate, now)
    }

    /// Takes `count` of the key's rate at once.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if fewer are left; nothing is taken.
    pub fn take_many(
        &self,
        count: u32,
        key: LimiterKey,
        rate: Rate,
        now: Duration,
    ) -> Result<RateLimitStatus, Exhausted> {
        let mut shard = self.shard(key);
        if let Some(consumed) = shard.get_mut(&key.0) {
            return rate.take_many(count, consumed, now);
        }
        if shard.len() >= self.most_in_shard {
            make_room(&mut shard, now);
        }
        rate.take_many(count, shard.entry(key.0).or_default(), now)
    }

    /// Returns one that was taken to the key's rate.
    pub fn give_back(&self, key: LimiterKey, rate: Rate) {
        if let Some(consumed) = self.shard(key).get_mut(&key.0) {
            rate.give_back(consumed);
        }
    }

    /// Checks that one is left of the key's rate, and takes nothing.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if none is left.
    pub fn check(&self, key: LimiterKey, rate: Rate, now: Duration) -> Result<(), Exhausted> {
        let consumed = self.shard(key).get(&key.0).copied().unwrap_or_default();
        rate.check(consumed, now)
    }

    fn shard(&self, key: LimiterKey) -> MutexGuard<'_, HashMap<u64, Consumed>> {
        let [first, ..] = &self.shards;
        let index = usize::try_from(key.0 & 0xF).unwrap_or_default();
        // The map holds only numbers, so it is usable after a panic.
        self.shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the keys that have consumed nothing, which loses nothing. If there are none, removes the one that has
/// consumed least.
fn make_room(shard: &mut HashMap<u64, Consumed>, now: Duration) {
    let before = shard.len();
    shard.retain(|_, consumed| !consumed.is_nothing(now));
    if shard.len() == before
        && let Some(least) = shard.iter().min_by_key(|(_, consumed)| **consumed).map(|(key, _)| *key)
    {
        shard.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::KeyedRateLimiter;
    use crate::auth::rate::Rate;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(5);

    fn stored(limiter: &KeyedRateLimiter) -> usize {
        limiter.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn each_key_has_a_budget_of_its_own() {
        let (limiter, rate) = (KeyedRateLimiter::new(100), Rate::new(1, Duration::from_secs(60)));
        let [one, other] = [("acme", "a"), ("zenith", "a")].map(|properties| limiter.key(properties));
        assert!(limiter.take(one, rate, NOW).is_ok() && limiter.take(one, rate, NOW).is_err());
        assert!(limiter.check(one, rate, NOW).is_err() && limiter.check(other, rate, NOW).is_ok());
        assert!(limiter.take(other, rate, NOW).is_ok());
    }

    #[test]
    fn however_many_keys_come_no_more_are_stored_and_the_one_that_consumed_most_is_not_forgotten() {
        let (limiter, rate) = (KeyedRateLimiter::new(160), Rate::new(10, Duration::from_secs(60)));
        let greedy = limiter.key("greedy");
        while limiter.take(greedy, rate, NOW).is_ok() {}
        for number in 0..100_000 {
            assert!(limiter.take(limiter.key(number), rate, NOW).is_ok());
        }
        assert!(stored(&limiter) <= 160);
        assert!(limiter.check(greedy, rate, NOW).is_err());
    }
}
