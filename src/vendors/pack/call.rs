//! Reads `[call]`: how calls are encoded.

use super::{read_template, read_templates, read_title};
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::{BusinessCarrier, CallForm, Carrier};
use crate::gateway::protocol::template::{Template, TemplatePart};
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>) -> CallForm {
    let http = read_http(section).unwrap_or(HttpMethod::Post);
    let system = read_carrier(section, "system").unwrap_or(Carrier::Form);
    let business = match read_title(section, "json_in") {
        Some(name) => {
            if section.text("business").is_some() {
                section.problem("business", "how these parameters travel is what `json_in` says: leave it out");
            }
            BusinessCarrier::JsonIn(name)
        }
        None => BusinessCarrier::Each(read_carrier(section, "business").unwrap_or(system)),
    };
    let json_forms = [("object", false), ("list", true)];
    let json_form = section.choice("json_form", &json_forms, "a JSON body is an object, or a list with one in it");
    let form = CallForm {
        http,
        json_is_list: json_form.unwrap_or_default(),
        json_is_sorted: section.flag("json_sorted", false),
        system_also: section.list("system_also").unwrap_or_default(),
        system,
        business,
        parameters: read_templates(&section.section("parameters")),
        headers: read_templates(&section.section("headers")),
        path: section.text("path").map(|_| read_template(section, "path")),
        version: section.text("version").unwrap_or_default(),
        reserved: section.list("reserved").unwrap_or_default(),
    };
    check(section, &form);
    form
}

/// Reads by which HTTP method calls, one method or a login are sent.
pub(super) fn read_http(section: &Section<'_>) -> Option<HttpMethod> {
    section.get("http")
}

pub(super) fn read_carrier(section: &Section<'_>, key: &str) -> Option<Carrier> {
    let carriers = [("form", Carrier::Form), ("query", Carrier::Query), ("json", Carrier::Json)];
    let is_xml = section.text(key).is_some_and(|text| text == "xml");
    let complaint = if is_xml { "XML bodies are not supported" } else { "parameters travel in form, query or json" };
    section.choice(key, &carriers, complaint)
}

fn check(section: &Section<'_>, form: &CallForm) {
    let business = form.business.carrier(form.system);
    let is_read = ["http", "system", "business"].iter().all(|key| !section.has_problem(key));
    if is_read && form.http == HttpMethod::Get && (form.system, business) != (Carrier::Query, Carrier::Query) {
        section.problem("http", "a GET has no body: its parameters travel in the query");
    }
    if is_read && business != form.system && business != Carrier::Json {
        section.problem("business", "parameters of the method travel with those of every call, or as json");
    }
    if is_read && form.json_is_list && !(form.has_json_body() && form.system != Carrier::Json) {
        section.problem("json_form", "only a JSON body of the method's own parameters may be a list");
    }
    if is_read && !form.system_also.is_empty() && !(form.has_json_body() && form.system != Carrier::Json) {
        section.problem("system_also", "all parameters travel alike: leave it out, or write business = \"json\"");
    }
    let has_json = business == Carrier::Json || matches!(form.business, BusinessCarrier::JsonIn(_));
    if is_read && form.json_is_sorted && !has_json {
        section.problem("json_sorted", "no parameters travel as JSON: leave it out");
    }
    check_headers(&section.section("headers"), &form.headers);
    if let Some(path) = &form.path {
        check_path(section, "path", path);
    }
}

/// The headers that belong to HTTP itself.
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

/// Checks the headers of a pack: their names are not reserved, and their literal texts are printable.
pub(super) fn check_headers(section: &Section<'_>, headers: &[(String, Template)]) {
    let is_printable = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    for (name, template) in headers {
        check_header(section, name, name);
        if !template.literals().all(is_printable) {
            section.problem(name, "a header has printable ASCII characters, without line breaks");
        }
    }
}

/// Checks that the setting `key` names a header that is not reserved.
pub(super) fn check_header(section: &Section<'_>, key: &str, name: &str) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        section.problem(key, "this is no name of a header: it has letters, digits and `-`");
    } else if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        section.problem(key, "this header belongs to HTTP itself: a pack cannot set it");
    }
}

/// Checks a path: it begins with one slash, so that it cannot change the host, and is valid as it is sent.
pub(super) fn check_path(section: &Section<'_>, key: &str, path: &Template) {
    let begin = path.0.first().map(|part| if let TemplatePart::Literal(text) = part { text.as_str() } else { "" });
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
