//! How often somebody may be wrong about a client's secret. Wrong secrets are counted for the address they come from and
//! for the client they are about. An address that was wrong too often has to wait. A client at which too many guess is
//! not locked, or guessing would be a way to shut it out: only addresses that were wrong about it before have to wait.

use std::net::IpAddr;
use std::time::Duration;

use super::accounts::{Accounts, Holder};
use super::rate::Rate;

/// The most holders that are remembered: less than 1 MiB.
const MOST: usize = 16 * 1024;

/// Wrong secrets, counted.
#[derive(Debug)]
pub struct Guesses(Accounts);

/// Somebody who shows a secret.
#[derive(Clone, Copy, Debug)]
pub struct Guesser<'a> {
    /// Where it comes from.
    pub peer: IpAddr,
    /// Which client it is about, known or not.
    pub client_id: &'a str,
}

impl Default for Guesses {
    fn default() -> Self {
        Self(Accounts::new(MOST))
    }
}

impl Guesses {
    /// Whether the secret may be looked at.
    ///
    /// # Errors
    /// How long to wait. It does not depend on whether the client exists.
    pub fn check(&self, guesser: Guesser<'_>, rate: Rate, now: Duration) -> Result<(), Duration> {
        let accounts = &self.0;
        accounts.check(self.peer(guesser), rate, now).map_err(|exhausted| exhausted.retry_after)?;
        if accounts.check(self.client(guesser), rate, now).is_ok() {
            return Ok(());
        }
        let once = Rate::new(1, rate.per());
        accounts.check(self.both(guesser), once, now).map_err(|exhausted| exhausted.retry_after)
    }

    /// The secret was wrong.
    pub fn count(&self, guesser: Guesser<'_>, rate: Rate, now: Duration) {
        let accounts = &self.0;
        // Whoever is exhausted already stays so.
        let _counted = accounts.take(self.peer(guesser), rate, now);
        let _counted = accounts.take(self.client(guesser), rate, now);
        let _counted = accounts.take(self.both(guesser), Rate::new(1, rate.per()), now);
    }

    fn peer(&self, guesser: Guesser<'_>) -> Holder {
        self.0.holder(("peer", guesser.peer))
    }

    fn client(&self, guesser: Guesser<'_>) -> Holder {
        self.0.holder(("client", guesser.client_id))
    }

    fn both(&self, guesser: Guesser<'_>) -> Holder {
        self.0.holder(("both", guesser.peer, guesser.client_id))
    }
}

#[cfg(test)]
mod tests {
    use super::{Guesser, Guesses};
    use crate::auth::rate::Rate;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(7);
    const RATE: fn() -> Rate = || Rate::new(10, Duration::from_secs(60));

    fn guesser(peer: u8, client_id: &str) -> Guesser<'_> {
        Guesser { peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, peer)), client_id }
    }

    fn wrong(guesses: &Guesses, guesser: Guesser<'_>, times: u32) {
        for _ in 0..times {
            guesses.count(guesser, RATE(), NOW);
        }
    }

    #[test]
    fn an_address_that_was_wrong_too_often_waits_whatever_client_it_asks_about() {
        let guesses = Guesses::default();
        for number in 0..10 {
            assert_eq!(guesses.check(guesser(1, "dashboard"), RATE(), NOW), Ok(()), "{number}");
            wrong(&guesses, guesser(1, &number.to_string()), 1);
        }
        for client in ["dashboard", "nobody"] {
            let wait = guesses.check(guesser(1, client), RATE(), NOW).unwrap_err();
            assert_eq!(wait, Duration::from_secs(6));
            assert_eq!(guesses.check(guesser(1, client), RATE(), NOW + wait), Ok(()));
        }
    }

    #[test]
    fn while_many_guess_at_a_client_another_address_is_still_heard_until_it_is_wrong_once() {
        let guesses = Guesses::default();
        for peer in 0..30 {
            wrong(&guesses, guesser(peer, "dashboard"), 1);
        }
        assert_eq!(guesses.check(guesser(200, "dashboard"), RATE(), NOW), Ok(()));
        assert_eq!(guesses.check(guesser(1, "dashboard"), RATE(), NOW).unwrap_err(), Duration::from_secs(60));
        assert_eq!(guesses.check(guesser(1, "another"), RATE(), NOW), Ok(()));
        wrong(&guesses, guesser(200, "dashboard"), 1);
        assert!(guesses.check(guesser(200, "dashboard"), RATE(), NOW).is_err());
    }
}
