//! `[codes]`: what a vendor's codes mean.

use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::protocol::codes::{CodeForm, Codes};
use crate::gateway::reactions::Kind;
use crate::settings::Section;

/// The kinds that a code of a vendor may be of; the others are the transport's or our own.
const KINDS: [Kind; 10] = [
    Kind::CredentialsRefused,
    Kind::TimestampRefused,
    Kind::Repeated,
    Kind::LoginExpired,
    Kind::LoginRefused,
    Kind::NotGranted,
    Kind::NotFound,
    Kind::ParameterRefused,
    Kind::GatewayFailed,
    Kind::AskedToWait,
];

pub(super) fn read(section: &Section<'_>) -> Codes {
    let mut codes = Codes::default();
    for kind in KINDS {
        if kind == Kind::CredentialsRefused {
            let refused = section.section(kind.name());
            Diagnosis::OF_CODES.iter().for_each(|(name, diagnosis)| add(&mut codes, &refused, name, kind, *diagnosis));
        } else {
            add(&mut codes, section, kind.name(), kind, Diagnosis::Other);
        }
    }
    codes.forms = section.list("forms").unwrap_or_default().into_iter().map(|form| read_form(section, form)).collect();
    codes
}

fn read_form(section: &Section<'_>, form: String) -> CodeForm {
    if form == "integer" {
        return CodeForm::Integer;
    }
    if !form.contains('#') {
        section.problem("forms", format!("{form} is one code: a form is `integer`, or has a `#` for each digit"));
    }
    CodeForm::Pattern(form)
}

/// Adds the codes under a key: each alone, or from the first to the last of a range.
fn add(codes: &mut Codes, section: &Section<'_>, key: &str, kind: Kind, diagnosis: Diagnosis) {
    for code in section.list(key).unwrap_or_default() {
        let range = code.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        let is_known = match range {
            Some((first, last)) => {
                let is_known = first > last || codes.has_any_of(first, last);
                codes.ranges.push((first..=last, kind, diagnosis));
                is_known
            }
            None => {
                let is_in_range = code.parse().is_ok_and(|number| codes.has_any_of(number, number));
                codes.listed.insert(code.clone(), (kind, diagnosis)).is_some() || is_in_range
            }
        };
        if is_known {
            section.problem(
                key,
                format!("the code {code} stands in this pack twice, or is a range that ends before it begins"),
            );
        }
    }
}
