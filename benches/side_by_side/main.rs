//! storegate side by side with a bare handler, nginx with Lua, and Node, in one run on one machine: `benches/compare`.
//!
//! Each case loads all programs in turn, round after round, from the same generator and before the same gateway. The
//! README beside this folder says how to read the result.

#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on must stop")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
#![expect(clippy::print_stdout, reason = "the tables are the result")]

mod bare;
mod calendar;
mod credentials;
mod entries;
mod hits;
mod http;
mod load;
mod misses;
mod options;
mod page;
mod peers;
mod process;
mod program;
mod report;
mod rounds;
mod sameness;
mod sandbox;
mod setup;
mod stage;
mod start;
mod storegate;

use std::path::Path;

use options::Options;
use report::Report;
use setup::Setup;
use stage::Stage;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((bare::NAME, rest)) = arguments.split_first().map(|(name, rest)| (name.as_str(), rest)) {
        return bare::run(rest);
    }
    let options = Options::read();
    // `benches/compare` has put the packages of a peer there.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a directory above");
    let directory = target.join("compare");
    std::fs::create_dir_all(&directory).expect("a directory for the run");
    let mut report = Report::begin();
    for (setup, cases) in [(Setup::Pinned, PINNED), (Setup::Free, FREE)] {
        let wanted: Vec<_> = cases.iter().filter(|(name, _)| options.wants_case(name)).collect();
        if wanted.is_empty() {
            continue;
        }
        let stage = Stage::set(&directory, setup, &options);
        for (_, run) in wanted {
            run(&stage, &options, &mut report);
        }
    }
    report.end(&target.join("compare.json"));
}

/// A case by its name.
type Case = (&'static str, fn(&Stage, &Options, &mut Report));

const PINNED: &[Case] = &[
    ("hot-key", hits::hot_key),
    ("not-modified", hits::not_modified),
    ("many-keys", hits::many_keys),
    ("misses", misses::many),
    ("one-miss", misses::one_at_a_time),
    ("page", page::encodings),
    ("entries", entries::sizes),
];

const FREE: &[Case] = &[
    ("hot-key-free", hits::hot_key),
    ("connections", hits::many_connections),
    ("cold-key", misses::cold_key),
    ("start", start::figures),
];
