//! Whether a failed attempt is followed by another, and after which pause. Obeys [`Kind::reaction`].

use std::time::Duration;

use super::error::{Again, Kind};

/// The first pause; it doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Counts the attempts of one call.
#[derive(Debug, Default)]
pub struct Attempts {
    paused: u32,
    restamped: u32,
    mended: u32,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Tell the caller.
    GiveUp,
    /// Sign anew and send again after this pause.
    Again(Duration),
    /// The same at once, with the timestamp mended as far as it can be.
    AfterMending,
    /// The same, but only if there is something left to mend.
    IfMended,
}

impl Attempts {
    /// Decides what follows a failure of this kind.
    pub fn after(&mut self, kind: Kind) -> Next {
        match kind.reaction().again {
            Again::No => Next::GiveUp,
            Again::AfterPause(most) => {
                let pause = FIRST_PAUSE * 2_u32.pow(self.paused.min(6));
                count(&mut self.paused, most, pause)
            }
            Again::WithNewStamp(most) => count(&mut self.restamped, most, Duration::ZERO),
            Again::WithOtherTimestamp => {
                self.mended += 1;
                match self.mended {
                    1 => Next::AfterMending,
                    // The clock and the form of the timestamp can both be wrong.
                    2 => Next::IfMended,
                    _ => Next::GiveUp,
                }
            }
        }
    }
}

fn count(used: &mut u32, most: u32, pause: Duration) -> Next {
    if *used >= most {
        return Next::GiveUp;
    }
    *used += 1;
    Next::Again(pause)
}

#[cfg(test)]
mod tests {
    use super::{Attempts, Next};
    use crate::gateway::error::Kind;
    use std::time::Duration;

    #[test]
    fn a_refused_key_is_not_tried_again() {
        assert_eq!(Attempts::default().after(Kind::CredentialsRefused), Next::GiveUp);
    }

    #[test]
    fn a_repeat_is_signed_anew_twice_at_most_without_a_pause() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Kind::Repeated), Next::Again(Duration::ZERO));
        assert_eq!(attempts.after(Kind::Repeated), Next::Again(Duration::ZERO));
        assert_eq!(attempts.after(Kind::Repeated), Next::GiveUp);
    }

    #[test]
    fn a_timestamp_is_mended_in_its_clock_and_in_its_form() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Kind::TimestampRefused), Next::AfterMending);
        assert_eq!(attempts.after(Kind::TimestampRefused), Next::IfMended);
        assert_eq!(attempts.after(Kind::TimestampRefused), Next::GiveUp);
    }

    #[test]
    fn a_gateway_failure_is_tried_again_after_a_pause() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Kind::GatewayFailed), Next::Again(Duration::from_millis(50)));
        assert_eq!(attempts.after(Kind::GatewayFailed), Next::GiveUp);
    }
}
