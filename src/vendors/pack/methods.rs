//! `[methods]`: what is known of the methods that the vendor documents.

use super::read_templates;
use crate::gateway::vendor::{EndpointFacts, MethodFacts};
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>, endpoints: &[EndpointFacts], version: &str) -> Vec<MethodFacts> {
    let read = |(name, section): (String, Section<'_>)| MethodFacts {
        name,
        version: section.text("version").unwrap_or_else(|| version.to_owned()),
        endpoint: read_endpoint(&section, endpoints),
        probe: read_templates(&section.section("probe")),
        probe_finds_nothing: section.flag("probe_finds_nothing", false),
        is_secret: section.flag("secret", false),
        instead: section.text("instead"),
    };
    section.entries().into_iter().map(read).collect()
}

/// The place of the endpoint that `endpoint` names; the first without it.
pub(super) fn read_endpoint(section: &Section<'_>, endpoints: &[EndpointFacts]) -> usize {
    let Some(label) = section.text("endpoint") else { return 0 };
    let place = endpoints.iter().position(|endpoint| endpoint.label == label);
    place.unwrap_or_else(|| {
        section.problem("endpoint", format!("[endpoints] has none with the label {label}"));
        0
    })
}
