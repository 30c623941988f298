//! storegate with one entry, 10,000 and 1,000,000 in its cache: what that does to a hit, and how much memory it takes.

use std::time::Duration;

use super::hits;
use super::http;
use super::load::{Load, Questions};
use super::options::Options;
use super::program::Program;
use super::report::{Report, range};
use super::rounds::{self, Source};
use super::stage::{DEMOGRAPHICS, Stage};
use super::storegate;

const MIB: u64 = 1 << 20;

/// Hits by chance among so many entries, in three caches.
pub fn sizes(stage: &Stage, options: &Options, report: &mut Report) {
    let (most, most_label) = if options.quick { (50_000, "50,000 entries") } else { (1_000_000, "1,000,000 entries") };
    let small = storegate::start_with_cache(&stage.credentials, stage.setup, 64 * MIB);
    let middle = storegate::start_with_cache(&stage.credentials, stage.setup, 64 * MIB);
    let load = |program: &Program, count: u64| Load {
        questions: Questions::Periods(stage.calendar.by_chance(count)),
        ..stage.load(program, DEMOGRAPHICS, "HS256")
    };
    hits::fill(&load(&middle, 10_000));
    // The largest cache has just the room that its entries take by storegate's own count.
    let (entries, bytes) = contents(&middle, 10_000);
    let size = bytes * most / entries * 102 / 100;
    let large = storegate::start_with_cache(&stage.credentials, stage.setup, size);
    hits::fill(&load(&large, most));
    let (entries, _) = contents(&large, most);
    let contenders: Vec<_> = [(&small, 1, "1 entry"), (&middle, 10_000, "10,000 entries"), (&large, most, most_label)]
        .into_iter()
        .map(|(program, count, label)| {
            stage.contender(&format!("storegate, {label}"), program, load(program, count), 200)
        })
        .collect();
    let measured = rounds::run(stage, options, &contenders, Source::Cache);
    report.case("entries, pinned", &measured);
    for one in &measured[1..] {
        let p99 = one.against(&measured[0], |sample| sample.p99);
        report.figure(&format!("hit p99 of {}, against 1 entry", one.label), "≤ 1.2 ×", range(p99));
    }
    let memory = large.process.memory();
    let bound = size * 3 / 2 + 96 * MIB;
    let what = format!("memory of {entries} entries, cache.size = {} MiB", size / MIB);
    let seen = format!("{} MiB, at most {} MiB", memory.resident / MIB, memory.peak / MIB);
    report.figure(&what, &format!("≤ {} MiB (1.5 × + 96 MiB)", bound / MIB), seen);
}

/// Entries and bytes of the cache by storegate's own metrics, which it brings up to date now and then.
fn contents(program: &Program, wanted: u64) -> (u64, u64) {
    for _ in 0..60 {
        let metrics = http::get(&program.base_url, "/metrics", &[]).text();
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default()
        };
        let (entries, bytes) = (value("storegate_cache_entries"), value("storegate_cache_bytes"));
        if entries >= wanted {
            return (entries, bytes);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("the cache does not keep {wanted} entries");
}
