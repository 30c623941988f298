//! `[resources.<name>.parameters.<parameter>]`: what callers may write.

use std::collections::BTreeMap;

use crate::directory::Directory;
use crate::gateway::vendor::Vendor;
use crate::resources::declared::parameter::{Kind, LONGEST_TEXT, Parameter};
use crate::resources::declared::path::{PathTemplate, is_name};
use crate::settings::Section;
use crate::vendors::Vendors;

/// What every call of an OMS carries; what every call of OPRetail carries begins with `_`.
/// Reads the parameters, in the order of the path, then by name; `None` when one of them cannot be used.
pub(super) fn read_parameters(
    section: &Section<'_>,
    path: Option<&PathTemplate>,
    vendor: Option<Vendor>,
    vendors: &Vendors,
) -> Option<Vec<Parameter>> {
    let declared = section.section("parameters");
    let in_path: Vec<&str> = path.map(|path| path.parameters().collect()).unwrap_or_default();
    for (number, name) in in_path.iter().enumerate() {
        if in_path.iter().take(number).any(|other| other == name) {
            section.problem("path", format!("{{{name}}} stands twice in it"));
        }
        if !declared.names().iter().any(|declared| declared == name) {
            section.problem(
                "path",
                format!("{{{name}}} is not declared: add a section parameters.{name} to this resource"),
            );
        }
    }
    let mut read: Vec<Option<Parameter>> = declared
        .entries()
        .iter()
        .map(|(name, entry)| read_parameter(name, entry, in_path.contains(&name.as_str()), vendor, vendors))
        .collect();
    // As they stand in the path, then the others by name.
    read.sort_by_key(|parameter| {
        let name = parameter.as_ref().map(|parameter| parameter.name.as_str()).unwrap_or_default();
        in_path.iter().position(|in_path| *in_path == name).unwrap_or(in_path.len())
    });
    read.into_iter().collect()
}

fn read_parameter(
    name: &str,
    section: &Section<'_>,
    is_in_path: bool,
    vendor: Option<Vendor>,
    vendors: &Vendors,
) -> Option<Parameter> {
    if !is_name(name) {
        section
            .problem("type", "a parameter's name is made of small letters, digits and `_`: name the section otherwise");
    }
    let wire = section.text("wire").unwrap_or_else(|| name.to_owned());
    check_wire_name(section, "wire", &wire, vendor);
    let kind = read_kind(section, vendor, vendors);
    check_vendor(section, kind.as_ref(), vendor);
    let is_list = section.flag("list", false);
    let is_required = section.flag("required", is_in_path);
    if is_in_path && (is_list || !is_required) {
        section.problem(
            if is_list { "list" } else { "required" },
            "what stands in the path is one value that must be there",
        );
    }
    if is_list && matches!(&kind, Some(Kind::OneOf(words)) if words.keys().any(|word| word.contains(','))) {
        section.problem("values", "a list is separated by commas: its words have none");
    }
    if is_list && matches!(kind, Some(Kind::Organization(_) | Kind::Boolean)) {
        section.problem("list", "of this type only one can be asked for");
    }
    let (description, example) = (section.text("description"), section.text("example"));
    let parameter =
        Parameter { name: name.to_owned(), wire, kind: kind?, is_in_path, is_required, is_list, description, example };
    match &parameter.example {
        None if is_required => section.missing("example", "a value that answers, for whoever tries it out"),
        Some(example) => {
            if let Err(error) =
                parameter.given(std::slice::from_ref(example), &Directory::new(Vec::new(), &vendors.ids()))
            {
                section.problem("example", error);
            }
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if is_in_path && !example.bytes().all(is_plain) {
                section.problem("example", "an example in the path is letters, digits, `-`, `.`, `_` and `~`");
            }
        }
        None => {}
    }
    Some(parameter)
}

fn read_kind(section: &Section<'_>, vendor: Option<Vendor>, vendors: &Vendors) -> Option<Kind> {
    let stores = store_types(vendors);
    let types = format!("{}, organization, text, integer, boolean, date", stores.join(", "));
    let name = section.required_text("type", &format!("{types} or one_of"));
    let kind = match name.as_str() {
        "" => return None,
        "organization" => Kind::Organization(with_organizations(section, vendor?)?),
        // Each reads only what belongs to it: the rest is told to be no setting.
        "text" => Kind::Text(section.integer("longest").unwrap_or(LONGEST_TEXT)),
        "integer" => Kind::Integer(read_bound(section, "minimum", 0), read_bound(section, "maximum", u32::MAX)),
        "boolean" => Kind::Boolean,
        "date" => Kind::Date,
        "one_of" => Kind::OneOf(read_words(section)),
        _ => match vendors.iter().find(|vendor| parameter_type(*vendor) == Some(name.as_str())) {
            Some(vendor) => Kind::Store(vendor),
            // It may be the type of a vendor whose pack has problems.
            None if !vendors.unread().is_empty() => return None,
            None => {
                section.problem("type", format!("the types are {types} and one_of"));
                return None;
            }
        },
    };
    match &kind {
        Kind::Text(0) => section.problem("longest", "a text has at least one character"),
        Kind::Integer(least, most) if least > most => section.problem("minimum", "this is above `maximum`"),
        Kind::OneOf(words) if words.is_empty() => {
            section.problem(
                "values",
                "list the words: [\"day\", \"hour\"], or a section with what the vendor gets for each",
            );
        }
        Kind::OneOf(words) if words.keys().any(|word| word.trim().is_empty()) => {
            section.problem("values", "a word has at least one letter");
        }
        _ => {}
    }
    Some(kind)
}

fn read_bound(section: &Section<'_>, key: &str, default: u32) -> u32 {
    let number: Option<i64> = section.integer(key);
    let bound = number.map(u32::try_from);
    if matches!(bound, Some(Err(_))) {
        section.problem(key, format!("write a whole number from 0 to {}", u32::MAX));
    }
    bound.and_then(Result::ok).unwrap_or(default)
}

/// What one vendor grants says nothing of another's numbers.
fn check_vendor(section: &Section<'_>, kind: Option<&Kind>, vendor: Option<Vendor>) {
    let Some(vendor) = vendor else { return };
    match kind {
        Some(Kind::Store(wanted)) if *wanted != vendor => {
            let own = parameter_type(vendor).unwrap_or("text");
            section.problem("type", format!("this is {wanted}'s, and the method is another gateway's: write {own}"));
        }
        _ => {}
    }
}

fn with_organizations(section: &Section<'_>, vendor: Vendor) -> Option<Vendor> {
    if vendor.pack().organization_ids.is_none() {
        section.problem("type", format!("{vendor} has no organizations: write text"));
        return None;
    }
    Some(vendor)
}

fn parameter_type(vendor: Vendor) -> Option<&'static str> {
    vendor.pack().store_ids.as_ref().map(|ids| ids.parameter_type.as_str())
}

/// The types of parameters that name a store of a vendor's.
fn store_types(vendors: &Vendors) -> Vec<&'static str> {
    vendors.iter().filter_map(parameter_type).collect()
}

/// `values = ["day", "hour"]`, or `values = { day = "1", hour = "2" }`.
fn read_words(section: &Section<'_>) -> BTreeMap<String, String> {
    if section.is_section("values") {
        let values = section.section("values");
        return values.names().into_iter().filter_map(|word| Some((word.clone(), values.text(&word)?))).collect();
    }
    let words = section.list("values").unwrap_or_default();
    words.into_iter().map(|word| (word.clone(), word)).collect()
}

/// The vendor's name of a parameter, which must leave those alone that sign the call.
pub(super) fn check_wire_name(section: &Section<'_>, key: &str, name: &str, vendor: Option<Vendor>) {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !is_name {
        section.problem(key, format!("{name:?} is no name of a gateway's parameter"));
    }
    let is_system = vendor.is_some_and(|vendor| vendor.is_reserved(name));
    if is_system {
        section.problem(key, format!("{name} belongs to the signature of the call, and this service writes it itself"));
    }
}
