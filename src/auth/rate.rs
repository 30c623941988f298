//! Rates such as `600/1m`, counted with the generic cell rate algorithm (ITU-T I.371). What is consumed is refilled
//! continuously, so nobody gains by waiting for a new window, and one number per key is all that is stored.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::settings::parse_duration;

const MOST: u32 = 10_000_000;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const GRAMMAR: &str = "write how many in which time, such as 600/1m: 1 to 10000000 in 1s to 24h, in whole seconds";

/// A rate: a number per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per: Duration,
}

/// What is consumed of a rate, stored as the time by [`crate::clock::Clock::elapsed`] at which all of it will be
/// refilled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumed(Duration);

impl Consumed {
    /// Whether nothing is consumed, so that the value need not be stored.
    pub fn is_nothing(self, now: Duration) -> bool {
        self.0 <= now
    }
}

/// The status of a rate limit after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// The rate.
    pub rate: Rate,
    /// The number that is left.
    pub left: u32,
    /// The time until one more is available.
    pub more_in: Duration,
}

/// A refusal: fewer are left than requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The number that is left.
    pub left: u32,
    /// The time until the requested number is available.
    pub retry_after: Duration,
}

impl Rate {
    /// Creates a rate of `count` per `per`. The count is at least one, and the period is never zero.
    pub fn new(count: u32, per: Duration) -> Self {
        Self { count: count.max(1), per: per.max(Duration::from_nanos(1)) }
    }

    /// Returns the number per [`Rate::per`].
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Returns the period of [`Rate::count`].
    pub const fn per(self) -> Duration {
        self.per
    }

    /// Takes one.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if none is left; nothing is taken.
    pub fn take(self, consumed: &mut Consumed, now: Duration) -> Result<RateLimitStatus, Exhausted> {
        self.take_many(1, consumed, now)
    }

    /// Takes `count` at once.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if fewer are left; nothing is taken.
    pub fn take_many(self, count: u32, consumed: &mut Consumed, now: Duration) -> Result<RateLimitStatus, Exhausted> {
        let restored_in = self.after_more(count, *consumed, now)?;
        *consumed = Consumed(now.saturating_add(restored_in));
        Ok(self.status(restored_in))
    }

    /// Returns one that was taken.
    pub fn give_back(self, consumed: &mut Consumed) {
        *consumed = Consumed(consumed.0.saturating_sub(self.interval()));
    }

    /// Returns the status if all that is consumed is refilled within `restored_in`.
    pub fn status(self, restored_in: Duration) -> RateLimitStatus {
        let (free, interval) = (self.per.saturating_sub(restored_in).as_nanos(), self.interval().as_nanos().max(1));
        let left = u32::try_from(free / interval).unwrap_or(self.count).min(self.count);
        let more_in = u64::try_from(interval - free % interval).map_or(self.per, Duration::from_nanos);
        RateLimitStatus { rate: self, left, more_in }
    }

    /// Returns the refusal of `count` if all that is consumed is refilled within `restored_in`.
    pub fn exhausted(self, count: u32, restored_in: Duration) -> Exhausted {
        let retry_after = restored_in.saturating_add(self.interval().saturating_mul(count)).saturating_sub(self.per);
        Exhausted { left: self.status(restored_in).left, retry_after: retry_after.max(Duration::from_millis(1)) }
    }

    /// Checks that one is left, and takes nothing.
    ///
    /// # Errors
    /// Returns [`Exhausted`] if none is left.
    pub fn check(self, consumed: Consumed, now: Duration) -> Result<(), Exhausted> {
        self.after_more(1, consumed, now).map(|_| ())
    }

    fn after_more(self, count: u32, consumed: Consumed, now: Duration) -> Result<Duration, Exhausted> {
        // More than the whole rate can only be consumed of another rate, before a reload.
        let owed = consumed.0.saturating_sub(now).min(self.per);
        let restored_in = owed.saturating_add(self.interval().saturating_mul(count));
        if restored_in > self.per {
            let retry_after = restored_in.saturating_sub(self.per);
            return Err(Exhausted { left: self.status(owed).left, retry_after });
        }
        Ok(restored_in)
    }

    /// Returns the time in which one is refilled.
    fn interval(self) -> Duration {
        self.per / self.count
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (count, per) = text.split_once('/').ok_or(GRAMMAR)?;
        let count = count.trim().parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or(GRAMMAR)?;
        // Callers see the time in whole seconds, where a fraction would be lost.
        let is_time = |per: &Duration| (SHORTEST..=LONGEST).contains(per) && per.subsec_nanos() == 0;
        let per = parse_duration(per).ok().filter(is_time).ok_or(GRAMMAR)?;
        Ok(Self { count, per })
    }
}

/// Formats the rate as in the configuration, in seconds.
impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}s", self.count, self.per.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::{Consumed, Rate};
    use proptest::prelude::{any, prop_assert, proptest};
    use std::time::Duration;

    const START: Duration = Duration::from_secs(1000);

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn everything_can_be_taken_at_once_and_comes_back_evenly() {
        let (rate, mut consumed) = (rate("3/1m"), Consumed::default());
        let left: Vec<u32> = (0..3).map(|_| rate.take(&mut consumed, START).unwrap().left).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = rate.take(&mut consumed, START).unwrap_err();
        assert_eq!(refused.retry_after.as_secs(), 20);
        let later = START + Duration::from_secs(20);
        assert_eq!(rate.take(&mut consumed, later).unwrap().left, 0);
        assert!(rate.take(&mut consumed, later).is_err());
        assert!(!consumed.is_nothing(later) && consumed.is_nothing(later + Duration::from_secs(60)));
    }

    #[test]
    fn one_more_is_available_after_the_stated_time_and_not_a_moment_before() {
        let (rate, moment) = (rate("6/1m"), Duration::from_nanos(1));
        for earlier in [0, 3, 7, 10, 25] {
            let mut consumed = Consumed::default();
            rate.take(&mut consumed, START).unwrap();
            let status = rate.take(&mut consumed, START + Duration::from_secs(earlier)).unwrap();
            let when = START + Duration::from_secs(earlier) + status.more_in;
            // After taking one, the status shows one less.
            let left_at = |now| {
                let mut then = consumed;
                rate.take(&mut then, now).unwrap().left
            };
            assert_eq!((left_at(when), left_at(when - moment)), (status.left, status.left - 1), "{earlier}");
        }
    }

    #[test]
    fn many_are_taken_at_once_or_not_at_all_and_a_refusal_states_when_they_are_available() {
        let (rate, mut consumed) = (rate("10/1m"), Consumed::default());
        assert_eq!(rate.take_many(7, &mut consumed, START).unwrap().left, 3);
        let refused = rate.take_many(5, &mut consumed, START).unwrap_err();
        assert_eq!((refused.left, refused.retry_after), (3, Duration::from_secs(12)));
        assert_eq!(rate.exhausted(5, Duration::from_secs(42)), refused, "as others count it");
        let later = START + Duration::from_secs(12);
        assert_eq!(rate.take_many(5, &mut consumed, later).unwrap().left, 0);
        rate.give_back(&mut consumed);
        assert_eq!(rate.take(&mut consumed, later).unwrap().left, 0);
        assert!(rate.take_many(11, &mut Consumed::default(), START).is_err(), "more than there ever are");
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let (rate, mut consumed) = (rate("1/10s"), Consumed::default());
        rate.take(&mut consumed, START).unwrap();
        let before = consumed;
        for _ in 0..100 {
            rate.take(&mut consumed, START).unwrap_err();
        }
        assert_eq!(consumed, before);
        assert!(rate.check(consumed, START + Duration::from_secs(10)).is_ok());
    }

    #[test]
    fn what_a_longer_time_had_taken_is_not_owed_to_a_shorter_one() {
        let mut consumed = Consumed::default();
        for _ in 0..5 {
            rate("5/24h").take(&mut consumed, START).unwrap();
        }
        assert_eq!(rate("5/5s").take(&mut consumed, START).unwrap_err().retry_after, Duration::from_secs(1));
    }

    #[test]
    fn only_a_count_and_a_time_are_a_rate() {
        for text in ["600", "600/", "/1m", "0/1m", "-1/1m", "600/1", "600/0s", "600/2d", "99999999/1m", "6e2/1m"] {
            assert!(text.parse::<Rate>().is_err_and(|error| error.contains("600/1m")), "{text}");
        }
        for text in ["60/1500ms", "60/61001ms"] {
            assert!(text.parse::<Rate>().is_err_and(|error| error.ends_with("in whole seconds")), "{text}");
        }
        assert_eq!(rate("600/60000ms").to_string(), "600/60s");
        assert_eq!(rate(" 600 / 1m").to_string(), "600/60s");
    }

    proptest! {
        #[test]
        fn in_any_stretch_of_time_at_most_twice_the_count_is_given(
            count in 1_u32..50, seconds in 1_u64..100, steps in proptest::collection::vec(any::<u16>(), 1..300)
        ) {
            let rate = Rate::new(count, Duration::from_secs(seconds));
            let (mut consumed, mut now, mut given) = (Consumed::default(), START, Vec::new());
            for step in steps {
                now += Duration::from_millis(u64::from(step % 2000));
                if rate.take(&mut consumed, now).is_ok() {
                    given.push(now);
                }
                let recent = given.iter().filter(|&&moment| moment + rate.per() > now).count();
                prop_assert!(recent <= 2 * count as usize);
            }
        }
    }
}
