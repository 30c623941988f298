//! The failed-login limiter. Wrong secrets are counted for their source address and for the client. An address with too
//! many must wait. A client with too many is not locked, because guessing would then shut it out: only addresses that
//! failed for this client before must wait.

use std::net::IpAddr;
use std::time::Duration;

use super::keyed_rate_limiter::{KeyedRateLimiter, LimiterKey};
use super::rate::Rate;

/// The most keys that are stored; they take less than 1 MiB.
const MOST: usize = 16 * 1024;

/// Limits wrong secrets by address and by client.
#[derive(Debug)]
pub struct FailedLoginLimiter(KeyedRateLimiter);

/// An attempt of a client to authenticate, as the limiter counts it.
#[derive(Clone, Copy, Debug)]
pub struct LoginAttempt<'a> {
    /// The source address.
    pub peer: IpAddr,
    /// The client id, known or not.
    pub client_id: &'a str,
}

impl Default for FailedLoginLimiter {
    fn default() -> Self {
        Self(KeyedRateLimiter::new(MOST))
    }
}

impl FailedLoginLimiter {
    /// Checks that the secret of this attempt may be compared.
    ///
    /// # Errors
    /// Returns the time to wait. It does not depend on whether the client exists.
    pub fn check(&self, attempt: LoginAttempt<'_>, rate: Rate, now: Duration) -> Result<(), Duration> {
        let limiter = &self.0;
        limiter.check(self.peer(attempt), rate, now).map_err(|exhausted| exhausted.retry_after)?;
        if limiter.check(self.client(attempt), rate, now).is_ok() {
            return Ok(());
        }
        let once = Rate::new(1, rate.per());
        limiter.check(self.both(attempt), once, now).map_err(|exhausted| exhausted.retry_after)
    }

    /// Counts an attempt with a wrong secret.
    pub fn count(&self, attempt: LoginAttempt<'_>, rate: Rate, now: Duration) {
        let limiter = &self.0;
        // A limit that is exhausted stays so.
        let _counted = limiter.take(self.peer(attempt), rate, now);
        let _counted = limiter.take(self.client(attempt), rate, now);
        let _counted = limiter.take(self.both(attempt), Rate::new(1, rate.per()), now);
    }

    fn peer(&self, attempt: LoginAttempt<'_>) -> LimiterKey {
        self.0.key(("peer", attempt.peer))
    }

    fn client(&self, attempt: LoginAttempt<'_>) -> LimiterKey {
        self.0.key(("client", attempt.client_id))
    }

    fn both(&self, attempt: LoginAttempt<'_>) -> LimiterKey {
        self.0.key(("both", attempt.peer, attempt.client_id))
    }
}

#[cfg(test)]
mod tests {
    use super::{FailedLoginLimiter, LoginAttempt};
    use crate::auth::rate::Rate;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(7);
    const RATE: fn() -> Rate = || Rate::new(10, Duration::from_secs(60));

    fn attempt(peer: u8, client_id: &str) -> LoginAttempt<'_> {
        LoginAttempt { peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, peer)), client_id }
    }

    fn wrong(limiter: &FailedLoginLimiter, attempt: LoginAttempt<'_>, times: u32) {
        for _ in 0..times {
            limiter.count(attempt, RATE(), NOW);
        }
    }

    #[test]
    fn an_address_with_too_many_failures_waits_whatever_client_it_names() {
        let limiter = FailedLoginLimiter::default();
        for number in 0..10 {
            assert_eq!(limiter.check(attempt(1, "dashboard"), RATE(), NOW), Ok(()), "{number}");
            wrong(&limiter, attempt(1, &number.to_string()), 1);
        }
        for client in ["dashboard", "nobody"] {
            let wait = limiter.check(attempt(1, client), RATE(), NOW).unwrap_err();
            assert_eq!(wait, Duration::from_secs(6));
            assert_eq!(limiter.check(attempt(1, client), RATE(), NOW + wait), Ok(()));
        }
    }

    #[test]
    fn while_many_guess_at_a_client_another_address_is_still_let_try_until_it_is_wrong_once() {
        let limiter = FailedLoginLimiter::default();
        for peer in 0..30 {
            wrong(&limiter, attempt(peer, "dashboard"), 1);
        }
        assert_eq!(limiter.check(attempt(200, "dashboard"), RATE(), NOW), Ok(()));
        assert_eq!(limiter.check(attempt(1, "dashboard"), RATE(), NOW).unwrap_err(), Duration::from_secs(60));
        assert_eq!(limiter.check(attempt(1, "another"), RATE(), NOW), Ok(()));
        wrong(&limiter, attempt(200, "dashboard"), 1);
        assert!(limiter.check(attempt(200, "dashboard"), RATE(), NOW).is_err());
    }
}
