//! A case: all its contenders are loaded in turn, round after round, so that what else the machine does strikes all alike.

use serde::Serialize;

use super::load::{Load, Numbers, Questions};
use super::options::Options;
use super::process::{Memory, Process};
use super::stage::Stage;

/// A program and what to load it with.
pub struct Contender<'a> {
    pub label: String,
    pub process: &'a Process,
    pub load: Load,
    /// How long an answer is on the wire.
    pub length: usize,
}

/// What was seen of a contender in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    pub slowest: f64,
    pub processor_per_1000: f64,
    pub memory: u64,
    pub resident: u64,
    pub peak: u64,
}

/// What was seen of a contender in all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub label: String,
    pub samples: Vec<Sample>,
}

/// The middle of several values, and the smallest and the largest of them.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// Where answers of a case come from, which is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cache: the gateway is not called at all.
    Cache,
    /// The gateway: it is called for each answer.
    Gateway,
}

/// Runs all rounds.
pub fn run(stage: &Stage, options: &Options, contenders: &[Contender<'_>], source: Source) -> Vec<Measured> {
    let mut measured: Vec<Measured> =
        contenders.iter().map(|contender| Measured { label: contender.label.clone(), samples: Vec::new() }).collect();
    for contender in contenders {
        load(stage, contender, seconds(contender, options.warm_up()));
    }
    for round in 0..options.rounds {
        for turn in 0..contenders.len() {
            // Each round begins with another one, so that nobody always follows the same neighbour.
            let place = (turn + round) % contenders.len();
            let contender = &contenders[place];
            let calls = stage.sandbox.calls();
            let before = contender.process.processor_seconds();
            let numbers = load(stage, contender, seconds(contender, options.seconds));
            let used = contender.process.processor_seconds() - before;
            let calls = stage.sandbox.calls() - calls;
            let is_right = if source == Source::Cache { calls == 0 } else { calls >= numbers.requests };
            assert!(is_right, "{} called the gateway {calls} times for {numbers:?}", contender.label);
            measured[place].samples.push(Sample::new(&numbers, used, contender.process.memory()));
        }
    }
    measured
}

/// Thousands of connections take seconds to open on a busy machine.
fn seconds(contender: &Contender<'_>, wanted: u64) -> u64 {
    if contender.load.connections > 1_000 { wanted.max(4) } else { wanted }
}

fn load(stage: &Stage, contender: &Contender<'_>, seconds: u64) -> Numbers {
    let mut load = contender.load.clone();
    if let Questions::Periods(periods) = &mut load.questions
        && !periods.by_chance
    {
        periods.to = stage.calendar.new_end();
    }
    let numbers = load.run(seconds);
    #[expect(clippy::cast_precision_loss, reason = "a length of some kilobytes")]
    let expected = contender.length as f64;
    // Numbers in bodies and headers have more digits or fewer; an empty body or an error differs by far more.
    let off = (numbers.mean_length() - expected).abs();
    assert!(
        off <= expected * 0.03 + 40.0,
        "{}: answers of {} bytes, not {expected}",
        contender.label,
        numbers.mean_length()
    );
    numbers
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    fn new(numbers: &Numbers, processor_seconds: f64, memory: Memory) -> Self {
        Self {
            rate: numbers.rate(),
            p50: numbers.p50,
            p99: numbers.p99,
            slowest: numbers.largest,
            processor_per_1000: processor_seconds * 1e3 / numbers.requests as f64,
            memory: memory.proportional,
            resident: memory.resident,
            peak: memory.peak,
        }
    }
}

impl Measured {
    /// A figure over all rounds.
    pub fn spread(&self, figure: impl Fn(&Sample) -> f64) -> Spread {
        Spread::of(self.samples.iter().map(figure))
    }

    /// A figure of each round against that of another contender in the same round.
    pub fn against(&self, other: &Self, figure: impl Fn(&Sample) -> f64) -> Spread {
        let pairs = self.samples.iter().zip(&other.samples);
        Spread::of(pairs.map(|(ours, theirs)| figure(ours) / figure(theirs)))
    }

    /// By how much a figure of each round is above that of another contender in the same round.
    pub fn above(&self, other: &Self, figure: impl Fn(&Sample) -> f64) -> Spread {
        let pairs = self.samples.iter().zip(&other.samples);
        Spread::of(pairs.map(|(ours, theirs)| figure(ours) - figure(theirs)))
    }
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Self { median, least: values[0], most: values[values.len() - 1] }
    }
}
