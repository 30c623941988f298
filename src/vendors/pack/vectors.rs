//! Reads `[[vectors]]`: inputs with the signature that the vendor computes, and their source.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use crate::gateway::account_settings::AccountSettings;
use crate::gateway::credential::{Credential, CredentialValue, WhichSecret};
use crate::gateway::protocol::{Argument, Call, Method, Protocol, TimestampAndNonce};
use crate::gateway::stamps::Uniqueness;
use crate::gateway::vendor::{CredentialField, EndpointFacts, Pack, Vector, Vendor};
use crate::settings::{Scalar, Section};

const OTHERWISE: &str = "the pack computes another signature: correct the vector, or [sign] and [call]";

pub(super) fn read(root: &Section<'_>) -> Vec<Vector> {
    root.tables("vectors").iter().map(read_one).collect()
}

fn read_one(section: &Section<'_>) -> Vector {
    Vector {
        source: read_source(section),
        credential: texts(&section.section("credential")),
        method: section.required_text("method", "the vendor's name of the method"),
        url: section.text("url"),
        time: read_time(section).unwrap_or_default(),
        time_form: section.text("time_form"),
        nonce: section.text("nonce"),
        token: section.text("token"),
        system: texts(&section.section("system")),
        parameters: scalars(&section.section("parameters")).collect(),
        signature: section.required_text("signature", "what the vendor computes"),
    }
}

fn read_time(section: &Section<'_>) -> Option<Timestamp> {
    const HELP: &str = "write a time as RFC 3339 does, such as 2024-01-01T10:00:00+08:00";
    section.text("time")?.parse().map_err(|_| section.problem("time", HELP)).ok()
}

/// Reads where a vector is from, which `storegate vendor check` prints in one line.
fn read_source(section: &Section<'_>) -> String {
    let source = section.required_text("source", "where the vector is from");
    if source.trim_end().contains(char::is_control) {
        section.problem("source", "this is one line without control characters");
    }
    source.trim().to_owned()
}

/// Reads values of any type, by name.
fn scalars<'a>(section: &'a Section<'_>) -> impl Iterator<Item = (String, Scalar)> + use<'a> {
    section.names().into_iter().filter_map(|name| Some((name.clone(), section.get(&name)?)))
}

/// Reads values that travel as texts, by name.
fn texts(section: &Section<'_>) -> BTreeMap<String, String> {
    scalars(section).map(|(name, value)| (name, value.text)).collect()
}

/// Refuses vectors with unknown names, and those whose signature the pack does not reproduce.
pub(super) fn check(root: &Section<'_>, vendor: Vendor) {
    let pack = vendor.pack();
    for (section, vector) in root.tables("vectors").iter().zip(&pack.vectors) {
        let unknown = |key: &str, part: &str, names: &BTreeMap<String, String>, is_known: &dyn Fn(&str) -> bool| {
            let section = section.section(key);
            let unknown = names.keys().filter(|name| !is_known(name));
            let refuse = |name: &String| section.problem(name, format!("{part} has no {name}"));
            unknown.map(refuse).count() > 0
        };
        let is_field = |name: &str| pack.credential.iter().any(|field| field.name == name);
        let is_system = |name: &str| pack.call.parameters.iter().any(|(own, _)| own == name);
        let has_unknown = unknown("credential", "[credential]", &vector.credential, &is_field)
            | unknown("system", "[call.parameters]", &vector.system, &is_system);
        let form = vector.time_form.as_ref();
        if form.is_some_and(|form| !pack.time.forms.iter().any(|(own, _)| own == form)) {
            section.problem("time_form", "[time.forms] has no such form");
        } else if !has_unknown && signature(vendor, vector) != vector.signature {
            let is_lacking = |field: &&CredentialField| field.default.is_none() && field.choices.is_empty();
            let mut lacking = pack.credential.iter().filter(is_lacking).map(|field| &field.name);
            match lacking.find(|name| !vector.credential.contains_key(*name)) {
                Some(name) => section.problem("credential", format!("missing: {name}, a field of [credential]")),
                None => section.problem("signature", OTHERWISE),
            }
        }
    }
}

/// The sources of a pack's vectors for which this program computes another signature.
pub fn failures(pack: &'static Pack) -> Vec<String> {
    let wrong = |vector: &&Vector| signature(Vendor::new(pack), vector) != vector.signature;
    pack.vectors.iter().filter(wrong).map(|vector| vector.source.clone()).collect()
}

fn signature(vendor: Vendor, vector: &Vector) -> String {
    let pack = vendor.pack();
    let form = vector.time_form.as_ref().and_then(|name| pack.time.forms.iter().position(|(own, _)| own == name));
    let stamp = TimestampAndNonce { time: vector.time, nonce: vector.nonce.clone(), form: form.unwrap_or_default() };
    let method = Method::of(vendor, vector.method.clone());
    let arguments = vector.parameters.iter().map(|(name, value)| Argument::of(name, value)).collect();
    let protocol = Protocol::new(&settings(vendor, vector), WhichSecret::First).with_parameters(&vector.system);
    let token = vector.token.as_deref().map(SecretString::from);
    protocol.explain(&Call { method, arguments, login: None }, &stamp, token.as_ref()).signature
}

fn settings(vendor: Vendor, vector: &Vector) -> AccountSettings {
    let pack = vendor.pack();
    let value = |field: &CredentialField| {
        let given = vector.credential.get(&field.name).or(field.default.as_ref()).or(field.choices.first());
        let text = given.cloned().unwrap_or_default();
        if field.is_secret { CredentialValue::Secret(text.into()) } else { CredentialValue::Plain(text) }
    };
    let credential = Credential { values: pack.credential.iter().map(value).collect(), second: None, is_own: false };
    let url = |facts: &EndpointFacts| vector.url.as_ref().or(facts.url.as_ref()).cloned().unwrap_or_default();
    AccountSettings {
        vendor,
        endpoints: pack.endpoints.iter().map(url).collect(),
        endpoint: None,
        methods: BTreeMap::new(),
        credentials: vec![credential; pack.endpoints.len()],
        login: None,
        token: None,
        unique: Uniqueness::Nonce,
        time_form: None,
        options: BTreeMap::new(),
        time_zone: pack.time.zone().unwrap_or(TimeZone::UTC),
    }
}
