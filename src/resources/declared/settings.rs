//! Reads `[resources.<name>]`, and refuses declarations that could not work or would expose secrets.

mod answer;
mod method;
mod parameters;
mod period;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::path::{PathTemplate, is_name};
use super::period::{PeriodEnd, PeriodUnit};
use super::{Declaration, Declarations};
use crate::auth::scope::{ScopeInfo, Scopes};
use crate::cache::Freshness;
use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::member_names;
use crate::gateway::protocol::paging::Paging;
use crate::gateway::vendor::Vendor;
use crate::resources::{ALL, Policy, Resource};
use crate::settings::{Problems, Report, Scalar, Section, SectionSettings, SectionTable, choices, parse_toml, section};
use crate::vendors::pack::paging;
use crate::vendors::{AddedPack, Vendors};

use self::answer::{FieldSection, read_answer};
use self::method::read_method;
use self::parameters::{IntegerSection, ParameterSection, TextSection, WordsSection, check_wire_name, read_parameters};
use self::period::read_period;

section! {
    /// A further method of a vendor as a resource; the README explains it step by step ("Add a vendor's other
    /// methods"). Only for methods that read: responses are cached, and failed calls are retried.
    #[derive(Debug)]
    pub struct ResourceSection in "resources.<traffic>" on restart {
        /// The path at which callers read it.
        path: String, example "/stores/{store_id}/traffic",
            required "where callers read it, such as /stores/{store_id}/traffic";
        /// The summary in the API document.
        summary: String, example "Read a store's visitors of a period", required "one line that says what callers read here";
        /// The description in the API document.
        description: Option<String>, example "Of the whole store.";
        /// The tag in the API document.
        tag: String = "Declared";
        /// The vendor whose method is called; it must be set.
        gateway: String, example "opretail";
        /// The vendor's name of the method.
        method: String, example "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice",
            required "the vendor's name of the method";
        /// The endpoint of the method, if it differs from the pack's. An account's own `endpoint` and `methods` come
        /// first.
        door: Option<String>, example "m.api";
        /// The version of the method, if it differs from the pack's.
        version: Option<String>, example "v1";
        /// By which HTTP method it is called, if not as the pack says; a GET has all its parameters in the query.
        http: Option<HttpMethod>, example "POST";
        /// The scope that a token needs: one that exists, or a new one.
        scope: String, example "flow:read", required "the scope that a token needs to read it, such as flow:read";
        /// What a new scope allows.
        allows: Option<String>, example "Read the visitors of a period.";
        /// The vendor's names for the start and end of a period that callers choose.
        period: Option<Vec<String>>, example ["startTime", "endTime"];
        /// How a period is sent to the gateway: `seconds` is `2026-11-01 00:00:00`, `days` is `2026-11-01`, `unix` and
        /// `unix_ms` are numbers, `iso` is `2026-11-01T00:00:00+08:00`; in seconds unless set.
        period_in: Option<PeriodUnit>, example "seconds";
        /// Whether the end that is sent belongs to the period: `inclusive` is its last second or day, `exclusive` is the
        /// second or the day after it.
        period_end: Option<PeriodEnd>, example "inclusive";
        /// Parameters that the gateway always gets, by its names. Numbers, `true`, `false` and lists go as they are where
        /// parameters travel as JSON.
        constants: BTreeMap<String, Scalar>, example { timeType = "1" };
        /// Where the response is in the gateway's data (RFC 6901); all of it unless set.
        select: String, example "/list/0";
        /// The form of the response.
        answer: AnswerForm = "as_given", example "object";
        /// Whether callers read the list in pages, with `page` and `page_size`.
        pages: bool = false;
    }
}

choices! {
    /// The form of a response.
    pub enum AnswerForm {
        /// One object of the declared fields.
        Object = "object",
        /// A list of such objects.
        List = "list",
        /// The gateway's data, unchanged.
        AsGiven = "as_given",
    } else "an answer is an object, a list, or as_given"
}

/// Names that metrics and the API document use for other purposes.
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

/// The settings tables of `[resources.<name>]`.
pub(super) fn tables() -> Vec<SectionTable> {
    let ended = "Of a period that has ended, as the resource itself unless set.";
    vec![
        ResourceSection::table(),
        Freshness::table().at("resources.<traffic>", ""),
        paging::table(),
        ParameterSection::table(),
        TextSection::table(),
        IntegerSection::table(),
        WordsSection::table(),
        FieldSection::table(),
        Freshness::table().at("resources.<traffic>.ended", ended),
    ]
}

/// Reads all declarations: those of the configuration, and then those of packs that it does not declare itself.
pub(super) fn read(root: &Section<'_>, vendors: &Vendors) -> Declarations {
    let mut read = Declarations::default();
    let own = root.section("resources");
    add(&mut read, own.entries(), None, vendors);
    for pack in vendors.added() {
        if let Err(Problems(problems)) = add_pack(&mut read, pack, &own, vendors) {
            let section = root.section("vendors").section(pack.vendor.name());
            problems.iter().for_each(|problem| section.problem("pack", format!("{}: {problem}", pack.file)));
        }
    }
    read
}

/// Adds the declarations of a pack, without those that the configuration declares itself.
fn add_pack(read: &mut Declarations, pack: &AddedPack, own: &Section<'_>, vendors: &Vendors) -> Result<(), Problems> {
    let table = parse_toml(&pack.text, &pack.file)?;
    let report = Report::default().of_text(Some(pack.text.to_string())).without_variables();
    let root = Section::root(&table, &report);
    table.keys().filter(|key| *key != "resources").for_each(|key| root.skip(key));
    let section = root.section("resources");
    let (replaced, entries): (Vec<_>, Vec<_>) = section.entries().into_iter().partition(|(name, _)| own.is_set(name));
    replaced.iter().for_each(|(name, _)| section.skip(name));
    add(read, entries, Some(pack.vendor), vendors);
    report.finish(&table).map(drop)
}

/// Adds the declarations of one text; `vendor` is that of a pack.
fn add(read: &mut Declarations, entries: Vec<(String, Section<'_>)>, vendor: Option<Vendor>, vendors: &Vendors) {
    // Scopes are read first, so that the order of the resources that define them does not matter.
    entries.iter().for_each(|(_, entry)| read.scopes.extend(new_scope(entry, &read.scopes)));
    for (name, entry) in entries {
        read.resources.extend(read_one(&name, &entry, read, vendor, vendors));
    }
}

/// Reads one declaration. Everything is read before anything is rejected, so that one start reports all problems.
fn read_one(
    name: &str,
    section: &Section<'_>,
    others: &Declarations,
    of_pack: Option<Vendor>,
    vendors: &Vendors,
) -> Option<Declaration> {
    if !is_name(name) {
        section.problem(
            "path",
            "the name of a resource is made of small letters, digits and `_`: name the section otherwise",
        );
    }
    let read = ResourceSection::read(section);
    let path = read_path(section, &read.path);
    check_place(name, path.as_ref(), section, &others.resources);
    if read.tag.trim().is_empty() {
        section.problem("tag", "write the name of a group, or leave it out");
    }
    check_scope(section, &read, &others.scopes);
    let method = read_method(section, &read, of_pack, vendors);
    let vendor = method.as_ref().map(|method| method.vendor);
    let parameters = read_parameters(section, path.as_ref(), vendor, vendors);
    let constants = section.section("constants");
    read.constants.keys().for_each(|name| check_wire_name(&constants, name, name, vendor));
    let period = read_period(section, &read, vendor);
    let answer = read_answer(section, &read);
    let paging = read_paging(section, &read, vendor);
    let policy = read_policy(section, period.is_some());
    let declaration = Declaration {
        name: name.to_owned(),
        path: path?,
        tag: read.tag,
        summary: read.summary,
        description: read.description,
        scope: read.scope,
        method: method?,
        parameters: parameters?,
        constants: read.constants.into_iter().collect(),
        period,
        answer: answer?,
        paging,
        policy,
    };
    check_names(&declaration, section);
    Some(declaration)
}

fn read_path(section: &Section<'_>, text: &str) -> Option<PathTemplate> {
    if text.is_empty() {
        return None;
    }
    text.parse().map_err(|error: String| section.problem("path", error)).ok()
}

/// The new scope that a declaration defines, if it says what the scope allows.
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

/// Checks that the scope exists in the service or in a declaration.
fn check_scope(section: &Section<'_>, read: &ResourceSection, scopes: &[ScopeInfo]) {
    let scope = &read.scope;
    let known = Scopes::with(scopes.to_vec());
    if !scope.is_empty() && !known.contain(scope) && read.allows.is_none() {
        section.problem(
            "scope",
            format!("there is no scope {scope}; say in `allows` what it allows, or take one of {}", known.names()),
        );
    }
}

/// How the gateway pages the list: as the section says, and else as the pack does.
fn read_paging(section: &Section<'_>, read: &ResourceSection, vendor: Option<Vendor>) -> Option<Paging> {
    let own = section.section("paging");
    let paging = paging::read(&own, vendor.and_then(|vendor| vendor.pack().paging.as_ref()));
    if !read.pages {
        if own.is_present() {
            section.problem("paging", "this is for `pages = true`, with which callers read the list in pages");
        }
        return None;
    }
    if read.answer != AnswerForm::List && !section.has_problem("answer") {
        section.problem("pages", "only a list has pages: write answer = \"list\"");
    }
    if paging.is_none() && vendor.is_some() && !section.has_problem("paging") {
        section.missing("paging", "how the gateway pages the list, since the vendor's pack does not say it");
    }
    let names = paging.iter().flat_map(Paging::parameters);
    names.for_each(|name| check_wire_name(section, "paging", name, vendor));
    paging
}

fn read_policy(section: &Section<'_>, has_period: bool) -> Policy {
    let current = Freshness::read(section);
    let ended = section.section("ended");
    if ended.is_present() && !has_period {
        section.problem("ended", "only a resource with a `period` can tell that one has ended");
    }
    Policy { current, ended: ended.is_present().then(|| current.over(&ended)) }
}

/// Whether the service has an operation with this id in the API document.
fn has_operation(id: &str) -> bool {
    let mut ids = ALL.iter().map(|resource| resource.route().operation.operation_id);
    ids.any(|own| own.is_some_and(|own| own == id))
}

/// Checks that no two resources match the same request or share a name in metrics.
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

/// Checks that no name occurs twice in the call or in the response.
fn check_names(declaration: &Declaration, section: &Section<'_>) {
    let period = declaration.period.iter().flat_map(|names| [("period", &names.start), ("period", &names.end)]);
    let parameters = declaration.parameters.iter().map(|declared| ("parameters", &declared.wire));
    let constants = declaration.constants.iter().map(|(name, _)| ("constants", name));
    let pages = declaration.paging.iter().flat_map(Paging::parameters).map(|name| ("paging", name));
    let named = period.chain(parameters).chain(constants).map(|(key, name)| (key, name.as_str()));
    let method = &declaration.method;
    let has_members = method.vendor.pack().call.carriers(method.http, None).has_members();
    let mut seen: Vec<&str> = Vec::new();
    for (key, name) in named.chain(pages) {
        // A member that has members of its own has no value.
        let is_within = |other: &&&str| member_names(other).zip(member_names(name)).all(|(one, other)| one == other);
        if let Some(other) = seen.iter().find(is_within) {
            let both = if *other == name { String::new() } else { format!(", as {other}, too") };
            section.problem(key, format!("the gateway would get {name} twice{both}"));
        }
        if name.starts_with('/') && !has_members {
            section.problem(key, format!("{name}: the parameters of this method do not travel as JSON"));
        }
        seen.push(name);
    }
    let has_own = |name: &str| declaration.parameters.iter().any(|declared| declared.parameter.name == name);
    if declaration.period.is_some() && (has_own("from") || has_own("to")) {
        section.problem("period", "a period brings the parameters `from` and `to` with it");
    }
    if declaration.paging.is_some() && (has_own("page") || has_own("page_size")) {
        section.problem("pages", "pages bring the parameters `page` and `page_size` with them");
    }
}
