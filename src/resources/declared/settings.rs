//! `[resources.<name>]`: reads declarations, and refuses what could not work or would give secrets away.

mod answer;
mod parameters;

#[cfg(test)]
mod tests;

use super::path::{PathTemplate, is_name};
use super::{Declaration, Declarations, PeriodNames};
use crate::auth::scope::{ScopeInfo, Scopes};
use crate::cache::Freshness;
use crate::gateway::dialect::{Door, Method};
use crate::resources::{ALL, Policy};
use crate::settings::Section;

use self::answer::read_answer;
use self::parameters::{check_wire_name, read_parameters};

/// Unless the declaration says more.
const FRESHNESS: Freshness = Freshness::seconds(60, 300, 3_600);

/// Methods whose answers are secrets.
const SECRETIVE: [&str; 2] = ["open.shopweb.security.", "open.gateway.authentication"];

/// Reads all declarations.
pub(super) fn read(section: &Section<'_>) -> Declarations {
    let mut declared = Declarations::default();
    for (name, entry) in section.entries() {
        let Declarations { resources, scopes } = &mut declared;
        resources.extend(read_one(&name, &entry, resources, scopes));
    }
    declared
}

/// Everything is read before anything is given up, so that one start shows all that is wrong.
fn read_one(
    name: &str,
    section: &Section<'_>,
    others: &[Declaration],
    scopes: &mut Vec<ScopeInfo>,
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
    let summary = section.required_text("summary", "one line that says what callers read here");
    let description = section.text("description");
    let scope = read_scope(section, scopes);
    let method = read_method(section);
    let parameters = read_parameters(section, path.as_ref());
    let constants = read_constants(section);
    let period = read_period(section);
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

/// A scope of the service, of another declaration, or a new one that says what it allows.
fn read_scope(section: &Section<'_>, scopes: &mut Vec<ScopeInfo>) -> String {
    let scope = section.required_text("scope", "the scope that a token needs to read it, such as flow:read");
    let allows = section.text("allows");
    let known = Scopes::with(scopes.clone());
    let is_scope = scope.split_once(':').is_some_and(|(left, right)| is_name(left) && is_name(right));
    match allows {
        _ if scope.is_empty() => {}
        None if known.contain(&scope) => {}
        None => section.problem(
            "scope",
            format!("there is no scope {scope}; say in `allows` what it allows, or take one of {}", known.names()),
        ),
        Some(_) if known.contain(&scope) => {
            section.problem("allows", format!("the scope {scope} exists already: leave `allows` out"));
        }
        Some(_) if !is_scope => section.problem("scope", "write a scope as two words, such as traffic:read"),
        Some(allows) => scopes.push(ScopeInfo { name: scope.clone().into(), allows: allows.into() }),
    }
    scope
}

fn read_method(section: &Section<'_>) -> Option<Method> {
    let gateway = section.required_text("gateway", "whose method it calls: opretail or oms");
    let name = section.required_text("method", "the vendor's name of the method");
    let version = section.text("version");
    let door = section.text("door");
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_name {
        section.problem("method", "a method's name is made of letters, digits, dots, dashes and `_`");
    }
    if SECRETIVE.iter().any(|secretive| name.starts_with(secretive)) {
        section.problem(
            "method",
            "the answers of this method are secrets, and this service does not hand them on as they are",
        );
    }
    let (door, usual) = match (gateway.as_str(), door.as_deref()) {
        ("opretail", None | Some("m.api")) => (Door::MApi, "v1"),
        ("opretail", Some("cloud.api")) => (Door::CloudApi, "v1"),
        ("oms", None) => (Door::Rpc, "1"),
        ("", _) => return None,
        ("opretail" | "oms", Some(_)) => {
            section
                .problem("door", "OPRetail's doors are m.api and cloud.api; the OMS has only one, which needs no name");
            return None;
        }
        _ => {
            section.problem("gateway", "the gateways are opretail and oms");
            return None;
        }
    };
    let version = version.unwrap_or_else(|| usual.to_owned());
    Some(Method { name: name.into(), version: version.into(), door })
}

fn read_constants(section: &Section<'_>) -> Option<Vec<(String, String)>> {
    let constants = section.section("constants");
    let names = constants.names();
    names.iter().for_each(|name| check_wire_name(&constants, name, name));
    names.into_iter().map(|name| constants.text(&name).map(|value| (name, value))).collect()
}

fn read_period(section: &Section<'_>) -> Option<PeriodNames> {
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
    match <[String; 2]>::try_from(names?) {
        Ok([start, end]) => {
            check_wire_name(section, "period", &start);
            check_wire_name(section, "period", &end);
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

/// No two resources may want the same request, and names are those of metrics.
fn check_place(name: &str, path: Option<&PathTemplate>, section: &Section<'_>, others: &[Declaration]) {
    if ALL.iter().any(|resource| resource.name == name) {
        section.problem("path", format!("there is a resource {name} already: name the section otherwise"));
    }
    let own = ALL.iter().map(|resource| resource.endpoint().path);
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
    let parameters = declaration.parameters.iter().map(|parameter| ("parameters", &parameter.wire));
    let constants = declaration.constants.iter().map(|(name, _)| ("constants", name));
    let mut seen: Vec<&String> = Vec::new();
    for (key, name) in period.chain(parameters).chain(constants) {
        if seen.contains(&name) {
            section.problem(key, format!("the gateway would get {name} twice"));
        }
        seen.push(name);
    }
    let has_own = |name: &str| declaration.parameters.iter().any(|parameter| parameter.name == name);
    if declaration.period.is_some() && (has_own("from") || has_own("to")) {
        section.problem("period", "a period brings the parameters `from` and `to` with it");
    }
}
