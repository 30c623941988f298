//! The result: a table of all cases, one of the figures to reach, and the raw numbers as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::rounds::{Measured, Sample, Spread};

/// Rows are printed as they come.
#[derive(Default)]
pub struct Report {
    cases: Vec<Value>,
    figures: Vec<[String; 3]>,
}

impl Report {
    pub fn begin() -> Self {
        println!(
            "| what | program | requests/s (min–max) | × first | p50 | p99 | CPU-s per 1,000 | × first | memory |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        Self::default()
    }

    /// The rows of a case; ratios are to its first contender.
    pub fn case(&mut self, what: &str, measured: &[Measured]) {
        let Some(first) = measured.first() else { return };
        for one in measured {
            let rate = one.spread(|sample| sample.rate);
            println!(
                "| {what} | {} | {:.0} ({:.0}–{:.0}) | {:.2} | {} | {} | {:.4} | {:.2} | {:.0} MiB |",
                one.label,
                rate.median,
                rate.least,
                rate.most,
                one.against(first, |sample| sample.rate).median,
                time(one.spread(|sample| sample.p50).median),
                time(one.spread(|sample| sample.p99).median),
                one.spread(|sample| sample.processor_per_1000).median,
                one.against(first, |sample| sample.processor_per_1000).median,
                one.spread(memory).median,
            );
        }
        self.cases.push(json!({ "case": what, "contenders": measured }));
    }

    /// A figure to reach.
    pub fn figure(&mut self, what: &str, bar: &str, seen: String) {
        self.figures.push([what.to_owned(), bar.to_owned(), seen]);
    }

    /// Prints the figures and writes the file.
    pub fn end(self, file: &Path) {
        println!("\n| figure | bar | seen |\n|---|---|---|");
        for [what, bar, seen] in &self.figures {
            println!("| {what} | {bar} | {seen} |");
        }
        let text = json!({ "cases": self.cases, "figures": self.figures }).to_string();
        std::fs::write(file, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
    }
}

#[expect(clippy::cast_precision_loss, reason = "rounded to MiB")]
fn memory(sample: &Sample) -> f64 {
    sample.memory as f64 / f64::from(1 << 20)
}

/// Microseconds, as they are read best.
pub fn time(microseconds: f64) -> String {
    if microseconds < 1e3 { format!("{microseconds:.0} µs") } else { format!("{:.2} ms", microseconds / 1e3) }
}

/// A spread with its ends.
pub fn range(spread: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", spread.median, spread.least, spread.most)
}
