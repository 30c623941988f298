//! How far a gateway's clock is from ours.
//!
//! A refused timestamp is corrected with a candidate: the next attempt uses the gateway's time from the refusal, and
//! the offset is adopted only if the gateway accepts it and sends the same time again. Small drifts are learned from
//! the median of several whole responses. So neither a single response with a strange time nor a broken body moves the
//! clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The smallest difference that counts. A `Date` header has whole seconds, and a response takes a moment to arrive.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

/// The longest a response may take for its time to be used.
const LONGEST_ANSWER: SignedDuration = SignedDuration::from_secs(2);

/// The largest offset that a gateway can have without refusing our timestamps (vendors accept an hour at most). A
/// gateway that accepts our timestamps and still sends a time further off does not use that clock for its checks.
const LARGEST_UNREFUSED: SignedDuration = SignedDuration::from_mins(65);

/// How many readings are kept, and how many of them must agree.
const LOOKED_AT: usize = 5;
const AGREE: usize = 3;

/// The gateway's time in a whole response, and our time around it.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// The time in the response.
    pub gateway_time: Timestamp,
    /// Our time at its arrival.
    pub now: Timestamp,
    /// The time from sending to arrival. The gateway read its clock within it.
    pub took: SignedDuration,
}

impl ClockReading {
    /// How far the gateway's clock is ahead, assuming that it was read in the middle of the exchange.
    pub(super) fn offset(&self) -> SignedDuration {
        self.gateway_time.duration_since(self.now).saturating_add(self.took / 2)
    }

    /// The offset that explains why a timestamp made with the offset `used` was refused; `None` when the gateway's
    /// clock does not explain it.
    ///
    /// The reading is compared with the offset that was used, not with the current one: of many calls refused at once,
    /// the first corrects the offset, and the others must see that theirs were wrong too.
    pub fn explains(&self, used: SignedDuration) -> Option<SignedDuration> {
        let offset = self.offset();
        let unsure = RESOLUTION.saturating_add(self.took / 2);
        (offset.saturating_add(-used).abs() > unsure).then_some(offset)
    }
}

/// The offset of one gateway's clock, shared by all workers.
#[derive(Debug, Default)]
pub struct ClockOffset {
    milliseconds: AtomicI64,
    readings: Mutex<Readings>,
}

#[derive(Debug, Default)]
struct Readings {
    offsets: VecDeque<SignedDuration>,
    /// Whether the gateway accepted a timestamp that its own readings contradict.
    distrusted: bool,
}

impl ClockOffset {
    /// The offset to add to our time.
    pub fn current(&self) -> SignedDuration {
        SignedDuration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }

    /// Learns from a whole response to a call that was made with the current offset.
    pub fn observe(&self, reading: &ClockReading) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let (offset, current) = (reading.offset(), self.current());
        let far = offset.saturating_add(-current).abs();
        if readings.distrusted && far <= RESOLUTION {
            readings.distrusted = false;
        }
        // Any distance towards zero is believed: our clock may have been corrected, and a gateway may accept timestamps
        // that are ahead.
        let is_strange = far > LARGEST_UNREFUSED && offset.abs() > LARGEST_UNREFUSED;
        if readings.distrusted || reading.took > LONGEST_ANSWER || is_strange {
            return;
        }
        if readings.offsets.len() == LOOKED_AT {
            readings.offsets.pop_front();
        }
        readings.offsets.push_back(offset);
        if let Some(agreed) = agreed(&readings.offsets)
            && agreed.saturating_add(-current).abs() > RESOLUTION
        {
            self.set(agreed);
        }
    }

    /// Adopts an offset with which the gateway accepted a timestamp that it had refused without. `reading` comes from
    /// the response.
    pub fn confirm(&self, offset: SignedDuration, reading: Option<&ClockReading>) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.offsets.clear();
        let disagrees = |reading: &ClockReading| {
            reading.offset().saturating_add(-offset).abs() > RESOLUTION.saturating_add(reading.took)
        };
        readings.distrusted = reading.is_some_and(disagrees);
        // Without an offset our own clock is right, whatever time the gateway sends.
        if !readings.distrusted || offset.is_zero() {
            self.set(offset);
        }
    }

    /// Sets the offset; one below the resolution becomes zero, as after our clock has been corrected.
    fn set(&self, offset: SignedDuration) {
        let offset = if offset.abs() <= RESOLUTION { SignedDuration::ZERO } else { offset };
        let milliseconds = i64::try_from(offset.as_millis()).unwrap_or_default();
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

/// The median of the offsets, if enough of them are near it.
fn agreed(offsets: &VecDeque<SignedDuration>) -> Option<SignedDuration> {
    let mut sorted: Vec<SignedDuration> = offsets.iter().copied().collect();
    sorted.sort_unstable();
    let middle = *sorted.get(sorted.len() / 2)?;
    let near = sorted.iter().filter(|offset| offset.saturating_add(-middle).abs() <= RESOLUTION).count();
    (near >= AGREE).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::{ClockOffset, ClockReading};
    use jiff::{SignedDuration, Timestamp};

    const OURS: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    fn reading(ahead: i64) -> ClockReading {
        ClockReading { gateway_time: OURS + seconds(ahead), now: OURS, took: SignedDuration::ZERO }
    }

    fn offset_after(readings: &[i64]) -> i64 {
        let offset = ClockOffset::default();
        readings.iter().for_each(|ahead| offset.observe(&reading(*ahead)));
        offset.current().as_secs()
    }

    #[test]
    fn a_drift_is_learned_from_three_answers_that_agree() {
        assert_eq!(offset_after(&[300, 300]), 0);
        assert_eq!(offset_after(&[300, 301, 300]), 300);
        assert_eq!(offset_after(&[300, 301, 300, 0, 0, 0]), 0, "and it goes back");
        assert_eq!(offset_after(&[1, 1, 1, 1, 1]), 0, "too little to tell");
    }

    #[test]
    fn strange_times_move_nothing() {
        assert_eq!(offset_after(&[0, 0, 3_000, 0, 0, -2_000, 0]), 0);
        assert_eq!(offset_after(&[300, 600, 900, 1_200, 1_500]), 0, "no three agree");
        assert_eq!(offset_after(&[8 * 3_600; 9]), 0, "a local time sent as if it were UTC");
        assert_eq!(offset_after(&[-1_700_000_000; 9]), 0, "a time of zero");
        let offset = ClockOffset::default();
        let slow = ClockReading { took: seconds(3), ..reading(300) };
        (0..9).for_each(|_| offset.observe(&slow));
        assert_eq!(offset.current(), seconds(0), "an answer that took long");
    }

    #[test]
    fn a_refused_timestamp_is_explained_by_the_gateways_clock_or_not() {
        let explains = |ahead: i64, used: i64| reading(ahead).explains(seconds(used));
        assert_eq!(explains(7_200, 0), Some(seconds(7_200)));
        assert_eq!(explains(-7_200, 0), Some(seconds(-7_200)));
        assert_eq!(explains(2, 0), None);
        let slow = ClockReading { took: seconds(4), ..reading(2) };
        assert_eq!(slow.explains(seconds(0)), None, "it may have read its clock at the end");
        assert_eq!(explains(7_200, 7_200), None, "the time was right already");
        assert_eq!(explains(0, 7_200), Some(seconds(0)), "our clock has been corrected");
    }

    #[test]
    fn an_offset_is_adopted_when_the_gateway_accepts_it_and_sends_the_same_time_again() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(7_200)));
        assert_eq!(offset.current(), seconds(7_200));
        offset.observe(&reading(7_200));
        offset.confirm(seconds(0), Some(&reading(0)));
        assert_eq!(offset.current(), seconds(0), "our clock has been corrected");
    }

    #[test]
    fn an_offset_goes_back_to_zero_although_nothing_was_refused() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(7_200)));
        (0..3).for_each(|_| offset.observe(&reading(0)));
        assert_eq!(offset.current(), seconds(0));
    }

    #[test]
    fn an_offset_from_one_strange_answer_is_not_adopted() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(0)));
        assert_eq!(offset.current(), seconds(0));
    }

    #[test]
    fn a_gateway_that_accepts_our_time_and_sends_another_is_not_learned_from() {
        let offset = ClockOffset::default();
        (0..3).for_each(|_| offset.observe(&reading(1_800)));
        assert_eq!(offset.current(), seconds(1_800));
        offset.confirm(seconds(0), Some(&reading(1_800)));
        (0..9).for_each(|_| offset.observe(&reading(1_800)));
        assert_eq!(offset.current(), seconds(0));
        offset.observe(&reading(0));
        (0..3).for_each(|_| offset.observe(&reading(300)));
        assert_eq!(offset.current(), seconds(300), "once its time was right, it is learned from again");
    }
}
