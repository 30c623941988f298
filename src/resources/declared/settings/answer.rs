//! `select`, `answer` and `[resources.<name>.fields.<field>]`: what callers get.

use crate::resources::declared::answer::{AnswerShape, DeclaredAnswer, DeclaredField, FieldKind};
use crate::resources::declared::path::is_name;
use crate::settings::Section;

/// Reads what callers get; `None` when it cannot be used.
pub(super) fn read_answer(section: &Section<'_>) -> Option<DeclaredAnswer> {
    let select = section.text("select").unwrap_or_default();
    check_pointer(section, "select", &select);
    let declared = section.section("fields");
    let fields: Option<Vec<DeclaredField>> =
        declared.entries().iter().map(|(name, entry)| read_field(name, entry)).collect();
    let shape = match section.text("answer").as_deref() {
        None | Some("as_given") => {
            if declared.is_present() {
                section.problem("fields", "an answer with fields is an object or a list: say which in `answer`");
            }
            AnswerShape::AsGiven
        }
        Some("object") => AnswerShape::Object(fields?),
        Some("list") => AnswerShape::List(fields?),
        Some(_) => {
            section.problem("answer", "an answer is an object, a list, or as_given");
            return None;
        }
    };
    Some(DeclaredAnswer { select, shape })
}

fn read_field(name: &str, section: &Section<'_>) -> Option<DeclaredField> {
    if !is_name(name) {
        section.problem("type", "a field's name is made of small letters, digits and `_`: name the section otherwise");
    }
    let pointer = section.required_text("from", "where it stands in the gateway's object, such as /flow");
    check_pointer(section, "from", &pointer);
    let kind = match section.text("type").as_deref() {
        None | Some("any") => FieldKind::Any,
        Some("text") => FieldKind::Text,
        Some("number") => FieldKind::Number,
        Some("integer") => FieldKind::Integer,
        Some("boolean") => FieldKind::Boolean,
        Some("time") => FieldKind::Time,
        Some(_) => {
            section.problem("type", "the types of fields are text, number, integer, boolean, time and any");
            return None;
        }
    };
    Some(DeclaredField { name: name.to_owned(), pointer, kind, description: section.text("description") })
}

/// RFC 6901 §3.
fn check_pointer(section: &Section<'_>, key: &str, pointer: &str) {
    let is_escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (!pointer.is_empty() && !pointer.starts_with('/')) || !is_escaped {
        section
            .problem(key, "this is a JSON pointer (RFC 6901): each name after a slash, such as /list or /result/total");
    }
}
