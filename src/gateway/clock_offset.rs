//! How far a gateway's clock is from ours.
//!
//! A refused timestamp is corrected with a candidate: the gateway's time in the refusal is used for the next attempt, and kept only if
//! the gateway takes it and tells the same time again. Small drifts are learned from the middle of several whole
//! answers. So neither one answer with a strange time nor a broken body moves the clock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A `Date` header counts whole seconds, and an answer takes a moment to arrive: a smaller difference says nothing.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

/// The time in an answer that took longer than this says too little.
const LONGEST_ANSWER: SignedDuration = SignedDuration::from_secs(2);

/// An offset larger than this would have been refused (vendors take an hour at the most): a gateway that takes our timestamps and
/// still tells such a time does not mean its clock by it.
const LARGEST_UNREFUSED: SignedDuration = SignedDuration::from_mins(65);

/// How many answers are looked at, and how many of them must agree.
const LOOKED_AT: usize = 5;
const AGREE: usize = 3;

/// The gateway's time in a whole answer, and ours around it.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// What the answer says.
    pub gateway_time: Timestamp,
    /// When it had arrived.
    pub now: Timestamp,
    /// From sending to arrival: the gateway read its clock somewhere within.
    pub took: SignedDuration,
}

impl ClockReading {
    /// How far the gateway's clock is ahead, taking the middle of the exchange for the moment at which it was read.
    pub(super) fn offset(&self) -> SignedDuration {
        self.gateway_time.duration_since(self.now).saturating_add(self.took / 2)
    }

    /// The offset that explains why a timestamp made with the offset `used` was refused; `None` when the gateway's clock
    /// does not explain it.
    ///
    /// What was used is compared, not the offset as it is now: of many calls refused at once, the first corrects the
    /// offset, and the others must see that theirs were wrong too.
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
    /// The gateway took a timestamp by which its own answers would be off.
    distrusted: bool,
}

impl ClockOffset {
    /// The offset to add to our time.
    pub fn current(&self) -> SignedDuration {
        SignedDuration::from_millis(self.milliseconds.load(Ordering::Relaxed))
    }

    /// Learns from a whole answer to a call that was made with the offset as it is.
    pub fn observe(&self, reading: &ClockReading) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        let (offset, current) = (reading.offset(), self.current());
        let far = offset.saturating_add(-current).abs();
        if readings.distrusted && far <= RESOLUTION {
            readings.distrusted = false;
        }
        // Towards zero any distance is believed: our clock may have been mended, and a gateway may take what is ahead.
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

    /// Keeps an offset with which the gateway took a timestamp that it had refused without. `reading` is of the answer.
    pub fn confirm(&self, offset: SignedDuration, reading: Option<&ClockReading>) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.offsets.clear();
        let disagrees = |reading: &ClockReading| {
            reading.offset().saturating_add(-offset).abs() > RESOLUTION.saturating_add(reading.took)
        };
        readings.distrusted = reading.is_some_and(disagrees);
        // Without an offset our own clock is right, whatever the gateway says about its own.
        if !readings.distrusted || offset.is_zero() {
            self.set(offset);
        }
    }

    /// A difference too small to tell is none: an offset goes back to zero when our clock has been mended.
    fn set(&self, offset: SignedDuration) {
        let offset = if offset.abs() <= RESOLUTION { SignedDuration::ZERO } else { offset };
        let milliseconds = i64::try_from(offset.as_millis()).unwrap_or_default();
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}

/// The middle of the offsets, if enough of them are near it.
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
        assert_eq!(explains(0, 7_200), Some(seconds(0)), "our clock has been mended");
    }

    #[test]
    fn an_offset_is_kept_when_the_gateway_takes_it_and_tells_the_same_time_again() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(7_200)));
        assert_eq!(offset.current(), seconds(7_200));
        offset.observe(&reading(7_200));
        offset.confirm(seconds(0), Some(&reading(0)));
        assert_eq!(offset.current(), seconds(0), "our clock has been mended");
    }

    #[test]
    fn an_offset_goes_back_to_zero_although_nothing_was_refused() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(7_200)));
        (0..3).for_each(|_| offset.observe(&reading(0)));
        assert_eq!(offset.current(), seconds(0));
    }

    #[test]
    fn an_offset_by_one_strange_answer_is_not_kept() {
        let offset = ClockOffset::default();
        offset.confirm(seconds(7_200), Some(&reading(0)));
        assert_eq!(offset.current(), seconds(0));
    }

    #[test]
    fn a_gateway_that_takes_our_time_and_tells_another_is_not_learned_from() {
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
