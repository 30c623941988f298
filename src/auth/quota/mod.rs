//! Clients' quotas. Each request costs one, and a request for several things costs as many. It is counted after the
//! token is verified and before the cache lookup. The counted client is the one that the token names at its issuer and
//! tenant, over all workers and all replicas that share a Redis. While Redis is unavailable, each replica counts for
//! itself, and includes what it has let pass before.

pub mod headers;

use std::str::FromStr;
use std::time::Duration;

use super::keyed_rate_limiter::{KeyedRateLimiter, LimiterKey};
use super::rate::{Exhausted, Rate, RateLimitStatus};
use super::verify::VerifiedToken;
use crate::replicas::quota::{Allowance, QuotaKey, QuotaStatus, SharedQuotas};

/// The most clients that are counted at the same time. Clients of other issuers are not known in advance.
const MOST: usize = 64 * 1024;

/// How many requests a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Any number of requests.
    Unlimited,
    /// At most this rate.
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

/// What clients have consumed of their quotas.
#[derive(Debug)]
pub struct Quotas {
    own: KeyedRateLimiter,
    shared: Option<SharedQuotas>,
}

/// The outcome of counting a request.
pub type Count = Result<RateLimitStatus, Exhausted>;

impl Default for Quotas {
    fn default() -> Self {
        Self::sharing(None)
    }
}

impl Quotas {
    /// Creates the quotas, counted together with other replicas if there are any.
    pub fn sharing(shared: Option<SharedQuotas>) -> Self {
        Self { own: KeyedRateLimiter::new(MOST), shared }
    }

    /// Counts a request of the token's client with a cost of one. Returns `None` if Redis must be asked.
    pub fn take_now(&self, token: &VerifiedToken, rate: Rate, now: Duration) -> Option<Count> {
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.is_up()) else {
            return Some(self.take_own(token, rate, 1, now));
        };
        let taken = shared.take_held(holder(token), allowance(rate))?;
        Some(self.counted(token, rate, 1, now, taken))
    }

    /// Counts a request of the token's client with this cost: all of it, or nothing.
    pub async fn take(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration) -> Count {
        let Some(shared) = &self.shared else { return self.take_own(token, rate, cost, now) };
        match shared.take(holder(token), allowance(rate), cost).await {
            Some(taken) => self.counted(token, rate, cost, now, taken),
            None => self.take_own(token, rate, cost, now),
        }
    }

    /// Returns the one that a request was counted with, before the request is counted with its real cost.
    pub fn give_back(&self, token: &VerifiedToken, rate: Rate) {
        if let Some(shared) = &self.shared {
            shared.put_back(holder(token));
        }
        self.own.give_back(self.own_key(token), rate);
    }

    fn own_key(&self, token: &VerifiedToken) -> LimiterKey {
        self.own.key((&token.claims().iss, token.tenant(), token.client_id()))
    }

    fn take_own(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration) -> Count {
        self.own.take_many(cost, self.own_key(token), rate, now)
    }

    fn counted(&self, token: &VerifiedToken, rate: Rate, cost: u32, now: Duration, taken: QuotaStatus) -> Count {
        // The shared count decides. The local count is for times when Redis is unavailable.
        let _own = self.take_own(token, rate, cost, now);
        match taken {
            QuotaStatus::All { owed } => Ok(rate.status(owed)),
            QuotaStatus::None { owed } => Err(rate.exhausted(cost, owed)),
        }
    }
}

fn holder(token: &VerifiedToken) -> QuotaKey {
    QuotaKey::of([&token.claims().iss, token.tenant(), token.client_id()])
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
