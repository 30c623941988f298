//! Reads `[ids.store]` and `[ids.organization]`: the form of a vendor's store and organization ids.

use crate::gateway::vendor::{NumberForm, OrganizationIds, Pack, StoreIds, Vendor};
use crate::settings::Section;

/// The columns of a store directory that belong to no vendor.
const OWN_COLUMNS: [&str; 2] = ["id", "name"];

/// The types of declared parameters that belong to no vendor.
const OWN_TYPES: [&str; 6] = ["organization", "text", "integer", "boolean", "date", "one_of"];

/// The longest id that callers may write, in characters.
const LONGEST: usize = 32;

pub(super) fn read_store(section: &Section<'_>) -> Option<StoreIds> {
    section.is_present().then(|| StoreIds {
        column: read_name(section, "column", "the column of the store directory", &OWN_COLUMNS),
        parameter_type: read_name(section, "parameter_type", "the type of a declared parameter", &OWN_TYPES),
        label: section.required_text("label", "what an id is called in sentences"),
        needed_for: section.text("needed_for"),
        form: read_form(section),
    })
}

pub(super) fn read_organization(section: &Section<'_>) -> Option<OrganizationIds> {
    section.is_present().then(|| OrganizationIds { form: read_form(section) })
}

/// Refuses ids that could be confused with others of the pack or of another vendor, and examples of another form.
pub(super) fn check(section: &Section<'_>, pack: &Pack, others: &[Vendor]) {
    let (store, organization) = forms(pack);
    if let (Some(store), Some(organization)) = (store, organization)
        && begin_alike(store, organization)
    {
        let words =
            "a store's number has a prefix that begins alike, so the two cannot be distinguished: take another one";
        section.section("organization").problem("prefix", words);
    }
    for other in others.iter().filter(|other| other.name() != pack.name) {
        let refuse = |part: &str, key: &str, taken: &str| {
            let words = format!("{other} has `{taken}`, and ids of two vendors must differ: take another one");
            section.section(part).problem(key, words);
        };
        if let (Some(own), Some(others)) = (&pack.store_ids, &other.pack().store_ids) {
            if own.column == others.column {
                refuse("store", "column", &others.column);
            }
            if own.parameter_type == others.parameter_type {
                refuse("store", "parameter_type", &others.parameter_type);
            }
        }
        let (their_store, their_organization) = forms(other.pack());
        for (part, own) in [("store", store), ("organization", organization)] {
            let mut theirs = [their_store, their_organization].into_iter().flatten();
            if let Some(taken) = own.and_then(|own| theirs.find(|theirs| begin_alike(own, theirs))) {
                refuse(part, "prefix", &taken.prefix);
            }
        }
    }
    for (part, form) in [("store", store), ("organization", organization)] {
        form.iter().for_each(|form| check_example(&section.section(part), form));
    }
}

/// The forms of a pack's store and organization ids.
fn forms(pack: &Pack) -> (Option<&NumberForm>, Option<&NumberForm>) {
    (pack.store_ids.as_ref().map(|ids| &ids.form), pack.organization_ids.as_ref().map(|ids| &ids.form))
}

/// Whether one prefix begins with the other, so that an id could have both.
fn begin_alike(own: &NumberForm, other: &NumberForm) -> bool {
    let (own, other) = (own.prefix.as_str(), other.prefix.as_str());
    !own.is_empty() && !other.is_empty() && (own.starts_with(other) || other.starts_with(own))
}

fn read_name(section: &Section<'_>, key: &str, help: &str, taken: &[&str]) -> String {
    let name = section.required_text(key, help);
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        section.problem(key, "a name is made of small letters, digits and `_`");
    } else if taken.contains(&name.as_str()) {
        section.problem(key, format!("`{name}` means something else already: take another name"));
    }
    name
}

/// Checks that the example has the form of the ids, if that form is valid itself.
fn check_example(section: &Section<'_>, form: &NumberForm) {
    let is_example = form.number(&form.example).is_some_and(|bare| form.full(bare) == form.example);
    let is_id = form.example.len() <= LONGEST && form.example.bytes().all(is_letter);
    let is_read = ["prefix", "digits", "longest"].iter().all(|key| !section.has_problem(key));
    if is_read && !(form.example.is_empty() || is_example && is_id) {
        section.problem("example", format!("this is no number of the vendor's: write {}", form.described()));
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

fn read_form(section: &Section<'_>) -> NumberForm {
    let form = NumberForm {
        prefix: section.text("prefix").unwrap_or_default(),
        is_digits: section.flag("digits", false),
        longest: section.integer("longest"),
        example: section.required_text("example", "one of the vendor's numbers, with its prefix, for messages"),
    };
    let is_digits = !form.prefix.is_empty() && form.prefix.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits || form.prefix.len() >= LONGEST || !form.prefix.bytes().all(is_letter) {
        section.problem("prefix", "a prefix is letters, digits, `_`, `-` or `.`, fewer than 32, and not digits alone");
    }
    let most = LONGEST.saturating_sub(form.prefix.len());
    if form.longest.is_some_and(|longest| !(1..=most).contains(&longest)) {
        section.problem("longest", format!("an id has 1 to {LONGEST} characters with its prefix"));
    }
    form
}
