//! How far a gateway's clock is from ours, learned when it refuses a timestamp.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A difference smaller than this is not why a timestamp was refused.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// The offset of one gateway's clock, shared by all workers.
#[derive(Debug, Default)]
pub struct ClockOffset {
    milliseconds: AtomicI64,
}

impl ClockOffset {
    /// The gateway's time when ours is `now`.
    pub fn gateway_time(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.current()).unwrap_or(now)
    }

    /// The offset to add to our time.
    pub fn current(&self) -> SignedDuration {
        SignedDuration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }

    /// Takes over the gateway's clock after it refused a timestamp; false when its clock does not explain the refusal.
    pub fn correct(&self, now: Timestamp, gateway_time: Timestamp) -> bool {
        let error = gateway_time.duration_since(self.gateway_time(now));
        if error.abs() <= TOLERANCE {
            return false;
        }
        let offset = gateway_time.duration_since(now).as_millis();
        self.milliseconds.store(i64::try_from(offset).unwrap_or_default(), Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::ClockOffset;
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn a_refused_timestamp_teaches_the_offset_and_a_small_difference_does_not() {
        let offset = ClockOffset::default();
        let ours = Timestamp::from_second(1_700_000_000).unwrap();
        let theirs = ours + SignedDuration::from_hours(2);
        assert!(offset.correct(ours, theirs));
        assert_eq!(offset.gateway_time(ours), theirs);
        assert!(!offset.correct(ours, theirs + SignedDuration::from_secs(5)));
        assert!(offset.correct(theirs, theirs));
        assert_eq!(offset.current(), SignedDuration::ZERO);
    }
}
