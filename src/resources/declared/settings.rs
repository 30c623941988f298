//! `[resources.<name>]`: reads declarations, and refuses what could not work or would give secrets away.

mod answer;
mod parameters;

#[cfg(test)]
mod tests;

use super::path::{PathTemplate, is_name};
use super::{Declaration, Declarations, PeriodNames};
use crate::auth::scope::{ScopeInfo, Scopes};
use crate::cache::Freshness;
use crate::gateway::protocol::Method;
use crate::gateway::vendor::Vendor;
use crate::resources::{ALL, Policy, Resource};
use crate::settings::Section;
use crate::vendors::Vendors;

use self::answer::read_answer;
use self::parameters::{check_wire_name, read_parameters};

/// Unless the declaration says more.
const FRESHNESS: Freshness = Freshness::seconds(60, 300, 3_600);

/// Names that metrics and the API document use for what is no resource.
const RESERVED: [&str; 16] = [
    "root",
    "none",
    "docs",
    "openapi",
    "problems",
    "health",
    "healthz",
    "readiness",
    "readyz",
    "metrics",
    "jwks",
    "metadata",
    "authorization_server_metadata",
    "token",
    "revocation",
    "introspection",
];

/// Reads all declarations.
pub(super) fn read(section: &Section<'_>, vendors: &Vendors) -> Declarations {
    let entries = section.entries();
    // First, so that it does not matter which of several resources brings a scope with it.
    let mut scopes = Vec::new();
    entries.iter().for_each(|(_, entry)| scopes.extend(new_scope(entry, &scopes)));
    let mut resources = Vec::new();
    for (name, entry) in entries {
        resources.extend(read_one(&name, &entry, &resources, &scopes, vendors));
    }
    Declarations { resources, scopes }
}

/// Everything is read before anything is given up, so that one start shows all that is wrong.
fn read_one(
    name: &str,
    section: &Section<'_>,
    others: &[Declaration],
    scopes: &[ScopeInfo],
    vendors: &Vendors,
) -> Option<Declaration> {
    if !is_name(name) {
        section.problem(
            "path",
            "the name of a resource is made of small letters, digits and `_`: name the section otherwise",
        );
    }
    let path = read_path(section);
    check_place(name, path.as_ref(), section, others);
    let tag = section.text("tag").unwrap_or_else(|| "Declared".to_owned());
    if tag.trim().is_empty() {
        section.problem("tag", "write the name of a group, or leave it out");
    }
    let summary = section.required_text("summary", "one line that says what callers read here");
    let description = section.text("description");
    let scope = read_scope(section, scopes);
    let method = read_method(section, vendors);
    let vendor = method.as_ref().map(|method| method.vendor);
    let parameters = read_parameters(section, path.as_ref(), vendor, vendors);
    let constants = read_constants(section, vendor);
    let period = read_period(section, vendor);
    let answer = read_answer(section);
    let policy = read_policy(section, period.is_some());
    let declaration = Declaration {
        name: name.to_owned(),
        path: path?,
        tag,
        summary,
        description,
        scope,
        method: method?,
        parameters: parameters?,
        constants: constants?,
        period,
        answer: answer?,
        policy,
    };
    check_names(&declaration, section);
    Some(declaration)
}

fn read_path(section: &Section<'_>) -> Option<PathTemplate> {
    let text = section.required_text("path", "where callers read it, such as /stores/{store_id}/traffic");
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(|error: String| section.problem("path", error)).ok()
}

/// The scope that a declaration brings with it, if it says what that allows.
fn new_scope(section: &Section<'_>, others: &[ScopeInfo]) -> Option<ScopeInfo> {
    let (scope, allows) = (section.text("scope")?, section.text("allows")?);
    let is_scope = scope.split_once(':').is_some_and(|(left, right)| is_name(left) && is_name(right));
    if !is_scope {
        section.problem("scope", "write a scope as two words, such as traffic:read");
    } else if allows.trim().is_empty() {
        section.problem("allows", "say what the scope allows, for those who give it to clients");
    } else if Scopes::default().contain(&scope) {
        section.problem("allows", format!("the scope {scope} exists already: leave `allows` out"));
    } else if let Some(other) = others.iter().find(|other| other.name == scope) {
        if other.allows != allows {
            section
                .problem("allows", format!("another resource says otherwise what {scope} allows: leave `allows` out"));
        }
    } else {
        return Some(ScopeInfo { name: scope.into(), allows: allows.into() });
    }
    None
}

/// A scope of the service, or of some declaration.
fn read_scope(section: &Section<'_>, scopes: &[ScopeInfo]) -> String {
    let scope = section.required_text("scope", "the scope that a token needs to read it, such as flow:read");
    let known = Scopes::with(scopes.to_vec());
    if !scope.is_empty() && !known.contain(&scope) && section.text("allows").is_none() {
        section.problem(
            "scope",
            format!("there is no scope {scope}; say in `allows` what it allows, or take one of {}", known.names()),
        );
    }
    scope
}

fn read_method(section: &Section<'_>, vendors: &Vendors) -> Option<Method> {
    let gateway = section.required_text("gateway", &format!("whose method it calls: {}", vendors.names()));
    let name = section.required_text("method", "the vendor's name of the method");
    let (version, door) = (section.text("version"), section.text("door"));
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    if !is_name {
        section.problem("method", "a method's name is made of letters, digits, dots, dashes, slashes and `_`");
    }
    if gateway.is_empty() {
        return None;
    }
    let Some(vendor) = vendors.get(&gateway) else {
        if vendors.unread().contains(&gateway) {
            return None;
        }
        section.problem("gateway", format!("the gateways are {}", vendors.names()));
        return None;
    };
    if vendor.has_secret_answer(&name) {
        section.problem(
            "method",
            "the answers of this method are secrets, and this service does not hand them on as they are",
        );
    }
    let mut method = Method::of(vendor, name);
    if let Some(label) = door {
        method.endpoint = read_endpoint(section, &label, vendor)?;
    }
    if let Some(version) = version {
        if version.is_empty() && !method.version.is_empty()
            || !version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        {
            section.problem("version", "a version is letters, digits and dots, such as v1");
        }
        method.version = version.into();
    }
    Some(method)
}

fn read_endpoint(section: &Section<'_>, label: &str, vendor: Vendor) -> Option<usize> {
    let endpoints = &vendor.pack().endpoints;
    let place = endpoints.iter().position(|endpoint| endpoint.label == label);
    if place.is_none() {
        let labels: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.label.as_str()).collect();
        section.problem("door", format!("the endpoints of {} are {}", vendor.pack().title, labels.join(" and ")));
    }
    place
}

fn read_constants(section: &Section<'_>, vendor: Option<Vendor>) -> Option<Vec<(String, String)>> {
    let constants = section.section("constants");
    let names = constants.names();
    names.iter().for_each(|name| check_wire_name(&constants, name, name, vendor));
    names.into_iter().map(|name| constants.text(&name).map(|value| (name, value))).collect()
}

fn read_period(section: &Section<'_>, vendor: Option<Vendor>) -> Option<PeriodNames> {
    let names = section.list("period");
    let unit = section.text("period_in");
    let is_in_days = match unit.as_deref() {
        None | Some("seconds") => false,
        Some("days") => true,
        Some(_) => {
            section.problem("period_in", "a period goes in seconds or in days");
            false
        }
    };
    if names.is_none() && unit.is_some() {
        section.problem("period_in", "there is no `period` that would go so");
    }
    match <[String; 2]>::try_from(names?) {
        Ok([start, end]) => {
            check_wire_name(section, "period", &start, vendor);
            check_wire_name(section, "period", &end, vendor);
            Some(PeriodNames { start, end, is_in_days })
        }
        Err(_) => {
            section
                .problem("period", "write the vendor's names of start and end, such as [\"startTime\", \"endTime\"]");
            None
        }
    }
}

fn read_policy(section: &Section<'_>, has_period: bool) -> Policy {
    let current = FRESHNESS.read(section);
    let ended = section.section("ended");
    if ended.is_present() && !has_period {
        section.problem("ended", "only a resource with a `period` can tell that one has ended");
    }
    Policy { current, ended: ended.is_present().then(|| current.read(&ended)) }
}

/// Whether a resource of the service has this name in the API document.
fn has_operation(id: &str) -> bool {
    let mut ids = ALL.iter().map(|resource| resource.route().operation.operation_id);
    ids.any(|own| own.is_some_and(|own| own == id))
}

/// No two resources may want the same request, and names are those of metrics.
fn check_place(name: &str, path: Option<&PathTemplate>, section: &Section<'_>, others: &[Declaration]) {
    let is_taken = |resource: &&Resource| resource.name == name;
    if ALL.iter().any(is_taken) || RESERVED.contains(&name) || has_operation(&format!("read_{name}")) {
        section.problem("path", format!("there is something called {name} already: name the section otherwise"));
    }
    let own = ALL.iter().map(|resource| resource.route().path);
    let taken = own.chain(others.iter().map(|other| other.path.to_string()));
    for taken in taken {
        let meets = |path: &PathTemplate| taken.parse().is_ok_and(|taken: PathTemplate| taken.meets(path));
        if path.is_some_and(meets) {
            section.problem("path", format!("a request could mean {taken}, too: take another path"));
        }
    }
}

/// No name may be sent twice, and callers may not meet one twice.
fn check_names(declaration: &Declaration, section: &Section<'_>) {
    let period = declaration.period.iter().flat_map(|names| [("period", &names.start), ("period", &names.end)]);
    let parameters = declaration.parameters.iter().map(|declared| ("parameters", &declared.wire));
    let constants = declaration.constants.iter().map(|(name, _)| ("constants", name));
    let mut seen: Vec<&String> = Vec::new();
    for (key, name) in period.chain(parameters).chain(constants) {
        if seen.contains(&name) {
            section.problem(key, format!("the gateway would get {name} twice"));
        }
        seen.push(name);
    }
    let has_own = |name: &str| declaration.parameters.iter().any(|declared| declared.parameter.name == name);
    if declaration.period.is_some() && (has_own("from") || has_own("to")) {
        section.problem("period", "a period brings the parameters `from` and `to` with it");
    }
}
