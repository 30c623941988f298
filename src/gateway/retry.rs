//! The retry policy: whether a failed attempt is followed by another, and after which pause. It follows the table of
//! `reactions.rs`. The caller checks whether something can be corrected and whether the budget allows the retry.

use std::time::Duration;

use super::error::Kind;
use super::reactions::RetryPolicy;
use super::retry_budget::RetryBudget;

/// The longest first pause. The pause is random, from zero up to this, which doubles with each attempt: callers that
/// failed together do not return together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The most corrections of one call: a wrong clock and a timestamp in the wrong form, one after the other.
const MOST_CORRECTIONS: u32 = 2;

/// Counts the attempts of one call.
#[derive(Debug, Default)]
pub struct Attempts {
    paused: u32,
    restamped: u32,
    corrections: u32,
    blind: u32,
    logged_in: bool,
    reconnected: bool,
    begun: u32,
}

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Return the failure to the caller.
    GiveUp,
    /// Sign and send again, if the budget allows it, after a random pause up to this.
    AgainWithin(Duration),
    /// Sign and send again with a corrected timestamp, if there is something to correct.
    Corrected {
        /// Whether to try once more although nothing can be corrected, if the budget allows it: one of a gateway's
        /// several servers may have a wrong clock.
        else_blind: bool,
    },
    /// Sign and send again with a new login.
    LoggedIn,
    /// Sign and send again at once on a new connection, whatever the budget.
    Reconnected,
}

impl Attempts {
    /// Counts an attempt. The first one of a call adds to the budget.
    pub fn begin(&mut self, budget: &RetryBudget) {
        self.begun += 1;
        if self.begun == 1 {
            budget.earn();
        }
    }

    /// The number of the attempt under way, from 1.
    pub const fn number(&self) -> u32 {
        self.begun
    }

    /// Decides what follows a failure of this kind.
    pub fn after(&mut self, kind: Kind) -> RetryDecision {
        match kind.reaction().again {
            RetryPolicy::No => RetryDecision::GiveUp,
            RetryPolicy::AfterPause(most) => {
                let longest = FIRST_PAUSE * 2_u32.pow(self.paused.min(6));
                counted(&mut self.paused, most, RetryDecision::AgainWithin(longest))
            }
            RetryPolicy::WithNewStamp(most) => {
                counted(&mut self.restamped, most, RetryDecision::AgainWithin(Duration::ZERO))
            }
            RetryPolicy::WithOtherTimestamp => {
                self.blind += 1;
                counted(
                    &mut self.corrections,
                    MOST_CORRECTIONS,
                    RetryDecision::Corrected { else_blind: self.blind == 1 },
                )
            }
            RetryPolicy::OnNewConnection if self.reconnected => RetryDecision::GiveUp,
            RetryPolicy::OnNewConnection => {
                self.reconnected = true;
                RetryDecision::Reconnected
            }
            RetryPolicy::WithNewLogin if self.logged_in => RetryDecision::GiveUp,
            RetryPolicy::WithNewLogin => {
                self.logged_in = true;
                RetryDecision::LoggedIn
            }
        }
    }
}

fn counted(used: &mut u32, most: u32, next: RetryDecision) -> RetryDecision {
    if *used >= most {
        return RetryDecision::GiveUp;
    }
    *used += 1;
    next
}

/// A random pause of nothing up to `longest` (full jitter).
pub fn jittered(longest: Duration) -> Duration {
    let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(fastrand::u64(0..=micros))
}

#[cfg(test)]
mod tests {
    use super::{Attempts, RetryDecision, jittered};
    use crate::gateway::error::Kind;
    use std::time::Duration;

    const AT_ONCE: RetryDecision = RetryDecision::AgainWithin(Duration::ZERO);

    #[test]
    fn a_refused_key_is_not_tried_again() {
        assert_eq!(Attempts::default().after(Kind::CredentialsRefused), RetryDecision::GiveUp);
    }

    #[test]
    fn a_repeat_is_signed_again_twice_at_most_without_a_pause() {
        let mut attempts = Attempts::default();
        let next = [(); 3].map(|()| attempts.after(Kind::Repeated));
        assert_eq!(next, [AT_ONCE, AT_ONCE, RetryDecision::GiveUp]);
    }

    #[test]
    fn a_timestamp_is_corrected_in_its_clock_and_in_its_form() {
        let mut attempts = Attempts::default();
        let next = [(); 3].map(|()| attempts.after(Kind::TimestampRefused));
        assert_eq!(
            next,
            [
                RetryDecision::Corrected { else_blind: true },
                RetryDecision::Corrected { else_blind: false },
                RetryDecision::GiveUp
            ]
        );
    }

    #[test]
    fn a_lost_login_is_renewed_once() {
        let mut attempts = Attempts::default();
        assert_eq!(
            [(); 2].map(|()| attempts.after(Kind::LoginExpired)),
            [RetryDecision::LoggedIn, RetryDecision::GiveUp]
        );
    }

    #[test]
    fn a_connection_that_had_ended_is_replaced_once_besides_all_other_retries() {
        let mut attempts = Attempts::default();
        let next = [(); 2].map(|()| attempts.after(Kind::StaleConnection));
        assert_eq!(next, [RetryDecision::Reconnected, RetryDecision::GiveUp]);
        assert_eq!(attempts.after(Kind::Disconnected), RetryDecision::AgainWithin(Duration::from_millis(100)));
    }

    #[test]
    fn pauses_double_and_are_chosen_at_random_below_that() {
        let mut attempts = Attempts::default();
        let next = [(); 3].map(|()| attempts.after(Kind::Unreachable));
        let within = |milliseconds| RetryDecision::AgainWithin(Duration::from_millis(milliseconds));
        assert_eq!(next, [within(100), within(200), RetryDecision::GiveUp]);
        let longest = Duration::from_millis(200);
        let pauses: Vec<Duration> = (0..1_000).map(|_| jittered(longest)).collect();
        assert!(pauses.iter().all(|pause| *pause <= longest));
        assert!(
            pauses.iter().any(|pause| *pause < longest / 10) && pauses.iter().any(|pause| *pause > longest * 9 / 10)
        );
        assert_eq!(jittered(Duration::ZERO), Duration::ZERO);
    }
}
