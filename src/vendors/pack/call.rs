//! `[call]`: how a call travels.

use super::{read_template, read_templates};
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::{BusinessCarrier, CallForm, Carrier};
use crate::gateway::protocol::template::{Part, Template, Variable};
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
    form.headers.iter().for_each(|(name, template)| check_header(&section.section("headers"), name, Some(template)));
    if let Some(path) = &form.path {
        check_path(section, "path", path, credential);
    }
}

/// Headers that belong to HTTP itself.
const RESERVED: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header of a pack has a name that is free, and its own text is printable.
pub(super) fn check_header(section: &Section<'_>, name: &str, template: Option<&Template>) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        section.problem(name, "this is no name of a header: it has letters, digits and `-`");
    } else if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        section.problem(name, "this header belongs to HTTP itself: a pack cannot set it");
    }
    let is_printable = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if template.is_some_and(|template| !template.literals().all(is_printable)) {
        section.problem(name, "a header has printable ASCII characters, without line breaks");
    }
}

/// A path begins with one slash, so that it cannot change the host, and is one as it is sent.
pub(super) fn check_path(section: &Section<'_>, key: &str, path: &Template, credential: &[Field]) {
    check_template(section, key, path, credential);
    let begin = path.0.first().map(|part| if let Part::Literal(text) = part { text.as_str() } else { "" });
    let Some(begin) = begin else { return section.problem(key, "a path begins with `/`") };
    if !begin.starts_with('/') || begin.starts_with("//") {
        section.problem(key, "a path begins with one `/`, behind the address of the endpoint");
    }
    let is_sent = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte);
    if !path.literals().all(|text| text.bytes().all(is_sent)) {
        section.problem(
            key,
            "a path has no `?`, no `#`, no space and no character beyond ASCII: write it percent-encoded",
        );
    }
    if path.literals().any(|text| text.split('/').any(|segment| matches!(segment, "." | ".."))) {
        section.problem(key, "a path has no segments `.` and `..`");
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
