//! Answers from the cache: one hot key with each kind of token, 304s, 10,000 keys, and thousands of connections.

use super::credentials::ALGORITHMS;
use super::http;
use super::load::{Load, Questions};
use super::options::Options;
use super::program::Program;
use super::report::{Report, range};
use super::rounds::{self, Contender, Measured, Source};
use super::setup::Setup;
use super::stage::{DEMOGRAPHICS, FLOW, Stage};
use super::{peers, storegate};

const MANY_CONNECTIONS: usize = 4096;

/// One hot key: tokens of all kinds, and the access log.
pub fn hot_key(stage: &Stage, options: &Options, report: &mut Report) {
    let pinned = stage.setup == Setup::Pinned;
    let logging = pinned.then(|| storegate::start_with_access_log(&stage.credentials, stage.setup, &stage.directory));
    let algorithms = if pinned { &ALGORITHMS[..] } else { &ALGORITHMS[..1] };
    let mut contenders = vec![bare(stage, FLOW)];
    for program in stage.proxies() {
        for algorithm in algorithms {
            let label = format!("{}, {algorithm}", program.name);
            contenders.push(stage.contender(&label, program, stage.load(program, FLOW, algorithm), 200));
        }
    }
    if let Some(program) = &logging {
        contenders.push(stage.contender(program.name, program, stage.load(program, FLOW, "HS256"), 200));
    }
    let measured = rounds::run(stage, options, &contenders, Source::Cache);
    report.case(&format!("hot key, {}", stage.setup.name()), &measured);
    compare(stage, report, &measured);
}

fn compare(stage: &Stage, report: &mut Report, measured: &[Measured]) {
    let setup = stage.setup.name();
    let named = |name: &str| measured.iter().find(|one| one.label == format!("{name}, HS256"));
    let (Some(bare), Some(ours)) = (measured.first(), named(storegate::NAME)) else { return };
    let rate = ours.against(bare, |sample| sample.rate);
    report.figure(&format!("hits against the bare handler, {setup}"), "≥ 0.85 of its requests/s", range(rate));
    let p99 = ours.against(bare, |sample| sample.p99);
    report.figure(&format!("hits against the bare handler, {setup}"), "p99 ≤ 1.5 ×", range(p99));
    for (name, bar) in [(peers::NGINX, "> 1 ×"), (peers::NODE, "≥ 5 ×")] {
        if let Some(peer) = named(name) {
            let rate = ours.against(peer, |sample| sample.rate);
            report.figure(&format!("hits against {name}, {setup}"), bar, range(rate));
        }
    }
}

/// Answers that the caller has already.
pub fn not_modified(stage: &Stage, options: &Options, report: &mut Report) {
    let load = Load { headers: Vec::new(), ..stage.load(&stage.bare, "/not-modified", "HS256") };
    let mut contenders = vec![stage.contender(stage.bare.name, &stage.bare, load, 304)];
    for program in stage.proxies() {
        let mut load = stage.load(program, FLOW, "HS256");
        let answer = http::get(&program.base_url, FLOW, &load.headers);
        let etag = answer.header("etag").unwrap_or_else(|| panic!("{} gives no ETag", program.name));
        load.headers.push(format!("If-None-Match: {etag}"));
        contenders.push(stage.contender(program.name, program, load, 304));
    }
    report.case("304s, pinned", &rounds::run(stage, options, &contenders, Source::Cache));
}

/// 10,000 keys, by chance.
pub fn many_keys(stage: &Stage, options: &Options, report: &mut Report) {
    let questions = Questions::Periods(stage.calendar.by_chance(10_000));
    let with_keys = |load: Load| Load { questions: questions.clone(), ..load };
    let bare = &stage.bare;
    let mut contenders =
        vec![stage.contender(bare.name, bare, with_keys(stage.load(bare, DEMOGRAPHICS, "HS256")), 200)];
    for program in stage.proxies() {
        let load = with_keys(stage.load(program, DEMOGRAPHICS, "HS256"));
        fill(&load);
        contenders.push(stage.contender(program.name, program, load, 200));
    }
    report.case("10,000 keys, pinned", &rounds::run(stage, options, &contenders, Source::Cache));
}

/// One hot key, asked for over 4,096 connections.
pub fn many_connections(stage: &Stage, options: &Options, report: &mut Report) {
    let mut contenders = vec![bare(stage, FLOW)];
    for program in stage.proxies() {
        contenders.push(stage.contender(program.name, program, stage.load(program, FLOW, "HS256"), 200));
    }
    for contender in &mut contenders {
        contender.load.connections = MANY_CONNECTIONS;
    }
    let what = format!("4,096 connections, {}", stage.setup.name());
    report.case(&what, &rounds::run(stage, options, &contenders, Source::Cache));
}

/// The bare handler with a path of one question. It gets the same request, token included.
pub fn bare<'a>(stage: &'a Stage, path: &str) -> Contender<'a> {
    let bare: &Program = &stage.bare;
    stage.contender(bare.name, bare, stage.load(bare, path, "HS256"), 200)
}

/// Asks for all keys once, so that each is in the cache.
pub fn fill(load: &Load) {
    let Questions::Periods(periods) = &load.questions else { return };
    let mut asked = 0;
    while asked < periods.count {
        let mut rest = periods.clone();
        (rest.first, rest.count, rest.by_chance) = (asked, periods.count - asked, false);
        let load = Load { questions: Questions::Periods(rest), threads: 1, ..load.clone() };
        // Those under way when the time is up are asked for again.
        asked += load.run(1).requests.saturating_sub(4 * load.connections as u64).max(1);
    }
}
