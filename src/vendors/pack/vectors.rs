//! `[[vectors]]`: inputs with the signature that the vendor computes, and where they are from.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::gateway::account_settings::AccountSettings;
use crate::gateway::credential::{Credential, Value, WhichSecret};
use crate::gateway::protocol::{Argument, Call, Method, Protocol, Stamp};
use crate::gateway::stamps::Unique;
use crate::gateway::vendor::{Field, Pack, Vector, Vendor};
use crate::settings::Section;

pub(super) fn read(root: &Section<'_>) -> Vec<Vector> {
    root.tables("vectors").iter().map(read_one).collect()
}

fn read_one(section: &Section<'_>) -> Vector {
    Vector {
        source: section.required_text("source", "where the vector is from"),
        credential: texts(&section.section("credential")),
        method: section.text("method").unwrap_or_default(),
        time: section.parsed("time").unwrap_or_default(),
        time_form: section.text("time_form"),
        nonce: section.text("nonce"),
        system: texts(&section.section("system")),
        parameters: texts(&section.section("parameters")),
        signature: section.required_text("signature", "what the vendor computes"),
    }
}

fn texts(section: &Section<'_>) -> BTreeMap<String, String> {
    section.names().into_iter().filter_map(|name| Some((name.clone(), section.text(&name)?))).collect()
}

/// The vectors of a pack that this program computes otherwise, by their sources.
pub fn failures(pack: &'static Pack) -> Vec<String> {
    let wrong = |vector: &&Vector| signature(Vendor::new(pack), vector) != vector.signature;
    pack.vectors.iter().filter(wrong).map(|vector| vector.source.clone()).collect()
}

fn signature(vendor: Vendor, vector: &Vector) -> String {
    let (pack, facts) = (vendor.pack(), vendor.method(&vector.method));
    let form = vector.time_form.as_ref().and_then(|name| pack.time.forms.iter().position(|(own, _)| own == name));
    let stamp = Stamp { time: vector.time, nonce: vector.nonce.clone(), form: form.unwrap_or_default() };
    let method = Method {
        vendor,
        name: vector.method.clone().into(),
        version: facts.map_or(&pack.call.version, |facts| &facts.version).clone().into(),
        endpoint: facts.map_or(0, |facts| facts.endpoint),
    };
    let arguments = vector.parameters.iter();
    let arguments = arguments.map(|(name, value)| Argument::text(name.clone(), value.clone())).collect();
    let protocol = Protocol::new(&settings(vendor, vector), WhichSecret::First).with_parameters(&vector.system);
    protocol.explain(&Call { method, arguments, login: None }, &stamp).signature
}

fn settings(vendor: Vendor, vector: &Vector) -> AccountSettings {
    let pack = vendor.pack();
    let value = |field: &Field| {
        let given = vector.credential.get(&field.name).or(field.default.as_ref()).or(field.choices.first());
        let text = given.cloned().unwrap_or_default();
        if field.is_secret { Value::Secret(text.into()) } else { Value::Plain(text) }
    };
    let credential = Credential { values: pack.credential.iter().map(value).collect(), second: None, is_own: false };
    AccountSettings {
        vendor,
        endpoints: pack.endpoints.iter().map(|endpoint| endpoint.url.clone().unwrap_or_default()).collect(),
        endpoint: None,
        methods: BTreeMap::new(),
        credentials: vec![credential; pack.endpoints.len()],
        login: None,
        unique: Unique::Nonce,
        time_form: None,
        options: BTreeMap::new(),
        time_zone: pack.time.zone().unwrap_or(TimeZone::UTC),
    }
}
