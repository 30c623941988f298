//! The circuit breaker: stops calling a gateway that fails, so that callers get a stale response or an error at once
//! and the gateway can recover.
//!
//! Each credential at a gateway has a breaker, with a circuit for each method: a method that fails does not block the
//! others. When no method answers any more, the gateway itself is down, and the circuits of the other methods open
//! after few failures. After the cool-down of a circuit, one call at a time is let pass as a probe.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::reactions::BreakerEffect;
use crate::settings::named;

/// The sliding window: the last 20 outcomes, none older than a minute.
const LOOKED_AT: usize = 20;
const LOOKED_BACK: Duration = Duration::from_secs(60);

/// The fewest outcomes in the window by which a circuit opens.
const FEWEST: usize = 10;

/// The percentage of failures at which a circuit opens. A gateway of which a third of the calls fail is still worth
/// calling.
const OPENS_AT_PERCENT: usize = 70;

/// The failures in a row that open a method's circuit while no method answers since another circuit opened.
const FEWEST_WHILE_NOTHING_ANSWERS: usize = 2;

/// The longest cool-down of a circuit. The cool-down doubles with every probe that fails, up to this.
const LONGEST_REST: Duration = Duration::from_secs(60);

named! {
    /// What a breaker lets pass.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub enum BreakerState {
        /// Every call passes.
        Closed = "closed",
        /// No call passes until the cool-down ends.
        Open = "open",
        /// One call at a time passes as a probe.
        HalfOpen = "half_open",
    }
}

impl BreakerState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];
}

/// The permit for one call, which [`BreakerPermit::record`] takes with the outcome. Dropping a permit unused lets
/// another probe pass.
#[derive(Debug)]
pub struct BreakerPermit<'a> {
    breaker: &'a Breaker,
    method: &'a str,
    /// The era in which the permit was given. Outcomes from before the circuit last changed say nothing about the
    /// gateway now.
    era: u64,
}

impl BreakerPermit<'_> {
    /// Records the outcome of the call. `asked_to_wait` is how long the gateway itself asks to be left alone.
    pub fn record(self, counts: BreakerEffect, asked_to_wait: Option<Duration>, now: Duration) -> CircuitChange {
        // Dropping the permit after this has no effect: the probe has ended, or the era has.
        let outcome = CallOutcome { counts, asked_to_wait, now };
        self.breaker.lock().record((self.method, self.era), outcome, self.breaker.first_rest)
    }
}

impl Drop for BreakerPermit<'_> {
    fn drop(&mut self) {
        let mut circuits = self.breaker.lock();
        let circuit = circuits.of_methods.get_mut(self.method).filter(|circuit| circuit.era == self.era);
        if let Some(rest) = circuit.and_then(|circuit| circuit.rest.as_mut()) {
            rest.probe_until = None;
        }
    }
}

/// The change of a circuit that the outcome of a call caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitChange {
    /// The circuit did not change.
    None,
    /// The circuit opened.
    Opened,
    /// The circuit closed.
    Closed,
}

/// The outcome of one call.
#[derive(Clone, Copy)]
struct CallOutcome {
    counts: BreakerEffect,
    asked_to_wait: Option<Duration>,
    now: Duration,
}

/// The circuit breaker of one credential, shared by all workers.
#[derive(Debug)]
pub struct Breaker {
    first_rest: Duration,
    probe_time: Duration,
    circuits: Mutex<Circuits>,
}

#[derive(Debug, Default)]
struct Circuits {
    of_methods: HashMap<String, Circuit>,
    /// Whether a circuit has opened and no method has answered since.
    nothing_answers: bool,
}

/// One method's circuit of a breaker.
#[derive(Debug, Default)]
struct Circuit {
    era: u64,
    outcomes: VecDeque<(Duration, bool)>,
    rest: Option<OpenPeriod>,
}

#[derive(Clone, Copy, Debug)]
struct OpenPeriod {
    length: Duration,
    until: Duration,
    /// Whether the gateway itself asked for the cool-down.
    is_asked_for: bool,
    /// When the probe under way has ended at the latest, so that one that vanished does not block the circuit for ever.
    probe_until: Option<Duration>,
}

impl Breaker {
    /// Creates a breaker whose circuits are closed. The first cool-down takes `first_rest`; a probe has ended after
    /// `probe_time`.
    pub fn new(first_rest: Duration, probe_time: Duration) -> Self {
        Self { first_rest, probe_time, circuits: Mutex::default() }
    }

    /// How long until a call of this method is let pass again; `None` when one would be let pass now.
    pub fn wait(&self, method: &str, now: Duration) -> Option<Duration> {
        self.lock().of_methods.get(method)?.rest?.wait(now)
    }

    /// Lets a call of this method pass; it is the probe if the circuit was open.
    ///
    /// # Errors
    /// The time until a call is let pass again, when none is let pass now.
    pub fn pass<'a>(&'a self, method: &'a str, now: Duration) -> Result<BreakerPermit<'a>, Duration> {
        let mut circuits = self.lock();
        let circuit = circuits.of(method);
        let era = circuit.era;
        if let Some(rest) = &mut circuit.rest {
            if let Some(wait) = rest.wait(now) {
                return Err(wait);
            }
            rest.probe_until = Some(now + self.probe_time);
        }
        Ok(BreakerPermit { breaker: self, method, era })
    }

    /// The state of the gateway over all methods together: open only while no method answers.
    pub fn state(&self, now: Duration) -> BreakerState {
        let circuits = self.lock();
        let mut rests = circuits.of_methods.values().filter_map(|circuit| circuit.rest);
        match circuits.nothing_answers {
            false => BreakerState::Closed,
            true if rests.any(|rest| now < rest.until) => BreakerState::Open,
            true => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Circuits> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Circuits {
    fn of(&mut self, method: &str) -> &mut Circuit {
        // Method names come only from resources, so there are few of them.
        self.of_methods.entry(method.to_owned()).or_default()
    }

    fn record(&mut self, (method, era): (&str, u64), outcome: CallOutcome, first_rest: Duration) -> CircuitChange {
        let nothing_answers = self.nothing_answers;
        let circuit = self.of(method);
        if era != circuit.era {
            return CircuitChange::None;
        }
        let was_closed = circuit.rest.is_none();
        let change = circuit.record(outcome, first_rest, nothing_answers);
        if outcome.counts == BreakerEffect::Healthy {
            self.nothing_answers = false;
        }
        match change {
            CircuitChange::Opened => self.nothing_answers |= was_closed,
            CircuitChange::Closed => self.let_all_probe(outcome.now),
            CircuitChange::None => {}
        }
        change
    }

    /// Lets every circuit probe, because a gateway that answers again may do so at every method. A cool-down that the
    /// gateway asked for stays.
    fn let_all_probe(&mut self, now: Duration) {
        let rests = self.of_methods.values_mut().filter_map(|circuit| circuit.rest.as_mut());
        rests.filter(|rest| !rest.is_asked_for).for_each(|rest| rest.until = rest.until.min(now));
    }
}

impl OpenPeriod {
    fn wait(&self, now: Duration) -> Option<Duration> {
        let until = self.until.max(self.probe_until.unwrap_or_default());
        until.checked_sub(now).filter(|wait| !wait.is_zero())
    }
}

impl Circuit {
    fn record(&mut self, outcome: CallOutcome, first_rest: Duration, nothing_answers: bool) -> CircuitChange {
        let CallOutcome { counts, asked_to_wait, now } = outcome;
        match (counts, self.rest, asked_to_wait) {
            (BreakerEffect::Not, ..) => CircuitChange::None,
            (BreakerEffect::Healthy, Some(_), _) => self.close(),
            (BreakerEffect::AsFailure, Some(rest), wait) => {
                let longer = (rest.length * 2).min(LONGEST_REST);
                self.open(wait.map_or(longer, |wait| wait.max(longer)), wait.is_some(), now)
            }
            (BreakerEffect::AsFailure, None, Some(wait)) => self.open(wait, true, now),
            (counts, None, _) => {
                self.look_at(counts == BreakerEffect::AsFailure, now);
                if self.is_failing(nothing_answers) { self.open(first_rest, false, now) } else { CircuitChange::None }
            }
        }
    }

    fn look_at(&mut self, failed: bool, now: Duration) {
        self.outcomes.push_back((now, failed));
        while self.outcomes.len() > LOOKED_AT
            || self.outcomes.front().is_some_and(|(at, _)| now.saturating_sub(*at) > LOOKED_BACK)
        {
            self.outcomes.pop_front();
        }
    }

    fn is_failing(&self, nothing_answers: bool) -> bool {
        let failed = self.outcomes.iter().filter(|(_, failed)| *failed).count();
        let failed_last = self.outcomes.iter().rev().take_while(|(_, failed)| *failed).count();
        (self.outcomes.len() >= FEWEST && failed * 100 >= self.outcomes.len() * OPENS_AT_PERCENT)
            || (nothing_answers && failed_last >= FEWEST_WHILE_NOTHING_ANSWERS)
    }

    fn open(&mut self, length: Duration, is_asked_for: bool, now: Duration) -> CircuitChange {
        self.era += 1;
        self.outcomes.clear();
        self.rest = Some(OpenPeriod { length, until: now + length, is_asked_for, probe_until: None });
        CircuitChange::Opened
    }

    fn close(&mut self) -> CircuitChange {
        self.era += 1;
        self.rest = None;
        CircuitChange::Closed
    }
}

#[cfg(test)]
mod tests;
