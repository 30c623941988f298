//! How much a client may ask: each request costs one, and one that asks for several things at once as many as those; counted after its token is verified and before the cache is asked, for the client
//! that the token names at its issuer and tenant, over all workers, and over all replicas that share a Redis. While that is
//! not to be had, each replica counts for itself, and knows what it has let pass before.

pub mod headers;

use std::str::FromStr;
use std::time::Duration;

use super::accounts::{self, Accounts};
use super::rate::{Exhausted, Rate, Standing};
use super::verify::VerifiedToken;
use crate::replicas::quota::{Allowance, Holder, SharedQuotas, Taken};

/// The most clients that are counted at the same time. Clients of other issuers are not known beforehand.
const MOST: usize = 64 * 1024;

/// What a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// As much as it likes.
    Unlimited,
    /// So much.
    Limited(Rate),
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::Unlimited);
        }
        text.parse().map(Self::Limited).map_err(|error| format!("{error}; or none"))
    }
}

/// What the clients have spent.
#[derive(Debug)]
pub struct Quotas {
    own: Accounts,
    shared: Option<SharedQuotas>,
}

/// What came of counting a request.
pub type Count = Result<Standing, Exhausted>;

impl Default for Quotas {
    fn default() -> Self {
        Self::sharing(None)
    }
}

impl Quotas {
    /// Counted together with other replicas, if there are any.
    pub fn sharing(shared: Option<SharedQuotas>) -> Self {
        Self { own: Accounts::new(MOST), shared }
    }

    /// Counts a request of the token's client that costs one, if that can be done without asking Redis.
    pub fn take_now(&self, token: &VerifiedToken, rate: Rate, now: Duration) -> Option<Count> {
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.is_up()) else {
            return Some(self.take_own(token, rate, 1, now));
        };
        let taken = shared.take_held(holder(token), allowance(rate))?;
        Some(self.counted(token, rate, 1, now, taken))
    }

    /// Counts a request of the token's client that costs so much: all of it, or nothing.
    pub async fn take(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration) -> Count {
        let Some(shared) = &self.shared else { return self.take_own(token, rate, cost, now) };
        match shared.take(holder(token), allowance(rate), cost).await {
            Some(taken) => self.counted(token, rate, cost, now, taken),
            None => self.take_own(token, rate, cost, now),
        }
    }

    /// Gives back the one that a request was counted with, before it is counted with what it costs.
    pub fn give_back(&self, token: &VerifiedToken, rate: Rate) {
        if let Some(shared) = &self.shared {
            shared.put_back(holder(token));
        }
        self.own.give_back(self.own_holder(token), rate);
    }

    fn own_holder(&self, token: &VerifiedToken) -> accounts::Holder {
        self.own.holder((&token.claims().iss, token.tenant(), token.client_id()))
    }

    fn take_own(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration) -> Count {
        self.own.take_many(cost, self.own_holder(token), rate, now)
    }

    fn counted(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration, taken: Taken) -> Count {
        // What replicas have spent together decides; our own count is for when they cannot be asked.
        let _own = self.take_own(token, rate, cost, now);
        match taken {
            Taken::All { owed } => Ok(rate.standing(owed)),
            Taken::None { owed } => Err(rate.exhausted(cost, owed)),
        }
    }
}

fn holder(token: &VerifiedToken) -> Holder {
    Holder::of([&token.claims().iss, token.tenant(), token.client_id()])
}

const fn allowance(rate: Rate) -> Allowance {
    Allowance { count: rate.count(), per: rate.per() }
}

#[cfg(test)]
mod tests {
    use super::Quota;

    #[test]
    fn a_quota_is_a_rate_or_none() {
        assert_eq!("none".parse(), Ok(Quota::Unlimited));
        assert!(matches!("600/1m".parse(), Ok(Quota::Limited(rate)) if rate.count() == 600));
        assert!("much".parse::<Quota>().is_err_and(|error| error.contains("600/1m") && error.ends_with("or none")));
    }
}
