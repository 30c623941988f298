//! Reads `[sandbox]`: how the simulated gateway of a vendor checks calls, and what it answers.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;
use toml::Table;

use super::paging;
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::codes::{CodeForm, Codes};
use crate::gateway::protocol::envelope::Envelope;
use crate::gateway::protocol::paging::Paging;
use crate::gateway::vendor::{SandboxCheck, SandboxFacts};
use crate::settings::{Report, Section};

const CHECKS: &str = "the checks are presence, method, key, time, signature, repeated and login, each once";
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// Reads the section; `root` has `[codes]`, the source of codes that it does not name.
pub(super) fn read(root: &Section<'_>, codes: &Codes, answer: &Envelope) -> SandboxFacts {
    let section = root.section("sandbox");
    let window = section.get("window").unwrap_or(Duration::from_secs(600));
    if !WINDOWS.contains(&window) {
        section.problem("window", "a timestamp may be off by 1s to 1d");
    }
    let codes = read_codes(root, &section.section("codes"), codes, answer);
    let answers = read_answers(&section.section("answers"));
    SandboxFacts { checks: read_checks(&section), window, codes, answers, paging: BTreeMap::new(), http: Vec::new() }
}

/// How the methods of a pack's resources are paged. What is wrong there is reported where the resources are read.
pub(super) fn read_paging(table: &Table, usual: Option<&Paging>) -> BTreeMap<String, Paging> {
    let report = Report::default();
    let resources = Section::root(table, &report).section("resources").entries();
    let paging = |(_, resource): (String, Section<'_>)| {
        Some((resource.text("method")?, paging::read(&resource.section("paging"), usual)?))
    };
    resources.into_iter().filter_map(paging).collect()
}

/// By which HTTP methods the resources of a pack call the methods, where they say it.
pub(super) fn read_http(table: &Table) -> Vec<(String, HttpMethod)> {
    let report = Report::default();
    let resources = Section::root(table, &report).section("resources").entries();
    resources.into_iter().filter_map(|(_, resource)| Some((resource.text("method")?, resource.get("http")?))).collect()
}

fn read_checks(section: &Section<'_>) -> Vec<SandboxCheck> {
    let Some(names) = section.list("checks") else {
        return SandboxCheck::CHECKS.iter().map(|(_, check)| *check).collect();
    };
    let named = |name: &String| SandboxCheck::CHECKS.iter().find(|(own, _)| own == name).map(|(_, check)| *check);
    let checks: Vec<SandboxCheck> = names.iter().filter_map(named).collect();
    let is_repeated = checks.iter().enumerate().any(|(place, check)| checks.iter().take(place).any(|own| own == check));
    if checks.len() < names.len() || is_repeated {
        section.problem("checks", CHECKS);
    }
    checks
}

/// The code of each check: that of the section, or the first of its row in `[codes]`, or one that no row has.
fn read_codes(
    root: &Section<'_>,
    section: &Section<'_>,
    known: &Codes,
    answer: &Envelope,
) -> BTreeMap<SandboxCheck, String> {
    let rows = root.section("codes");
    let refused = rows.section("credentials_refused");
    // A row that cannot be read is reported where it is read for the reactions.
    let row = |section: &Section<'_>, key: &str| (!section.has_problem(key)).then(|| section.list(key)).flatten();
    let sources = [
        (SandboxCheck::Presence, "presence", row(&refused, "system_parameter")),
        (SandboxCheck::Method, "method", row(&refused, "method")),
        (SandboxCheck::Key, "key", row(&refused, "key")),
        (SandboxCheck::Time, "time", row(&rows, "timestamp_refused")),
        (SandboxCheck::Signature, "signature", row(&refused, "signature")),
        (SandboxCheck::Repeated, "repeated", row(&rows, "repeated")),
        (SandboxCheck::Login, "login", row(&rows, "login_expired")),
        (SandboxCheck::Parameter, "parameter", row(&rows, "parameter_refused")),
        (SandboxCheck::Failed, "failed", row(&rows, "gateway_failed")),
    ];
    let mut read = BTreeMap::new();
    for (check, key, row) in sources {
        let own = section.text(key);
        if let Some(code) = own.as_ref().filter(|code| code.is_empty() || answer.success.contains(code)) {
            section.problem(key, format!("{code:?} is no code of a failure"));
        }
        let first = || row?.into_iter().next().map(first_of);
        // A gateway without a code for it takes repeated calls.
        if let Some(code) = own.or_else(first) {
            read.insert(check, code);
        } else if check != SandboxCheck::Repeated {
            read.insert(check, unlisted(known, answer));
        }
    }
    read
}

/// The code, or the first one of a range.
fn first_of(code: String) -> String {
    let is_number = |side: &str| side.parse::<u64>().is_ok();
    match code.split_once('-') {
        Some((first, last)) if is_number(first) && is_number(last) => first.to_owned(),
        _ => code,
    }
}

/// A code of the vendor's form that `[codes]` does not list.
fn unlisted(codes: &Codes, answer: &Envelope) -> String {
    let of_form = codes.forms.iter().map(|form| match form {
        CodeForm::Integer => "999".to_owned(),
        CodeForm::Pattern(pattern) => pattern.replace('#', "9"),
    });
    let others = ["999", "9999", "99999"].map(str::to_owned);
    let is_free = |code: &String| !codes.is_listed(code) && !answer.success.contains(code);
    of_form.chain(others).find(is_free).unwrap_or_default()
}

fn read_answers(section: &Section<'_>) -> BTreeMap<String, Value> {
    let read = |name: String| {
        let text = section.text(&name)?;
        match serde_json::from_str(&text) {
            Ok(data) => Some((name, data)),
            Err(error) => {
                section.problem(&name, format!("this is no JSON: {error}"));
                None
            }
        }
    };
    section.names().into_iter().filter_map(read).collect()
}
