//! `[call]`: how a call travels.

use super::{read_template, read_templates};
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::{BusinessCarrier, CallForm, Carrier};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::Field;
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>, credential: &[Field]) -> CallForm {
    let http = match section.text("http").as_deref() {
        None | Some("POST") => HttpMethod::Post,
        Some("GET") => HttpMethod::Get,
        Some(_) => {
            section.problem("http", "calls are sent by POST or GET");
            HttpMethod::Post
        }
    };
    let system = read_carrier(section, "system").unwrap_or(Carrier::Form);
    let business = match section.text("json_in") {
        Some(name) => BusinessCarrier::JsonIn(name),
        None => BusinessCarrier::Each(read_carrier(section, "business").unwrap_or(system)),
    };
    let form = CallForm {
        http,
        system,
        business,
        parameters: read_templates(&section.section("parameters")),
        headers: read_templates(&section.section("headers")),
        path: section.text("path").map(|_| read_template(section, "path")),
        version: section.text("version").unwrap_or_default(),
        reserved: section.list("reserved").unwrap_or_default(),
    };
    check(section, &form, credential);
    form
}

fn read_carrier(section: &Section<'_>, key: &str) -> Option<Carrier> {
    match section.text(key)?.as_str() {
        "form" => Some(Carrier::Form),
        "query" => Some(Carrier::Query),
        "json" => Some(Carrier::Json),
        "xml" => {
            section.problem(key, "XML bodies are not supported");
            None
        }
        _ => {
            section.problem(key, "parameters travel in form, query or json");
            None
        }
    }
}

fn check(section: &Section<'_>, form: &CallForm, credential: &[Field]) {
    let business = form.business.carrier(form.system);
    if form.http == HttpMethod::Get && (form.system, business) != (Carrier::Query, Carrier::Query) {
        section.problem("http", "a GET has no body: its parameters travel in the query");
    }
    if business != form.system && business != Carrier::Json {
        section.problem("business", "parameters of the method travel with those of every call, or as json");
    }
    for (key, templates) in [("parameters", &form.parameters), ("headers", &form.headers)] {
        let part = section.section(key);
        templates.iter().for_each(|(name, template)| check_template(&part, name, template, credential));
    }
    if let Some(path) = &form.path {
        check_template(section, "path", path, credential);
    }
}

/// A field that is sent is one of the credential, and no secret.
pub(super) fn check_field(section: &Section<'_>, key: &str, name: &str, credential: &[Field]) {
    match credential.iter().find(|field| field.name == *name) {
        None => section.problem(key, format!("[credential] has no field {name}")),
        Some(field) if field.is_secret => {
            section.problem(
                key,
                format!(
                    "{{credential.{name}}} is a secret, which signs and is never sent, but in the body of a token exchange"
                ),
            );
        }
        Some(_) => {}
    }
}

/// A secret is never sent as it is, and what is written before a call is signed cannot hold what signing gives.
pub(super) fn check_template(section: &Section<'_>, key: &str, template: &Template, credential: &[Field]) {
    for variable in template.variables() {
        match variable {
            Variable::Credential(name) => check_field(section, key, name, credential),
            Variable::Method
            | Variable::Version
            | Variable::Timestamp
            | Variable::Nonce
            | Variable::Token
            | Variable::Http => {}
            _ => section.problem(key, format!("{variable} is not known when this is written")),
        }
    }
}
