//! Reads `[methods]`: the methods that the vendor documents.

use super::call::read_http;
use crate::gateway::protocol::encoding::CallForm;
use crate::gateway::protocol::members::pointer;
use crate::gateway::protocol::template::Template;
use crate::gateway::vendor::{EndpointFacts, MethodFacts, ProbeParameter};
use crate::settings::{Scalar, Section};

pub(super) fn read(section: &Section<'_>, endpoints: &[EndpointFacts], call: &CallForm) -> Vec<MethodFacts> {
    let entries = section.entries().into_iter().filter(|(name, entry)| {
        let is_of_others = entry.names().iter().any(|key| key != "probe" && entry.is_section(key));
        if is_of_others {
            section.unquoted(name);
        }
        !is_of_others
    });
    entries.map(|(name, section)| read_one(name, &section, endpoints, call)).collect()
}

fn read_one(name: String, section: &Section<'_>, endpoints: &[EndpointFacts], call: &CallForm) -> MethodFacts {
    let facts = MethodFacts {
        name,
        version: section.text("version").unwrap_or_else(|| call.version.clone()),
        endpoint: read_endpoint(section, endpoints),
        http: read_http(section).unwrap_or(call.http),
        probe: read_probe(&section.section("probe")),
        probe_has: read_pointers(section, "probe_has"),
        probe_finds_nothing: section.flag("probe_finds_nothing", false),
        is_secret: section.flag("secret", false),
        instead: section.text("instead"),
    };
    let has_probe = facts.probe.is_some() || section.has_problem("probe");
    for (key, is_there) in
        [("probe_finds_nothing", facts.probe_finds_nothing), ("probe_has", !facts.probe_has.is_empty())]
    {
        if is_there && !has_probe {
            section.problem(key, "there is no `probe` that this could be about");
        }
    }
    facts
}

/// Reads a probe, which may have no parameters.
fn read_probe(section: &Section<'_>) -> Option<Vec<ProbeParameter>> {
    let read = |name: String| {
        let Scalar { text, is_json } = section.get(&name)?;
        let value = Template::parse(&text).map_err(|error| section.problem(&name, error)).ok()?;
        Some(ProbeParameter { name, value, is_json })
    };
    section.is_present().then(|| section.names().into_iter().filter_map(read).collect())
}

fn read_pointers(section: &Section<'_>, key: &str) -> Vec<String> {
    let pointers = section.list(key).unwrap_or_default();
    pointers.iter().filter_map(|text| pointer(text).err()).for_each(|error| section.problem(key, error));
    pointers
}

/// The index of the endpoint that `endpoint` names; without it, that of the first.
pub(super) fn read_endpoint(section: &Section<'_>, endpoints: &[EndpointFacts]) -> usize {
    let Some(label) = section.text("endpoint") else { return 0 };
    let place = endpoints.iter().position(|endpoint| endpoint.label == label);
    place.unwrap_or_else(|| {
        if endpoints.is_empty() {
            return 0;
        }
        section.problem("endpoint", format!("[endpoints] has none with the label {label}"));
        0
    })
}
