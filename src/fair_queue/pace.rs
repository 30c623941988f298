//! Limits starts per second: no period of one second, wherever it begins, has more starts than allowed.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// The starts within the last second.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    starts: VecDeque<Duration>,
}

impl Pace {
    /// Allows `per_second` starts per second.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self { most: usize::try_from(per_second.get()).unwrap_or(usize::MAX), starts: VecDeque::new() }
    }

    /// Returns the time until the next start is allowed.
    pub fn wait(&mut self, now: Duration) -> Duration {
        while self.starts.len() > self.most {
            self.starts.pop_front();
        }
        let is_full = self.starts.len() == self.most;
        let first = self.starts.front().filter(|_| is_full);
        first.map_or(Duration::ZERO, |first| (*first + Duration::from_secs(1)).saturating_sub(now))
    }

    /// Counts a start.
    pub fn count(&mut self, now: Duration) {
        self.starts.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn pace() -> Pace {
        Pace::new(NonZeroU32::new(10).unwrap())
    }

    #[test]
    fn a_seconds_worth_starts_at_once_and_the_next_a_second_later() {
        let mut pace = pace();
        for number in 0..10 {
            assert_eq!(pace.wait(Duration::ZERO), Duration::ZERO, "{number}");
            pace.count(Duration::ZERO);
        }
        assert_eq!(pace.wait(Duration::from_millis(300)), Duration::from_millis(700));
        assert_eq!(pace.wait(Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn no_second_has_more_starts_than_are_allowed_wherever_it_begins() {
        let mut pace = pace();
        let mut starts: Vec<Duration> = Vec::new();
        for step in 0..2_000 {
            let now = Duration::from_millis(step * 7);
            if pace.wait(now).is_zero() {
                pace.count(now);
                starts.push(now);
            }
        }
        for start in &starts {
            let second = *start..*start + Duration::from_secs(1);
            let within = starts.iter().filter(|other| second.contains(*other)).count();
            assert!(within <= 10, "{within} from {start:?} on");
        }
        assert!(starts.len() > 130, "and nearly as many as are allowed: {}", starts.len());
    }
}
