//! What many holders have spent of a rate, in bounded memory. Of a holder nothing is kept but a keyed hash.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate::{Exhausted, Rate, Spent, Standing};

/// So many locks, that workers rarely meet at one.
const SHARDS: usize = 16;

/// Accounts by holder.
#[derive(Debug)]
pub struct Accounts {
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Spent>>; SHARDS],
    most_in_shard: usize,
}

/// A holder, as far as it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder(u64);

impl Accounts {
    /// Remembers at most `most` holders. Of more, those are forgotten first who have spent least.
    pub fn new(most: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), shards, most_in_shard: most.div_ceil(SHARDS).max(1) }
    }

    /// The holder of these properties.
    pub fn holder(&self, properties: impl Hash) -> Holder {
        Holder(self.hasher.hash_one(properties))
    }

    /// Takes one of the holder's rate.
    ///
    /// # Errors
    /// [`Exhausted`] when there is none; nothing is taken.
    pub fn take(&self, holder: Holder, rate: Rate, now: Duration) -> Result<Standing, Exhausted> {
        self.take_many(1, holder, rate, now)
    }

    /// Takes so many of the holder's rate at once.
    ///
    /// # Errors
    /// [`Exhausted`] when there are fewer; nothing is taken.
    pub fn take_many(&self, count: u32, holder: Holder, rate: Rate, now: Duration) -> Result<Standing, Exhausted> {
        let mut accounts = self.shard(holder);
        if let Some(spent) = accounts.get_mut(&holder.0) {
            return rate.take_many(count, spent, now);
        }
        if accounts.len() >= self.most_in_shard {
            make_room(&mut accounts, now);
        }
        rate.take_many(count, accounts.entry(holder.0).or_default(), now)
    }

    /// Gives back one that the holder has taken.
    pub fn give_back(&self, holder: Holder, rate: Rate) {
        if let Some(spent) = self.shard(holder).get_mut(&holder.0) {
            rate.give_back(spent);
        }
    }

    /// Whether the holder could take one.
    ///
    /// # Errors
    /// [`Exhausted`] when there is none.
    pub fn check(&self, holder: Holder, rate: Rate, now: Duration) -> Result<(), Exhausted> {
        let spent = self.shard(holder).get(&holder.0).copied().unwrap_or_default();
        rate.check(spent, now)
    }

    fn shard(&self, holder: Holder) -> MutexGuard<'_, HashMap<u64, Spent>> {
        let [first, ..] = &self.shards;
        let index = usize::try_from(holder.0 & 0xF).unwrap_or_default();
        // The content is a map of numbers: what a panic leaves of it is as good as before.
        self.shards.get(index).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets who has nothing spent, which loses nothing; else who has spent least.
fn make_room(accounts: &mut HashMap<u64, Spent>, now: Duration) {
    let before = accounts.len();
    accounts.retain(|_, spent| !spent.is_nothing(now));
    if accounts.len() == before
        && let Some(least) = accounts.iter().min_by_key(|(_, spent)| **spent).map(|(holder, _)| *holder)
    {
        accounts.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::Accounts;
    use crate::auth::rate::Rate;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(5);

    fn remembered(accounts: &Accounts) -> usize {
        accounts.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn each_holder_has_an_account_of_its_own() {
        let (accounts, rate) = (Accounts::new(100), Rate::new(1, Duration::from_secs(60)));
        let [one, other] = [("acme", "a"), ("zenith", "a")].map(|holder| accounts.holder(holder));
        assert!(accounts.take(one, rate, NOW).is_ok() && accounts.take(one, rate, NOW).is_err());
        assert!(accounts.check(one, rate, NOW).is_err() && accounts.check(other, rate, NOW).is_ok());
        assert!(accounts.take(other, rate, NOW).is_ok());
    }

    #[test]
    fn however_many_come_no_more_are_remembered_and_the_one_who_spent_most_is_not_forgotten() {
        let (accounts, rate) = (Accounts::new(160), Rate::new(10, Duration::from_secs(60)));
        let spender = accounts.holder("spender");
        while accounts.take(spender, rate, NOW).is_ok() {}
        for number in 0..100_000 {
            assert!(accounts.take(accounts.holder(number), rate, NOW).is_ok());
        }
        assert!(remembered(&accounts) <= 160);
        assert!(accounts.check(spender, rate, NOW).is_err());
    }
}
