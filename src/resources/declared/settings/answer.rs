//! `select`, `answer` and `[resources.<name>.fields.<field>]`: the settings of the response.

use crate::resources::declared::answer::{AnswerShape, DeclaredAnswer, DeclaredField, FieldKind};
use crate::resources::declared::path::is_name;
use crate::resources::declared::settings::{AnswerForm, ResourceSection};
use crate::settings::{Section, SectionSettings as _, section};

section! {
    /// A field that callers get. Fields that are not declared are not passed on.
    #[derive(Debug)]
    pub struct FieldSection in "resources.<traffic>.fields.<visitors>" on restart {
        /// Where the field is in the gateway's object (RFC 6901).
        from: String, example "/inNum", required "where it stands in the gateway's object, such as /flow";
        /// The type of the field. A value that cannot be read is `null`.
        kind("type"): FieldKind = "any";
        /// The description in the API document.
        description: Option<String>, example "Visitors who came in.";
    }
}

/// Reads the settings of the response; `None` when they cannot be used.
pub(super) fn read_answer(section: &Section<'_>, read: &ResourceSection) -> Option<DeclaredAnswer> {
    check_pointer(section, "select", &read.select);
    let declared = section.section("fields");
    // All are read, also behind one that cannot be used.
    let fields: Vec<Option<DeclaredField>> =
        declared.entries().iter().map(|(name, entry)| read_field(name, entry)).collect();
    let fields: Option<Vec<DeclaredField>> = fields.into_iter().collect();
    let shape = match read.answer {
        _ if section.has_problem("answer") => return None,
        AnswerForm::AsGiven => {
            if declared.is_present() {
                section.problem("fields", "an answer with fields is an object or a list: say which in `answer`");
            }
            AnswerShape::AsGiven
        }
        AnswerForm::Object => AnswerShape::Object(fields?),
        AnswerForm::List => AnswerShape::List(fields?),
    };
    Some(DeclaredAnswer { select: read.select.clone(), shape })
}

fn read_field(name: &str, section: &Section<'_>) -> Option<DeclaredField> {
    if !is_name(name) {
        section.problem("type", "a field's name is made of small letters, digits and `_`: name the section otherwise");
    }
    let FieldSection { from, kind, description } = FieldSection::read(section);
    check_pointer(section, "from", &from);
    (!section.has_problem("type")).then(|| DeclaredField { name: name.to_owned(), pointer: from, kind, description })
}

/// Checks the syntax of a JSON pointer (RFC 6901 §3).
fn check_pointer(section: &Section<'_>, key: &str, pointer: &str) {
    let is_escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if (!pointer.is_empty() && !pointer.starts_with('/')) || !is_escaped {
        section
            .problem(key, "this is a JSON pointer (RFC 6901): each name after a slash, such as /list or /result/total");
    }
}
