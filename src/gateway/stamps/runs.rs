//! The seconds that one call has used, as a few runs: one for each clock setting of the gateway or ours. So a second is
//! not used again when a clock returns to an earlier setting.

/// The number of runs that are remembered, the most recently used ones.
const REMEMBERED: usize = 4;

/// A run of seconds that have been used or skipped, with its first and last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: i64,
    last: i64,
}

/// The runs of one call; the most recently used one is last.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    /// The first unused second from `now` on; `None` when it would be more than `lead` seconds ahead.
    pub(super) fn free(&self, now: i64, lead: i64) -> Option<i64> {
        let furthest = now.saturating_add(lead);
        let mut second = now;
        // A run that ends further ahead was used by a clock that has been corrected since.
        while let Some(run) =
            self.0.iter().find(|run| run.first <= second && second <= run.last && run.last <= furthest)
        {
            second = run.last.saturating_add(1);
        }
        (second <= furthest).then_some(second)
    }

    /// Marks the second as used. It extends a run that ended at most `lead` seconds before.
    pub(super) fn add(&mut self, second: i64, lead: i64) {
        let follows = |run: &Run| run.last < second && second <= run.last.saturating_add(lead);
        let places = self.0.iter().enumerate().filter(|(_, run)| follows(run));
        let place = places.max_by_key(|(_, run)| run.last).map(|(place, _)| place);
        let first = place.map_or(second, |place| self.0.remove(place).first);
        self.0.push(Run { first, last: second });
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
    }

    /// Skips some of the seconds after the one that was used last.
    pub(super) fn pass_over(&mut self, seconds: i64) {
        if let Some(run) = self.0.last_mut() {
            run.last = run.last.saturating_add(seconds);
        }
    }

    /// Whether a used second is not before `now`.
    pub(super) fn reaches(&self, now: i64) -> bool {
        self.0.iter().any(|run| run.last >= now)
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;

    const LEAD: i64 = 60;

    fn take(runs: &mut Runs, now: i64) -> Option<i64> {
        let second = runs.free(now, LEAD)?;
        runs.add(second, LEAD);
        Some(second)
    }

    #[test]
    fn seconds_increase_also_when_the_clock_goes_back_a_little() {
        let mut runs = Runs::default();
        assert_eq!([100, 100, 130, 130, 120].map(|now| take(&mut runs, now).unwrap()), [100, 101, 130, 131, 132]);
    }

    #[test]
    fn whichever_way_a_clock_jumps_and_comes_back_no_second_is_used_twice() {
        for hours in [-7_200, 7_200] {
            let mut runs = Runs::default();
            let mut seen = std::collections::HashSet::new();
            for now in [0, 0, hours, 0, hours, hours, 0, 1, hours, 0] {
                assert!(seen.insert(take(&mut runs, now).unwrap()), "{hours}: {now} {runs:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_into_a_long_run_does_not_wait_for_its_end() {
        let mut runs = Runs::default();
        (0..500).for_each(|step| assert_eq!(take(&mut runs, step * 30), Some(step * 30)));
        assert_eq!(take(&mut runs, 7_200), Some(7_200));
        assert_eq!(take(&mut runs, 7_200), Some(7_201));
    }

    #[test]
    fn what_is_all_used_is_not_given() {
        let mut runs = Runs::default();
        assert_eq!((0..200).filter(|_| take(&mut runs, 0).is_some()).count(), 61);
        runs.pass_over(10);
        assert_eq!(runs.free(11, LEAD), Some(71), "what was passed over counts as used");
    }

    #[test]
    fn runs_that_were_not_used_for_long_are_forgotten() {
        let mut runs = Runs::default();
        for jump in 0..6 {
            take(&mut runs, jump * 10_000);
        }
        assert_eq!(
            (runs.free(0, LEAD), runs.free(10_000, LEAD), runs.free(20_000, LEAD)),
            (Some(0), Some(10_000), Some(20_001))
        );
        assert!(runs.reaches(50_000) && !runs.reaches(50_001));
    }
}
