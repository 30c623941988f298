//! Load by wrk: what to send, from which core, and the numbers that come back.

use std::path::Path;

use serde::Deserialize;

use super::process::{Cores, command};

/// What to load a program with.
#[derive(Clone, Debug)]
pub struct Load {
    /// Base URL of the program.
    pub base_url: String,
    /// The path, without a query if there are several keys.
    pub path: String,
    /// Headers, as `name: value`.
    pub headers: Vec<String>,
    /// What differs between requests.
    pub questions: Questions,
    /// Connections.
    pub connections: usize,
    /// Where wrk runs.
    pub cores: Cores,
    /// wrk's threads.
    pub threads: usize,
}

/// What differs between the requests of a load.
#[derive(Clone, Debug)]
pub enum Questions {
    /// Nothing.
    Same,
    /// Nothing; a form is posted.
    Form(String),
    /// The period that is asked for.
    Periods(Periods),
}

/// Many periods, each a key of the cache: they start at another second, and end at one time of the day.
#[derive(Clone, Debug)]
pub struct Periods {
    /// Days, as `yyyy-MM-dd`.
    pub days: Vec<String>,
    /// When periods end, as `HH:mm:ss`; another end makes all keys new.
    pub to: String,
    /// The number of the first.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// Whether they come by chance, or one after the other.
    pub by_chance: bool,
}

impl Periods {
    /// The first of them, as a query.
    pub fn first_query(&self) -> String {
        let day = &self.days[0];
        format!("?from={day}T00:00:00%2B08:00&to={day}T{}%2B08:00", self.to)
    }
}

/// What wrk counted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Numbers {
    pub requests: u64,
    pub microseconds: u64,
    pub bytes: u64,
    pub p50: f64,
    pub p99: f64,
    pub largest: f64,
    refused: u64,
    broken: u64,
}

impl Numbers {
    /// Requests a second.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub fn rate(&self) -> f64 {
        self.requests as f64 * 1e6 / self.microseconds as f64
    }

    /// The mean length of an answer.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub fn mean_length(&self) -> f64 {
        self.bytes as f64 / self.requests as f64
    }
}

impl Load {
    /// Loads for so many seconds. Any answer that is an error, and any broken connection, ends the run.
    pub fn run(&self, seconds: u64) -> Numbers {
        let mut wrk = command("wrk", self.cores);
        wrk.args(["--latency", "--timeout", "10s"])
            .args(["-t", &self.threads.to_string(), "-c", &self.connections.to_string()])
            .args(["-d", &format!("{seconds}s")])
            .arg("-s")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/side_by_side/load.lua"))
            .arg(format!("{}{}", self.base_url, self.path))
            .arg("--")
            .args(self.headers.iter().map(|header| format!("header={header}")))
            .args(self.settings());
        let output = wrk.output().expect("wrk");
        let printed = String::from_utf8_lossy(&output.stdout);
        let numbers = printed.lines().find_map(|line| line.strip_prefix("numbers: "));
        let Some(numbers) = numbers else {
            panic!("wrk failed for {self:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        };
        let numbers: Numbers = serde_json::from_str(numbers).expect("wrk's numbers");
        assert!(numbers.requests > 0 && numbers.refused == 0 && numbers.broken == 0, "{numbers:?} of {self:?}");
        numbers
    }

    fn settings(&self) -> Vec<String> {
        match &self.questions {
            Questions::Same => Vec::new(),
            Questions::Form(body) => vec![format!("body={body}")],
            Questions::Periods(periods) => vec![
                format!("days={}", periods.days.join(",")),
                format!("to={}", periods.to),
                format!("first={}", periods.first),
                format!("count={}", periods.count),
                format!("order={}", if periods.by_chance { "random" } else { "rising" }),
                format!("threads={}", self.threads),
            ],
        }
    }
}
