//! Reads `[codes]`: what a vendor's codes mean.

use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::protocol::codes::{CodeForm, Codes};
use crate::gateway::reactions::Kind;
use crate::gateway::vendor::Pack;
use crate::settings::Section;

/// The kinds that a vendor's code may have; the others belong to the transport or to us.
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

/// Adds the codes under a key, single ones and ranges.
fn add(codes: &mut Codes, section: &Section<'_>, key: &str, kind: Kind, diagnosis: Diagnosis) {
    for code in section.list(key).unwrap_or_default() {
        let is_known = match CodeValue::parse(&code) {
            Err(words) => {
                section.problem(key, format!("{code:?} {words}"));
                continue;
            }
            Ok(CodeValue::Range(first, last)) => {
                let is_known = first > last || codes.has_any_of(first, last);
                codes.ranges.push((first..=last, kind, diagnosis));
                is_known
            }
            Ok(CodeValue::One) => {
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

/// A code, or a range of codes.
enum CodeValue {
    One,
    Range(i64, i64),
}

impl CodeValue {
    /// Parses a code. Two numbers around a hyphen are a range; two other texts of the same form are refused, since a
    /// range was probably meant.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let is_padded = text.trim() != text || text.contains(|one: char| one.is_whitespace() && one != ' ');
        if text.is_empty() || text.contains(',') || is_padded {
            return Err("is no code: it has no commas and no blanks around it, and each stands in quotes of its own");
        }
        // Codes such as `PARAM ERR` are sentences; several numbers are several codes.
        let has_digit = |word: &str| word.contains(|one: char| one.is_ascii_digit());
        if text.contains(' ') && text.split(' ').filter(|word| !matches!(*word, "-" | "\u{2013}")).all(has_digit) {
            return Err("is no code but several: each stands in quotes of its own, and a range has no blanks");
        }
        let Some((first, last)) = text.split_once(['-', '\u{2013}']) else { return Ok(Self::One) };
        let number = |side: &str| side.parse::<i64>().ok().filter(|number| number.to_string() == side);
        if let (Some(first), Some(last), true) = (number(first), number(last), text.contains('-')) {
            return Ok(Self::Range(first, last));
        }
        let is_digit = |one: char| one.is_ascii_digit();
        let form = |side: &str| side.split(is_digit).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#");
        let is_hexadecimal = is_hexadecimal(first) && is_hexadecimal(last);
        if is_hexadecimal || first.contains(is_digit) && last.contains(is_digit) && form(first) == form(last) {
            return Err("is no range: one has two plain numbers, such as 1-3, so list these codes one by one");
        }
        Ok(Self::One)
    }
}

/// Whether this is a number such as `0x0240100a`.
fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Refuses codes with two meanings, and codes that are named elsewhere without a meaning here.
pub(super) fn check(root: &Section<'_>, pack: &Pack) {
    let (answer, doctor) = (root.section("answer"), root.section("doctor"));
    for code in &pack.answer.success {
        if !matches!(CodeValue::parse(code), Ok(CodeValue::One)) {
            answer.problem("success", format!("{code:?} is no code: each stands in quotes of its own"));
        } else if pack.codes.is_listed(code) {
            answer.problem("success", format!("[codes] has {code}, too: a code is of success or of a failure"));
        }
    }
    let is_both = |code: &String| code.contains(':');
    let is_read = !answer.has_problem("sub_code") && !root.has_problem("codes");
    if is_read && !pack.answer.sub_code.is_empty() && !pack.codes.listed.keys().any(is_both) {
        answer.problem("sub_code", "[codes] has no code with a sub-code, such as \"15:isv.session-expired\"");
    }
    for code in pack.doctor.hides_unknown_key.iter().filter(|code| !pack.codes.is_listed(code)) {
        doctor.problem("hides_unknown_key", format!("[codes] has no code {code:?}"));
    }
}
