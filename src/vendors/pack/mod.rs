//! Reads a pack, a TOML file with everything about one vendor, and compiles it: calls need no parsing of templates and
//! no look-up of names. All problems are reported at once, with their lines and keys.

mod answer;
mod bounds;
mod call;
mod codes;
mod fields;
mod ids;
mod login;
mod methods;
mod names;
pub mod paging;
mod sandbox;
mod sent;
mod sign;
mod time;
mod variables;
mod vectors;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use toml::Table;

use crate::gateway::endpoint::check_url;
use crate::gateway::protocol::template::Template;
use crate::gateway::vendor::{DoctorTexts, EndpointFacts, Pack, Vendor};
use crate::settings::{Problems, Report, Section, parse_toml};

pub use vectors::failures;

/// The largest text of a pack, in bytes.
pub const LARGEST: usize = 1 << 20;

/// The longest name of a vendor.
const LONGEST_NAME: usize = 64;

/// Compiles a pack; `file` is its name in errors.
///
/// # Errors
/// All problems of the pack.
pub fn compile(text: &str, file: &str) -> Result<Vendor, Problems> {
    compile_beside(text, file, &[])
}

/// Compiles a pack that is used beside others, whose ids must differ from its own.
///
/// # Errors
/// All problems of the pack.
pub fn compile_beside(text: &str, file: &str, others: &[Vendor]) -> Result<Vendor, Problems> {
    let table = parse_toml(text, file)?;
    if let Some(words) = bounds::too_many(&table) {
        // To look for the lines of so many would take long.
        return Err(Problems(vec![format!("{file}: {words}")]));
    }
    let report = Report::default().of_text(Some(text.to_owned())).without_variables();
    let named = |Problems(problems)| Problems(problems.into_iter().map(|one| format!("{file}: {one}")).collect());
    if let Some((path, words)) = bounds::broken(&table) {
        report.problem(&path, words);
        report.finish(&Table::new()).map_err(named)?;
        return Err(Problems(Vec::new()));
    }
    let root = Section::root(&table, &report);
    // What the pack declares is read with the resources of the configuration.
    root.skip("resources");
    let mut pack = read(&root);
    pack.sandbox.paging = sandbox::read_paging(&table, pack.paging.as_ref());
    pack.sandbox.http = sandbox::read_http(&table);
    variables::check(&root, &pack);
    sent::check(&root, &pack);
    sign::check(&root, &pack);
    codes::check(&root, &pack);
    names::check(&root, &pack);
    ids::check(&root.section("ids"), &pack, others);
    // Other problems would change the signatures, too.
    let vendor = report.is_empty().then(|| interned(text, pack));
    if let Some(vendor) = vendor {
        vectors::check(&root, vendor);
    }
    let finished = report.finish(&table).map_err(named);
    // A report that is not empty has problems.
    finished.and_then(|_| vendor.ok_or(Problems(Vec::new())))
}

/// The vendor of a pack, which stays in memory for the life of the process: once for each text, however often it is
/// read.
fn interned(text: &str, pack: Pack) -> Vendor {
    static VENDORS: Mutex<BTreeMap<String, Vendor>> = Mutex::new(BTreeMap::new());
    let mut vendors = VENDORS.lock().unwrap_or_else(PoisonError::into_inner);
    *vendors.entry(text.to_owned()).or_insert_with(|| Vendor::new(Box::leak(Box::new(pack))))
}

fn read(root: &Section<'_>) -> Pack {
    let vendor = root.section("vendor");
    let name = vendor.required_text("name", "the name in configuration, metrics and logs");
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(is_name) {
        vendor.problem("name", "a name is made of small letters, digits and `_`");
    }
    if name.len() > LONGEST_NAME {
        vendor.problem("name", format!("a name has {LONGEST_NAME} characters at most"));
    }
    let credential = fields::read(&root.section("credential"));
    if credential.is_empty() {
        root.missing("credential", "what an account is configured with: a section for each field");
    }
    let place = |section: &Section<'_>, key: &str, help: &str| {
        let name = section.required_text(key, help);
        let place = credential.iter().position(|field| field.name == name);
        if place.is_none() && !name.is_empty() && !credential.is_empty() {
            section.problem(key, format!("[credential] has no field {name}"));
        }
        place.unwrap_or_default()
    };
    let key = place(&vendor, "key", "the field of [credential] that the gateway knows an account by");
    let sign = root.section("sign");
    let secret = sign.is_present().then(|| place(&sign, "secret", "the field of [credential] that signs"));
    let endpoints = read_endpoints(&root.section("endpoints"));
    if endpoints.is_empty() {
        root.missing("endpoints", "where the gateway is called");
    }
    let call = call::read(&root.section("call"));
    let answer = answer::read(&root.section("answer"));
    let codes = codes::read(&root.section("codes"));
    Pack {
        title: read_title(&vendor, "title").unwrap_or_else(|| name.clone()),
        time: time::read(&root.section("time")),
        signing: sign.is_present().then(|| sign::read(&sign, &credential)),
        login: login::read(&root.section("login"), &endpoints, &call),
        sandbox: sandbox::read(root, &codes, &answer),
        answer,
        paging: paging::read_usual(&root.section("paging")),
        codes,
        store_ids: ids::read_store(&root.section("ids").section("store")),
        methods: methods::read(&root.section("methods"), &endpoints, &call),
        organization_ids: ids::read_organization(&root.section("ids").section("organization")),
        lists_stores: vendor.flag("lists_stores", false),
        methods_begin: vendor.text("methods").unwrap_or_default(),
        doctor: read_doctor(&root.section("doctor")),
        vectors: vectors::read(root),
        name,
        endpoints,
        credential,
        options: fields::read_options(&root.section("options")),
        secret,
        key,
        call,
    }
}

fn read_endpoints(section: &Section<'_>) -> Vec<EndpointFacts> {
    let read = |(key, section): (String, Section<'_>)| EndpointFacts {
        label: read_title(&section, "label").unwrap_or_else(|| key.clone()),
        url: section.text("url").inspect(|url| check_url(&section, "url", url)),
        help: section.text("help").unwrap_or_else(|| "the address of the gateway".to_owned()),
        example: section.text("example"),
        credential: section.text("credential"),
        is_first: section.flag("first", false),
        key,
    };
    let mut endpoints: Vec<EndpointFacts> = section.entries().into_iter().map(read).collect();
    endpoints.sort_by_key(|endpoint| !endpoint.is_first);
    endpoints
}

fn read_doctor(section: &Section<'_>) -> DoctorTexts {
    DoctorTexts {
        unknown_key: section.text("unknown_key").unwrap_or_default(),
        wrong_secret: section.text("wrong_secret").unwrap_or_default(),
        no_method: section.text("no_method").unwrap_or_default(),
        hides_unknown_key: section.list("hides_unknown_key").unwrap_or_default(),
    }
}

/// Reads a title, which must not be empty.
fn read_title(section: &Section<'_>, key: &str) -> Option<String> {
    let title = section.text(key)?;
    if title.trim().is_empty() {
        section.problem(key, "this is empty: write a name, or leave it out");
    } else if title.contains(char::is_control) {
        section.problem(key, "this is one line without control characters");
    }
    Some(title)
}

/// Reads a text with variables.
fn read_template(section: &Section<'_>, key: &str) -> Template {
    let text = section.text(key).unwrap_or_default();
    Template::parse(&text).map_err(|error| section.problem(key, error)).unwrap_or_default()
}

/// Reads texts with variables, by name.
fn read_templates(section: &Section<'_>) -> Vec<(String, Template)> {
    section.names().into_iter().map(|name| (name.clone(), read_template(section, &name))).collect()
}
