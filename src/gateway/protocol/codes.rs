//! The meaning of a vendor's codes: each has one kind of the reaction table, and one diagnosis for operators.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::reactions::Kind;

/// The form of codes that the pack does not list. A text of any other form is not a code of the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeForm {
    /// `integer`: a positive number of at most nine digits. A negative number is a failure of the gateway itself.
    Integer,
    /// Any other text: `#` stands for a digit, which is a hexadecimal one behind `0x`; everything else stands for itself.
    Pattern(String),
}

impl CodeForm {
    /// Whether this is a pattern that the code matches.
    pub fn is_of(&self, code: &str) -> bool {
        matches!(self, Self::Pattern(_)) && self.fits(code)
    }

    fn fits(&self, code: &str) -> bool {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        match self {
            Self::Integer => (1..=9).contains(&code.len()) && code.bytes().all(is_digit) && !code.starts_with('0'),
            Self::Pattern(pattern) => {
                let is_hexadecimal = pattern.starts_with("0x") || pattern.starts_with("0X");
                let is_digit = |byte: u8| if is_hexadecimal { byte.is_ascii_hexdigit() } else { is_digit(byte) };
                let fits = |(wanted, byte): (u8, u8)| if wanted == b'#' { is_digit(byte) } else { wanted == byte };
                pattern.len() == code.len() && pattern.bytes().zip(code.bytes()).all(fits)
            }
        }
    }
}

/// `[codes]` of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// The codes that are listed one by one.
    pub listed: HashMap<String, (Kind, Diagnosis)>,
    /// Codes that are listed as a range of numbers.
    pub ranges: Vec<(RangeInclusive<i64>, Kind, Diagnosis)>,
    /// The forms of codes that are not listed.
    pub forms: Vec<CodeForm>,
}

impl Codes {
    /// The kind of a code other than a success code.
    pub fn kind(&self, code: &str) -> Kind {
        if let Some((kind, _)) = self.find(code) {
            return kind;
        }
        if self.forms.iter().any(|form| form.fits(code)) { Kind::UnlistedCode } else { Kind::GatewayFailed }
    }

    /// The diagnosis that operators get for this code.
    pub fn diagnosis(&self, code: &str) -> Diagnosis {
        self.find(code).map_or(Diagnosis::Other, |(_, diagnosis)| diagnosis)
    }

    /// Whether the pack lists a code.
    pub fn is_listed(&self, code: &str) -> bool {
        self.find(code).is_some()
    }

    /// Every code of a kind, each in one of its spellings.
    pub fn of_kind(&self, kind: Kind) -> Vec<String> {
        let listed = self.listed.iter().filter(|(_, (own, _))| *own == kind).map(|(code, _)| code.clone());
        let ranges = self.ranges.iter().filter(|(_, own, _)| *own == kind).flat_map(|(range, ..)| range.clone());
        let mut codes: Vec<String> = listed.chain(ranges.map(|code| code.to_string())).collect();
        codes.sort();
        codes
    }

    /// Whether a range includes one of the numbers from `first` to `last`.
    pub fn has_any_of(&self, first: i64, last: i64) -> bool {
        self.ranges.iter().any(|(own, ..)| *own.start() <= last && first <= *own.end())
    }

    fn find(&self, code: &str) -> Option<(Kind, Diagnosis)> {
        self.listed.get(code).copied().or_else(|| {
            let number: i64 = code.parse().ok().filter(|number: &i64| number.to_string() == code)?;
            self.ranges
                .iter()
                .find(|(range, ..)| range.contains(&number))
                .map(|(_, kind, diagnosis)| (*kind, *diagnosis))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CodeForm, Codes};
    use crate::gateway::diagnosis::Diagnosis;
    use crate::gateway::reactions::Kind;

    fn codes() -> Codes {
        Codes {
            listed: [("200".to_owned(), (Kind::GatewayFailed, Diagnosis::Other))].into(),
            ranges: vec![(1..=3, Kind::CredentialsRefused, Diagnosis::Key)],
            forms: vec![CodeForm::Integer, CodeForm::Pattern("e######".to_owned())],
        }
    }

    #[test]
    fn a_digit_behind_0x_is_a_hexadecimal_one() {
        let codes = Codes { forms: vec![CodeForm::Pattern("0x########".to_owned())], ..Codes::default() };
        for code in ["0x00000000", "0x0240100a", "0xFFFFFFFF", "0x02401037"] {
            assert_eq!(codes.kind(code), Kind::UnlistedCode, "{code}");
        }
        for code in ["0x0240100g", "0x0240100", "0X0240100a", "0x-0240100", "0240100a", "0x0240100 "] {
            assert_eq!(codes.kind(code), Kind::GatewayFailed, "{code}");
        }
    }

    #[test]
    fn listed_codes_have_their_kind_and_others_that_of_their_form() {
        let codes = codes();
        assert_eq!((codes.kind("2"), codes.diagnosis("2")), (Kind::CredentialsRefused, Diagnosis::Key));
        assert_eq!((codes.kind("200"), codes.diagnosis("4")), (Kind::GatewayFailed, Diagnosis::Other));
        for code in ["4711", "7", "999999999", "e000099"] {
            assert_eq!(codes.kind(code), Kind::UnlistedCode, "{code}");
        }
        for code in ["", "false", "00", "0", "01", "-1", "ERROR", "e5", "e00000x", "E000005", "1.5", "1000000000"] {
            assert_eq!(codes.kind(code), Kind::GatewayFailed, "{code}");
        }
    }
}
