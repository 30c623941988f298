//! `[resources.<name>.parameters.<parameter>]`: the settings of the parameters that callers may send.

use std::collections::BTreeMap;

use serde_json::json;

use crate::directory::Directory;
use crate::gateway::protocol::encoding::member_names;
use crate::gateway::vendor::Vendor;
use crate::resources::declared::parameter::{DeclaredKind, DeclaredParameter};
use crate::resources::declared::path::{PathTemplate, is_name};
use crate::resources::params::{Location, Parameter, ParameterKind as _, Presence};
use crate::settings::{Kind, Section, SectionSettings as _, SettingValue, choices, section};
use crate::vendors::Vendors;

section! {
    /// A parameter that callers may send.
    #[derive(Debug)]
    pub struct ParameterSection in "resources.<traffic>.parameters.<store_id>" on restart {
        /// The type; it must be set: a vendor's store (`opretail_store`, `oms_store`), `organization`, `text`,
        /// `integer`, `boolean`, `date` or `one_of`.
        kind("type"): String, example "opretail_store";
        /// The vendor's name of the parameter; the same name unless set. Where parameters travel as JSON, `/a/b` is the
        /// member `b` of the member `a`.
        wire: Option<String>, example "id";
        /// Whether several values may be given, separated by commas.
        list: bool = false;
        /// How several values are sent: as one text with commas, or as a JSON list of texts or, of the type `integer`,
        /// of numbers.
        json: ListForm = "text";
        /// Whether it must be given; a parameter in the path must.
        required: Option<bool>, example true;
        /// The description in the API document.
        description: Option<String>, example "The store, by any of its ids.";
        /// An example that works.
        example: Option<String>, example "S_123456";
    }
}

choices! {
    /// How several values are sent.
    pub enum ListForm {
        /// One text with commas.
        Text = "text",
        /// A JSON list.
        List = "list",
    } else "several values go as text, with commas, or as a JSON list"
}

section! {
    /// A parameter of the type `text`.
    #[derive(Debug)]
    pub struct TextSection in "resources.<traffic>.parameters.<store_id>" on restart {
        /// Of the type `text`: the longest value, in characters.
        longest: usize = 64;
    }
}

section! {
    /// A parameter of the type `integer`.
    #[derive(Debug)]
    pub struct IntegerSection in "resources.<traffic>.parameters.<store_id>" on restart {
        /// Of the type `integer`: the smallest value.
        minimum: i64 = 0, from 0 to 9007199254740992 else "write a whole number from 0 to 9007199254740992";
        /// Of the type `integer`: the largest value.
        maximum: i64 = 4294967295, from 0 to 9007199254740992 else "write a whole number from 0 to 9007199254740992";
    }
}

section! {
    /// A parameter of the type `one_of`.
    #[derive(Debug)]
    pub struct WordsSection in "resources.<traffic>.parameters.<store_id>" on restart {
        /// Of the type `one_of`: the words, or a table of words with the value that is sent for each.
        values: Words, example ["day", "hour"];
    }
}

/// Words, each with the value that is sent for it: `["day", "hour"]`, or `{ day = "1", hour = "2" }`.
#[derive(Debug, Default)]
pub struct Words(BTreeMap<String, String>);

impl SettingValue for Words {
    fn kind() -> Kind {
        let (list, map) = (Vec::<String>::kind(), BTreeMap::<String, String>::kind());
        Kind {
            name: format!("{}, or {}", list.name, map.name).into(),
            schema: json!({"anyOf": [list.schema, map.schema]}),
        }
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        if section.is_section(key) {
            return section.get(key).map(Self);
        }
        Some(Self(section.list(key)?.into_iter().map(|word| (word.clone(), word)).collect()))
    }
}

/// Reads the parameters, in the order of the path, then by name; `None` when one of them cannot be used.
pub(super) fn read_parameters(
    section: &Section<'_>,
    path: Option<&PathTemplate>,
    vendor: Option<Vendor>,
    vendors: &Vendors,
) -> Option<Vec<DeclaredParameter>> {
    let declared = section.section("parameters");
    let in_path: Vec<&str> = path.map(|path| path.parameters().collect()).unwrap_or_default();
    for (number, name) in in_path.iter().enumerate() {
        if in_path.iter().take(number).any(|other| other == name) {
            section.problem("path", format!("{{{name}}} is in it twice"));
        }
        if !declared.names().iter().any(|declared| declared == name) {
            section.problem(
                "path",
                format!("{{{name}}} is not declared: add a section parameters.{name} to this resource"),
            );
        }
    }
    let mut read: Vec<Option<DeclaredParameter>> = declared
        .entries()
        .iter()
        .map(|(name, entry)| read_parameter(name, entry, in_path.contains(&name.as_str()), vendor, vendors))
        .collect();
    // In the order of the path, then by name.
    read.sort_by_key(|read| {
        let name = read.as_ref().map(|read| &*read.parameter.name).unwrap_or_default();
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
) -> Option<DeclaredParameter> {
    if !is_name(name) {
        section
            .problem("type", "a parameter's name is made of small letters, digits and `_`: name the section otherwise");
    }
    let read = ParameterSection::read(section);
    let wire = read.wire.unwrap_or_else(|| name.to_owned());
    check_wire_name(section, "wire", &wire, vendor);
    let kind = read_kind(section, &read.kind, vendor, vendors);
    if kind.is_none() {
        // Those of one type belong to the type that was meant.
        let of_types = [TextSection::table(), IntegerSection::table(), WordsSection::table()];
        of_types.iter().flat_map(|table| &table.settings).for_each(|setting| section.skip(&setting.name));
    }
    check_vendor(section, kind.as_ref(), vendor);
    let (is_list, is_required) = (read.list, read.required.unwrap_or(is_in_path));
    if is_in_path && (is_list || !is_required) {
        section.problem(
            if is_list { "list" } else { "required" },
            "what stands in the path is one value that must be there",
        );
    }
    let is_json_list = read.json == ListForm::List;
    if is_json_list && !is_list {
        section.problem("json", "only a parameter with `list = true` has several values");
    }
    if is_list && matches!(&kind, Some(DeclaredKind::OneOf(words)) if words.keys().any(|word| word.contains(','))) {
        section.problem("values", "a list is separated by commas: its words have none");
    }
    if is_list && matches!(kind, Some(DeclaredKind::Organization(_) | DeclaredKind::Boolean)) {
        section.problem("list", "of this type only one can be asked for");
    }
    let (description, example, kind) = (read.description, read.example, kind?);
    match &example {
        None if is_required => section.missing("example", "an example that works"),
        Some(example) => check_example(section, &kind, example, is_in_path, vendors),
        None => {}
    }
    let description = description.unwrap_or_else(|| described(&kind, &wire));
    let location = if is_in_path { Location::Path } else { Location::Query };
    let parameter = Parameter {
        name: name.to_owned().into(),
        description: description.into(),
        example: example.filter(|_| is_required).map(Into::into),
        kind,
    };
    Some(DeclaredParameter { parameter, presence: Presence { location, is_required, is_list }, wire, is_json_list })
}

fn check_example(section: &Section<'_>, kind: &DeclaredKind, example: &str, is_in_path: bool, vendors: &Vendors) {
    if let Err(error) = kind.parse(example, &Directory::new(Vec::new(), &vendors.ids())) {
        section.problem("example", error.message);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if is_in_path && !example.bytes().all(is_plain) {
        section.problem("example", "an example in the path is letters, digits, `-`, `.`, `_` and `~`");
    }
}

/// The default description of a parameter for which the declaration has none.
fn described(kind: &DeclaredKind, wire: &str) -> String {
    match kind {
        DeclaredKind::Store(_) => "The store, by any of its ids.".to_owned(),
        DeclaredKind::Organization(vendor) => {
            let pack = vendor.pack();
            let prefix = pack.organization_ids.as_ref().map_or("", |ids| ids.form.prefix.as_str());
            let written = if prefix.is_empty() { String::new() } else { format!(" with or without `{prefix}`") };
            format!("The organization: {}'s number{written}.", pack.title)
        }
        _ => format!("The gateway's `{wire}`."),
    }
}

fn read_kind(section: &Section<'_>, name: &str, vendor: Option<Vendor>, vendors: &Vendors) -> Option<DeclaredKind> {
    let stores = store_types(vendors);
    let types = format!("{}, organization, text, integer, boolean, date", stores.join(", "));
    let kind = match name {
        _ if name.trim().is_empty() => {
            section.missing("type", &format!("{types} or one_of"));
            return None;
        }
        "organization" => DeclaredKind::Organization(with_organizations(section, vendor?)?),
        // Each type reads only its own settings: others are reported as unknown.
        "text" => DeclaredKind::Text(TextSection::read(section).longest),
        "integer" => {
            let IntegerSection { minimum, maximum } = IntegerSection::read(section);
            let [least, most] = [minimum, maximum].map(|bound| u64::try_from(bound).unwrap_or_default());
            DeclaredKind::Integer(least..=most)
        }
        "boolean" => DeclaredKind::Boolean,
        "date" => DeclaredKind::Date,
        "one_of" => DeclaredKind::OneOf(WordsSection::read(section).values.0),
        _ => match vendors.iter().find(|vendor| parameter_type(*vendor) == Some(name)) {
            Some(vendor) => DeclaredKind::Store(vendor),
            // The type may belong to a vendor whose pack has problems.
            None if !vendors.unread().is_empty() => return None,
            None => {
                section.problem("type", format!("the types are {types} and one_of"));
                return None;
            }
        },
    };
    match &kind {
        DeclaredKind::Text(0) => section.problem("longest", "a text has at least one character"),
        DeclaredKind::Integer(range) if range.is_empty() => section.problem("minimum", "this is above `maximum`"),
        DeclaredKind::OneOf(words) if words.is_empty() => {
            section.problem(
                "values",
                "list the words: [\"day\", \"hour\"], or a section with what the vendor gets for each",
            );
        }
        DeclaredKind::OneOf(words) if words.keys().any(|word| word.trim().is_empty()) => {
            section.problem("values", "a word has at least one letter");
        }
        _ => {}
    }
    Some(kind)
}

/// Checks that a store or organization belongs to the vendor that is called: a grant at one vendor says nothing about
/// another's ids.
fn check_vendor(section: &Section<'_>, kind: Option<&DeclaredKind>, vendor: Option<Vendor>) {
    let Some(vendor) = vendor else { return };
    match kind {
        Some(DeclaredKind::Store(wanted)) if *wanted != vendor => {
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

/// The parameter types that name a store of a vendor.
fn store_types(vendors: &Vendors) -> Vec<&'static str> {
    vendors.iter().filter_map(parameter_type).collect()
}

/// Reads the vendor's name of a parameter, which must not be one of those that sign the call.
pub(super) fn check_wire_name(section: &Section<'_>, key: &str, name: &str, vendor: Option<Vendor>) {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if !member_names(name).all(is_name) {
        section.problem(key, format!("{name:?} is no name of a gateway's parameter"));
    }
    let is_system = vendor.is_some_and(|vendor| vendor.is_reserved(name));
    if is_system {
        section.problem(key, format!("{name} belongs to the signature of the call, and this service writes it itself"));
    }
}
