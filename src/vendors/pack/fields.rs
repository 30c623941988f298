//! `[credential]`, `[login.fields]` and `[options]`: what an account is configured with.

use crate::gateway::vendor::{Field, OptionFacts, OptionKind};
use crate::settings::Section;

/// Reads fields.
pub(super) fn read(section: &Section<'_>) -> Vec<Field> {
    let read = |(name, section): (String, Section<'_>)| Field {
        help: section.required_text("help", "what it is, and where to get it"),
        is_secret: section.flag("secret", false),
        default: section.text("default"),
        choices: section.list("choices").unwrap_or_default(),
        is_for_signing_only: section.flag("only_signs", false),
        name,
    };
    section.entries().into_iter().map(read).collect()
}

/// Reads `[options]`.
pub(super) fn read_options(section: &Section<'_>) -> Vec<OptionFacts> {
    let read = |(name, section): (String, Section<'_>)| {
        let help = section.text("help").unwrap_or_else(|| "this is a whole number in a sensible range".to_owned());
        let kind = match section.required_text("type", "integer or choice").as_str() {
            "choice" => OptionKind::Choice(section.list("choices").unwrap_or_default()),
            "integer" | "" => OptionKind::Integer {
                minimum: section.integer("minimum").unwrap_or(i64::MIN),
                maximum: section.integer("maximum").unwrap_or(i64::MAX),
                default: section.integer("default"),
                help,
            },
            _ => {
                section.problem("type", "an option is an integer or a choice");
                OptionKind::Choice(Vec::new())
            }
        };
        OptionFacts { name, kind }
    };
    section.entries().into_iter().map(read).collect()
}
