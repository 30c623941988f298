//! How far a gateway's clock is from ours, learned when it refuses a timestamp.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A `Date` header counts whole seconds, and an answer takes a moment to arrive: a smaller difference says nothing.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

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

    /// Takes over the gateway's clock after it refused the timestamp `refused`; false when its clock does not explain
    /// the refusal. The refused timestamp is what is compared, not the offset as it is now: of many calls refused at
    /// once, the first corrects the offset, and the others must see that theirs were wrong too.
    ///
    /// `took` is the time from sending to the answer: the gateway read its clock somewhere within.
    pub fn correct(&self, refused: Timestamp, gateway_time: Timestamp, now: Timestamp, took: SignedDuration) -> bool {
        let difference = gateway_time.duration_since(refused);
        if difference >= -RESOLUTION && difference <= took.saturating_add(RESOLUTION) {
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
    fn every_call_that_was_refused_with_a_wrong_time_is_worth_another() {
        let offset = ClockOffset::default();
        let ours = Timestamp::from_second(1_700_000_000).unwrap();
        let theirs = ours + SignedDuration::from_hours(2);
        assert!(offset.correct(ours, theirs, ours, SignedDuration::ZERO));
        assert!(offset.correct(ours, theirs, ours, SignedDuration::ZERO));
        assert_eq!(offset.gateway_time(ours), theirs);
    }

    #[test]
    fn a_timestamp_that_was_right_was_not_refused_for_its_time() {
        let offset = ClockOffset::default();
        let ours = Timestamp::from_second(1_700_000_000).unwrap();
        let correct = |later: i64, took: i64| {
            let theirs = ours + SignedDuration::from_secs(later);
            offset.correct(ours, theirs, ours, SignedDuration::from_secs(took))
        };
        assert!(!correct(2, 0) && !correct(5, 4));
        assert!(correct(3, 0) && correct(-3, 4));
    }
}
