//! `[login]`: a user login, or a token exchange.

use super::answer::{named_slots, slots};
use super::call::{check_header, check_path, check_template};
use super::methods::read_endpoint;
use super::{fields, read_template, read_templates};
use crate::gateway::protocol::encoding::{CallForm, Carrier};
use crate::gateway::protocol::login::{LoginAnswerForm, LoginCall, LoginForm};
use crate::gateway::protocol::members::Members;
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{EndpointFacts, Field};
use crate::settings::Section;

/// What the rest of a pack says of how calls are made.
pub(super) struct Around<'a> {
    pub(super) endpoints: &'a [EndpointFacts],
    pub(super) credential: &'a [Field],
    pub(super) call: &'a CallForm,
}

pub(super) fn read(section: &Section<'_>, around: &Around<'_>) -> Option<LoginForm> {
    if !section.is_present() {
        return None;
    }
    let fields = fields::read(&section.section("fields"));
    let calls = section.tables("calls");
    let calls: Vec<LoginCall> = calls.iter().map(|call| read_call(call, around, &fields)).collect();
    if calls.is_empty() {
        section.missing("calls", "the call that logs in: [[login.calls]]");
    }
    check_choices(section, &calls);
    let form = LoginForm {
        section: section.text("section"),
        calls,
        needed_by: section.list("needed_by").unwrap_or_default(),
        not_by: section.list("not_by").unwrap_or_default(),
        headers: read_templates(&section.section("headers")),
        parameters: read_templates(&section.section("parameters")),
        answer: read_answer(&section.section("answer")),
        fields,
    };
    if form.section.is_none() && !form.fields.is_empty() && !section.has_problem("section") {
        section.problem("fields", "these are written into a section of the account: name it in `section`");
    }
    for (key, templates) in [("headers", &form.headers), ("parameters", &form.parameters)] {
        let part = section.section(key);
        templates.iter().for_each(|(name, template)| check_template(&part, name, template, around.credential));
    }
    let headers = section.section("headers");
    form.headers.iter().for_each(|(name, template)| check_header(&headers, name, Some(template)));
    let carries = |(_, template): &(String, Template)| template.uses(&Variable::Token);
    let is_read = !section.has_problem("headers") && !section.has_problem("parameters");
    if is_read && !form.headers.iter().chain(&form.parameters).any(carries) {
        section.problem("headers", "no header and no parameter carries {token}");
    }
    Some(form)
}

/// An account chooses one of several calls by its own `method`.
fn check_choices(section: &Section<'_>, calls: &[LoginCall]) {
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

fn read_call(section: &Section<'_>, around: &Around<'_>, fields: &[Field]) -> LoginCall {
    let parameters = section.section("parameters");
    let call = LoginCall {
        choice: section.text("choice").unwrap_or_default(),
        method: section.required_text("method", "the vendor's name of the method that logs in"),
        version: section.text("version").unwrap_or_else(|| around.call.version.clone()),
        endpoint: read_endpoint(section, around.endpoints),
        path: section.text("path").map(|_| read_template(section, "path")),
        parameters: read_templates(&parameters),
        is_bare: section.flag("bare", false),
    };
    if let Some(path) = &call.path {
        check_path(section, "path", path, around.credential);
    }
    for (name, template) in &call.parameters {
        template.variables().for_each(|variable| check_sent(&parameters, name, variable, around, fields));
    }
    call
}

/// A secret goes to where tokens are exchanged only in a body: addresses are written to logs on their way.
fn check_sent(section: &Section<'_>, name: &str, variable: &Variable, around: &Around<'_>, fields: &[Field]) {
    let (field, part, fields) = match variable {
        Variable::Login(field, _) => (field, "[login.fields]", fields),
        Variable::Credential(field) => (field, "[credential]", around.credential),
        _ => return section.problem(name, format!("{variable} is not known when a login is written")),
    };
    let is_in_address = around.call.business.carrier(around.call.system) == Carrier::Query;
    match fields.iter().find(|own| own.name == *field) {
        None => section.problem(name, format!("{part} has no field {field}")),
        Some(own) if own.is_secret && is_in_address => section.problem(
            name,
            format!("{variable} is a secret, and these parameters travel in the query: a secret is sent only in a body (form or json)"),
        ),
        Some(_) => {}
    }
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
