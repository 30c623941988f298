//! Reads `[login]`: a user login, or a token exchange.

use super::answer::{named_slots, slots};
use super::call::{check_headers, check_path, read_carrier, read_http};
use super::methods::read_endpoint;
use super::{fields, read_template, read_templates};
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::{CallForm, Carrier};
use crate::gateway::protocol::login::{LoginAnswerForm, LoginCall, LoginForm};
use crate::gateway::protocol::members::Members;
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::EndpointFacts;
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>, endpoints: &[EndpointFacts], of_calls: &CallForm) -> Option<LoginForm> {
    if !section.is_present() {
        return None;
    }
    let fields = fields::read(&section.section("fields"));
    let calls = section.tables("calls");
    let calls: Vec<LoginCall> = calls.iter().map(|call| read_call(call, endpoints, of_calls)).collect();
    let is_given = section.flag("token_file", false);
    check_source(section, is_given, calls.is_empty());
    check_choices(section, &calls);
    let form = LoginForm {
        section: section.text("section"),
        is_given,
        calls,
        needed_by: section.list("needed_by").unwrap_or_default(),
        not_by: section.list("not_by").unwrap_or_default(),
        headers: read_templates(&section.section("headers")),
        parameters: read_templates(&section.section("parameters")),
        answer: if is_given { LoginAnswerForm::default() } else { read_answer(&section.section("answer")) },
        fields,
    };
    if form.section.is_none() && !form.fields.is_empty() && !section.has_problem("section") {
        section.problem("fields", "these are written into a section of the account: name it in `section`");
    }
    check_headers(&section.section("headers"), &form.headers);
    check_needed(section, &form);
    let carries = |(_, template): &(String, Template)| template.uses(&Variable::Token);
    let is_read = !section.has_problem("headers") && !section.has_problem("parameters");
    if is_read && !form.headers.iter().chain(&form.parameters).any(carries) {
        section.problem("headers", "no header and no parameter carries {token}");
    }
    Some(form)
}

/// Checks that the token has one source: a call, or a file that another program writes.
fn check_source(section: &Section<'_>, is_given: bool, has_no_calls: bool) {
    if !is_given && has_no_calls {
        section.missing("calls", "the call that logs in: [[login.calls]]; or `token_file = true`");
    }
    for key in ["calls", "answer", "section", "fields"].into_iter().filter(|key| is_given && section.is_set(key)) {
        section.problem(key, "with `token_file`, another program logs in: leave this out");
        section.skip(key);
    }
}

/// Checks `needed_by` against `not_by`: a method with a prefix in `not_by` needs no token, whatever `needed_by` says.
fn check_needed(section: &Section<'_>, form: &LoginForm) {
    let is_without = |name: &&String| form.not_by.iter().any(|not| name.starts_with(not.as_str()));
    for name in form.needed_by.iter().filter(is_without) {
        section.problem("needed_by", format!("{name} has no effect, because `not_by` has it, or how it begins"));
    }
}

/// Checks that an account can choose each of several calls by its own `method`.
fn check_choices(section: &Section<'_>, calls: &[LoginCall]) {
    if let [call] = calls
        && !call.choice.is_empty()
    {
        return section.problem("calls", "nobody chooses a call that is the only one: leave `choice` out");
    }
    for (place, call) in calls.iter().enumerate().filter(|_| calls.len() > 1) {
        let is_taken = || calls.iter().take(place).any(|other| other.choice == call.choice);
        if call.choice.is_empty() || is_taken() {
            let words = "of several calls, each has a `choice` of its own, by which an account names it";
            return section.problem("calls", words);
        }
    }
    if calls.len() > 1 && section.text("section").is_none() {
        section.problem("calls", "of several calls, an account chooses one in its section: name it in `section`");
    }
}

fn read_call(section: &Section<'_>, endpoints: &[EndpointFacts], of_calls: &CallForm) -> LoginCall {
    let call = LoginCall {
        choice: section.text("choice").unwrap_or_default(),
        method: section.required_text("method", "the vendor's name of the method that logs in"),
        version: section.text("version").unwrap_or_else(|| of_calls.version.clone()),
        endpoint: read_endpoint(section, endpoints),
        path: section.text("path").map(|_| read_template(section, "path")),
        parameters: read_templates(&section.section("parameters")),
        http: read_http(section).unwrap_or(of_calls.http),
        carrier: read_carrier(section, "carrier"),
        is_bare: section.flag("bare", false),
    };
    match call.carrier {
        Some(_) if !call.is_bare => {
            section.problem("carrier", "only a bare login has one: other logins travel as [call] says");
        }
        Some(carrier) if call.http == HttpMethod::Get && carrier != Carrier::Query => {
            section.problem("carrier", "a GET has no body: its parameters travel in the query");
        }
        _ => {}
    }
    if let Some(path) = &call.path {
        check_path(section, "path", path);
    }
    call
}

fn read_answer(section: &Section<'_>) -> LoginAnswerForm {
    let mut members = Members::default();
    let token = slots(section, "token", &mut members);
    if token.is_empty() {
        section.missing("token", "where the token is in the data of the login");
    }
    let ends = named_slots(section, "ends", &mut members);
    let seconds = named_slots(section, "seconds", &mut members);
    LoginAnswerForm { members, token, ends, seconds }
}
