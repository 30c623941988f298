//! Answers that the gateway must give: how many a second, how much later than from the gateway itself, and how often it is
//! called when a thousand ask at once.

use std::io::Write;
use std::time::Instant;

use super::bare::FORWARDED;
use super::http;
use super::load::{Load, Questions};
use super::options::Options;
use super::program::Program;
use super::report::{Report, range};
use super::rounds::{self, Contender, Source, Spread};
use super::sandbox::{KEY, SECRET};
use super::stage::{DEMOGRAPHICS, Stage, contender};
use super::storegate;

const FORWARDER: &str = "bare actix-web and awc";
const METHOD: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
const CALLERS: usize = 1_000;

/// Each request is a new key, over many connections.
pub fn many(stage: &Stage, options: &Options, report: &mut Report) {
    let measured = rounds::run(stage, options, &contenders(stage, |load| load), Source::Gateway);
    report.case("misses, pinned", &measured);
}

/// Each request is a new key, over one connection: how much later an answer comes.
pub fn one_at_a_time(stage: &Stage, options: &Options, report: &mut Report) {
    let one = |load| Load { connections: 1, threads: 1, ..load };
    let measured = rounds::run(stage, options, &contenders(stage, one), Source::Gateway);
    report.case("misses, one connection, pinned", &measured);
    let Some(direct) = measured.first() else { return };
    for (label, what, bar) in [
        (storegate::NAME, "a miss against the gateway itself, pinned", "p50 + ≤ 150 µs"),
        (FORWARDER, "a handler that only hands on, against the gateway itself, pinned", "–"),
    ] {
        if let Some(one) = measured.iter().find(|one| one.label == label) {
            let later = one.above(direct, |sample| sample.p50);
            report.figure(what, bar, format!("+ {} µs", range(later)));
        }
    }
}

/// The gateway itself, asked for one thing with one signature; a handler that does nothing but hand that on; and those who
/// stand before it.
fn contenders(stage: &Stage, change: impl Fn(Load) -> Load) -> Vec<Contender<'_>> {
    let direct = change(Load {
        base_url: stage.sandbox.base_url().to_owned(),
        path: FORWARDED.to_owned(),
        headers: Vec::new(),
        questions: Questions::Form(signed_form(&stage.calendar.past().1)),
        ..stage.load(&stage.bare, "", "HS256")
    });
    let forwarded = Load { base_url: stage.bare.base_url.clone(), ..direct.clone() };
    let mut contenders = vec![
        contender("the gateway itself", &stage.sandbox.process, direct, 200),
        contender(FORWARDER, &stage.bare.process, forwarded, 200),
    ];
    for program in stage.proxies() {
        let questions = Questions::Periods(stage.calendar.unheard_of());
        let load = change(Load { questions, ..stage.load(program, DEMOGRAPHICS, "HS256") });
        contenders.push(stage.contender(program.name, program, load, 200));
    }
    contenders
}

/// A signed call for the demographics of a day.
fn signed_form(day: &str) -> String {
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let timestamp = jiff::Timestamp::now().to_zoned(china).strftime("%Y%m%d%H%M%S").to_string();
    let (stime, etime) = (format!("{day} 00:00:00"), format!("{day} 23:59:59"));
    let parameters = [
        ("_aid", "S107"),
        ("_akey", KEY),
        ("_mt", METHOD),
        ("_requestMode", "POST"),
        ("_sm", "md5"),
        ("_timestamp", &timestamp),
        ("_version", "v1"),
        ("etime", &etime),
        ("id", "S_123456"),
        ("stime", &stime),
    ];
    let text: String = parameters.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let signature = format!("{:X}", independent_md5::compute(format!("{SECRET}{text}{SECRET}")));
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).append_pair("_sig", &signature);
    form.finish()
}

/// A cold key under a thousand callers, while the gateway takes 200 ms.
pub fn cold_key(stage: &Stage, options: &Options, report: &mut Report) {
    stage.sandbox.set_latency("200ms");
    for program in stage.proxies() {
        let rounds: Vec<(u64, f64)> = (0..options.rounds).map(|_| ask_at_once(stage, program)).collect();
        let most = rounds.iter().map(|(calls, _)| *calls).max().unwrap_or_default();
        let took = Spread::of(rounds.iter().map(|(_, milliseconds)| *milliseconds));
        let what = format!("1,000 callers, one cold key, {}: {}", stage.setup.name(), program.name);
        let seen = format!("{most}; all answered after {} ms", range(took));
        report.figure(&what, "1 gateway call", seen);
        if program.name == storegate::NAME {
            assert_eq!(most, 1, "callers of one key are not brought together");
        }
    }
    stage.sandbox.set_latency("0s");
}

/// Calls of the gateway, and milliseconds until everybody has the answer.
fn ask_at_once(stage: &Stage, program: &Program) -> (u64, f64) {
    let query = stage.calendar.unheard_of().first_query();
    let path = format!("{DEMOGRAPHICS}{query}");
    let request = http::request(&program.base_url, "GET", &path, &[stage.credentials.header("HS256")], "");
    let mut callers: Vec<_> = (0..CALLERS).map(|_| http::connect(&program.base_url)).collect();
    let before = stage.sandbox.calls();
    let started = Instant::now();
    for caller in &mut callers {
        caller.write_all(request.as_bytes()).expect("a request that is taken");
    }
    for caller in &mut callers {
        let answer = http::read(caller);
        assert_eq!(answer.status, 200, "{}: {}", program.name, answer.text());
    }
    let took = started.elapsed().as_secs_f64() * 1e3;
    (stage.sandbox.calls() - before, took)
}
