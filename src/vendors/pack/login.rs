//! `[login]`: a user login, or a token exchange.

use super::answer::{named_slots, slots};
use super::methods::read_endpoint;
use super::{fields, read_template, read_templates};
use crate::gateway::protocol::login::{LoginAnswerForm, LoginCall, LoginForm};
use crate::gateway::protocol::members::Members;
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{EndpointFacts, Field};
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>, endpoints: &[EndpointFacts], version: &str) -> Option<LoginForm> {
    if !section.is_present() {
        return None;
    }
    let fields = fields::read(&section.section("fields"));
    let calls = section.tables("calls");
    let calls: Vec<LoginCall> = calls.iter().map(|call| read_call(call, endpoints, version, &fields)).collect();
    if calls.is_empty() {
        section.missing("calls", "the call that logs in: [[login.calls]]");
    }
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
    let carries = |(_, template): &(String, Template)| template.uses(&Variable::Token);
    if !form.headers.iter().chain(&form.parameters).any(carries) {
        section.problem("headers", "no header and no parameter carries {token}");
    }
    Some(form)
}

fn read_call(section: &Section<'_>, endpoints: &[EndpointFacts], version: &str, fields: &[Field]) -> LoginCall {
    let parameters = section.section("parameters");
    let call = LoginCall {
        choice: section.text("choice").unwrap_or_default(),
        method: section.required_text("method", "the vendor's name of the method that logs in"),
        version: section.text("version").unwrap_or_else(|| version.to_owned()),
        endpoint: read_endpoint(section, endpoints),
        path: section.text("path").map(|_| read_template(section, "path")),
        parameters: read_templates(&parameters),
        is_bare: section.flag("bare", false),
    };
    for (name, template) in &call.parameters {
        for variable in template.variables() {
            match variable {
                Variable::Login(field, _) if !fields.iter().any(|own| own.name == *field) => {
                    parameters.problem(name, format!("[login.fields] has no field {field}"));
                }
                Variable::Login(..) | Variable::Credential(_) => {}
                _ => parameters.problem(name, format!("{variable} is not known when a login is written")),
            }
        }
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
