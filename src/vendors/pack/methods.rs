//! `[methods]`: what is known of the methods that the vendor documents.

use super::read_templates;
use crate::gateway::protocol::members::pointer;
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{EndpointFacts, Field, MethodFacts, OptionFacts};
use crate::settings::Section;

pub(super) fn read(
    section: &Section<'_>,
    endpoints: &[EndpointFacts],
    version: &str,
    (credential, options): (&[Field], &[OptionFacts]),
) -> Vec<MethodFacts> {
    let read = |(name, section): (String, Section<'_>)| MethodFacts {
        name,
        version: section.text("version").unwrap_or_else(|| version.to_owned()),
        endpoint: read_endpoint(&section, endpoints),
        probe: read_probe(&section.section("probe"), credential, options),
        probe_has: read_pointers(&section, "probe_has"),
        probe_finds_nothing: section.flag("probe_finds_nothing", false),
        is_secret: section.flag("secret", false),
        instead: section.text("instead"),
    };
    section.entries().into_iter().map(read).collect()
}

/// Texts of what is known before a call is made.
fn read_probe(section: &Section<'_>, credential: &[Field], options: &[OptionFacts]) -> Vec<(String, Template)> {
    let probe = read_templates(section);
    for (name, template) in &probe {
        for variable in template.variables() {
            match variable {
                Variable::Store | Variable::Today => {}
                Variable::Option(option) if options.iter().any(|own| own.name == *option) => {}
                Variable::Option(option) => section.problem(name, format!("[options] has no {option}")),
                Variable::Credential(field) => super::call::check_field(section, name, field, credential),
                _ => section.problem(
                    name,
                    format!("{variable} is not known in a probe, which has {{store}}, {{today}}, {{option.NAME}} and {{credential.NAME}}"),
                ),
            }
        }
    }
    probe
}

fn read_pointers(section: &Section<'_>, key: &str) -> Vec<String> {
    let pointers = section.list(key).unwrap_or_default();
    pointers.iter().filter_map(|text| pointer(text).err()).for_each(|error| section.problem(key, error));
    pointers
}

/// The place of the endpoint that `endpoint` names; the first without it.
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
