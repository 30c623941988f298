//! How many requests a client may send: counted after its token is verified and before the cache is asked, for the client
//! that the token names at its issuer and tenant, over all workers.
//!
//! [`Quotas::take`] is the only place that counts: a count that several processes share belongs behind it.

pub mod headers;

use std::str::FromStr;
use std::time::Duration;

use super::accounts::Accounts;
use super::rate::{Exhausted, Rate, Standing};
use super::verify::VerifiedToken;

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
pub struct Quotas(Accounts);

impl Default for Quotas {
    fn default() -> Self {
        Self(Accounts::new(MOST))
    }
}

impl Quotas {
    /// Counts a request of the token's client.
    ///
    /// # Errors
    /// [`Exhausted`] when its quota is spent.
    pub fn take(&self, token: &VerifiedToken, rate: Rate, now: Duration) -> Result<Standing, Exhausted> {
        let holder = self.0.holder((&token.claims().iss, token.tenant(), token.client_id()));
        self.0.take(holder, rate, now)
    }
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
