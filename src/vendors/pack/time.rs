//! Reads `[time]`: how the gateway reads and writes times.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::gateway::endpoint::{time_zone, unknown_zone};
use crate::gateway::protocol::time::TimeForm;
use crate::gateway::vendor::TimeFacts;
use crate::settings::Section;

const FORMS: &str =
    "write unix, unix_ms, seconds since 2012-01-01T00:00:00+08:00, or a pattern of date and time such as %Y%m%d%H%M%S";

/// How far ahead a timestamp may be: more than zero, and no more than the window of any gateway.
const LEADS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

pub(super) fn read(section: &Section<'_>) -> TimeFacts {
    let named = section.section("forms");
    let mut forms: Vec<(String, TimeForm)> =
        named.names().into_iter().filter_map(|name| Some((name.clone(), read_form(&named, &name)?))).collect();
    if forms.is_empty() && section.is_present() {
        section.missing("forms", FORMS);
    }
    if let Some(first) = section.text("first") {
        if !named.names().contains(&first) {
            section.problem("first", format!("[time.forms] has no {first}"));
        }
        forms.sort_by_key(|(name, _)| *name != first);
    }
    let zone = section.text("zone").unwrap_or_else(|| "Asia/Shanghai".to_owned());
    if time_zone(&zone).is_none() {
        section.problem("zone", unknown_zone(&zone));
    }
    let lead = section.get("lead").unwrap_or(Duration::from_secs(60));
    if !LEADS.contains(&lead) {
        section.problem("lead", "a timestamp may be ahead by 1s to 1d");
    }
    TimeFacts { forms, zone, lead }
}

fn read_form(section: &Section<'_>, name: &str) -> Option<TimeForm> {
    let text = section.required_text(name, FORMS);
    if let Some(moment) = text.strip_prefix("seconds since ") {
        let epoch = moment.parse::<jiff::Timestamp>().map_err(|_| section.problem(name, FORMS)).ok()?.as_second();
        return Some(TimeForm::Seconds { epoch });
    }
    match text.as_str() {
        "" => None,
        "unix" => Some(TimeForm::Seconds { epoch: 0 }),
        "unix_ms" => Some(TimeForm::Milliseconds),
        pattern if TimeForm::is_pattern(pattern) => Some(TimeForm::Pattern(text)),
        _ => {
            section.problem(name, FORMS);
            None
        }
    }
}
