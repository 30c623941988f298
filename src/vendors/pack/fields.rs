//! Reads `[credential]`, `[login.fields]` and `[options]`: the settings of an account.

use crate::gateway::vendor::{CredentialField, OptionFacts, OptionKind};
use crate::settings::Section;

/// Reads the fields of a credential or a login.
pub(super) fn read(section: &Section<'_>) -> Vec<CredentialField> {
    section.entries().into_iter().map(|(name, section)| read_field(name, &section)).collect()
}

fn read_field(name: String, section: &Section<'_>) -> CredentialField {
    let field = CredentialField {
        help: section.required_text("help", "what it is, and where to get it"),
        example: section.text("example"),
        is_secret: section.flag("secret", false),
        is_sent: section.flag("sent", false),
        default: section.text("default"),
        choices: section.list("choices").unwrap_or_default(),
        is_for_signing_only: section.flag("only_signs", false),
        name,
    };
    if field.is_secret && (field.default.is_some() || !field.choices.is_empty()) {
        section.problem("secret", "a secret has no `default` and no `choices`: an operator writes it");
    }
    if field.is_sent && !field.is_secret {
        section.problem("sent", "whatever is no secret may be sent: leave this out");
    }
    if let Some(default) = &field.default
        && !field.choices.is_empty()
        && !field.choices.contains(default)
    {
        section.problem("default", format!("{default} is not among `choices`"));
    }
    field
}

/// Reads `[options]`.
pub(super) fn read_options(section: &Section<'_>) -> Vec<OptionFacts> {
    let read = |(name, section): (String, Section<'_>)| OptionFacts {
        help: section.text("help").unwrap_or_else(|| "this is a whole number in a sensible range".to_owned()),
        example: section.integer("example"),
        kind: read_kind(&section),
        name,
    };
    section.entries().into_iter().map(read).collect()
}

fn read_kind(section: &Section<'_>) -> OptionKind {
    match section.required_text("type", "integer or choice").as_str() {
        "choice" => OptionKind::Choice(read_choices(section)),
        "integer" | "" => {
            let (least, most) = (section.integer("minimum"), section.integer("maximum"));
            let (minimum, maximum) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
            let default = section.integer("default");
            if minimum > maximum {
                section.problem("minimum", format!("{minimum} is more than `maximum`, so that no number is right"));
            } else if default.is_some_and(|default| !(minimum..=maximum).contains(&default)) {
                section.problem("default", "this is less than `minimum` or more than `maximum`");
            }
            OptionKind::Integer { minimum, maximum, default }
        }
        _ => {
            section.problem("type", "an option is an integer or a choice");
            section.names().iter().for_each(|name| section.skip(name));
            OptionKind::Choice(Vec::new())
        }
    }
}

/// Reads the words of a choice, of which the first is the default.
fn read_choices(section: &Section<'_>) -> Vec<String> {
    let choices = section.list("choices").unwrap_or_default();
    if choices.is_empty() && !section.has_problem("choices") {
        section.missing("choices", "the values that it may have; the first is the default");
    }
    choices
}
