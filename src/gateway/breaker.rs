//! Stops calling a gateway that fails, so that callers get an older answer or an error at once and the gateway can recover.
//! One breaker for each credential at a gateway. When its rest is over, one call at a time goes ahead as a probe.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::reactions::Counts;

/// The outcomes that are looked at: the last so many, and none older than this.
const LOOKED_AT: usize = 20;
const LOOKED_BACK: Duration = Duration::from_secs(60);

/// Fewer outcomes than this say nothing.
const FEWEST: usize = 10;

/// It opens when this share of them failed. A gateway of which a third of the calls fail is still worth calling.
const OPENS_AT_PERCENT: usize = 70;

/// The rest doubles with every probe that fails, up to this.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What a breaker lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Every call.
    Closed,
    /// No call until its rest is over.
    Open,
    /// One call at a time, to see how the gateway does.
    HalfOpen,
}

impl BreakerState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The leave to make one call; what came of it is told to [`Leave::record`]. One that is dropped unused lets another probe
/// go ahead.
#[derive(Debug)]
pub struct Leave<'a> {
    breaker: &'a Breaker,
    /// Leaves given before the breaker last changed say nothing about the gateway as it is now.
    era: u64,
}

impl Leave<'_> {
    /// Takes note of what became of the call. `asked_to_wait` is how long the gateway itself wants to be left alone.
    pub fn record(self, counts: Counts, asked_to_wait: Option<Duration>, now: Duration) -> Change {
        // What is dropped after this says nothing more: a probe has ended, or the era has.
        self.breaker.record(self.era, counts, asked_to_wait, now)
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.breaker.give_back(self.era);
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The breaker is as it was.
    None,
    /// It opened.
    Opened,
    /// It closed.
    Closed,
}

/// The breaker of one credential, shared by all workers.
#[derive(Debug)]
pub struct Breaker {
    first_rest: Duration,
    probe_time: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    era: u64,
    outcomes: VecDeque<(Duration, bool)>,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    length: Duration,
    until: Duration,
    /// The probe under way must have ended by then; one that vanished does not hold the breaker for ever.
    probe_until: Option<Duration>,
}

impl Breaker {
    /// A closed breaker. Its first rest takes `first_rest`; a probe has ended after `probe_time`.
    pub fn new(first_rest: Duration, probe_time: Duration) -> Self {
        Self { first_rest, probe_time, inner: Mutex::default() }
    }

    /// How long to wait before a call is let pass again; `None` when one would be let pass now.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.rest.and_then(|rest| rest.wait(now))
    }

    /// Lets a call pass, as the probe if the breaker was open.
    ///
    /// # Errors
    /// How long to wait, when no call is let pass now.
    pub fn pass(&self, now: Duration) -> Result<Leave<'_>, Duration> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let era = inner.era;
        if let Some(rest) = &mut inner.rest {
            if let Some(wait) = rest.wait(now) {
                return Err(wait);
            }
            rest.probe_until = Some(now + self.probe_time);
        }
        Ok(Leave { breaker: self, era })
    }

    fn give_back(&self, era: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if era == inner.era
            && let Some(rest) = &mut inner.rest
        {
            rest.probe_until = None;
        }
    }

    fn record(&self, era: u64, counts: Counts, asked_to_wait: Option<Duration>, now: Duration) -> Change {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if era != inner.era {
            return Change::None;
        }
        match (counts, inner.rest) {
            (Counts::Not, _) => Change::None,
            (Counts::AsAnswer, Some(_)) => inner.close(),
            (Counts::AsFailure, Some(rest)) => {
                let longer = (rest.length * 2).min(LONGEST_REST);
                inner.open(asked_to_wait.map_or(longer, |wait| wait.max(longer)), now)
            }
            (_, None) if asked_to_wait.is_some() => inner.open(asked_to_wait.unwrap_or(self.first_rest), now),
            (counts, None) => {
                inner.look_at(counts == Counts::AsFailure, now);
                if inner.is_failing() { inner.open(self.first_rest, now) } else { Change::None }
            }
        }
    }

    /// What it lets pass now.
    pub fn state(&self, now: Duration) -> BreakerState {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.rest {
            None => BreakerState::Closed,
            Some(rest) if now < rest.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }
}

impl Rest {
    fn wait(&self, now: Duration) -> Option<Duration> {
        let until = self.until.max(self.probe_until.unwrap_or_default());
        until.checked_sub(now).filter(|wait| !wait.is_zero())
    }
}

impl Inner {
    fn look_at(&mut self, failed: bool, now: Duration) {
        self.outcomes.push_back((now, failed));
        while self.outcomes.len() > LOOKED_AT
            || self.outcomes.front().is_some_and(|(at, _)| now.saturating_sub(*at) > LOOKED_BACK)
        {
            self.outcomes.pop_front();
        }
    }

    fn is_failing(&self) -> bool {
        let failed = self.outcomes.iter().filter(|(_, failed)| *failed).count();
        self.outcomes.len() >= FEWEST && failed * 100 >= self.outcomes.len() * OPENS_AT_PERCENT
    }

    fn open(&mut self, length: Duration, now: Duration) -> Change {
        self.era += 1;
        self.outcomes.clear();
        self.rest = Some(Rest { length, until: now + length, probe_until: None });
        Change::Opened
    }

    fn close(&mut self) -> Change {
        self.era += 1;
        self.rest = None;
        Change::Closed
    }
}

#[cfg(test)]
mod tests;
