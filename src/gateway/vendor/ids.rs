//! How a vendor writes the numbers of stores and organizations.

use serde::Serialize;

/// How a vendor writes a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberForm {
    /// `prefix`: what stands before it; empty for nothing.
    pub prefix: String,
    /// `digits`: whether it is made of digits alone, behind the prefix.
    pub is_digits: bool,
    /// `longest`: the most characters that it has, without the prefix.
    pub longest: Option<usize>,
    /// `example`: one of them, with the prefix.
    #[serde(skip)]
    pub example: String,
}

/// `[ids.store]`: how a vendor numbers stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIds {
    /// The column of the store directory.
    pub column: String,
    /// The type of a declared parameter.
    pub parameter_type: String,
    /// What an id is called in sentences.
    pub label: String,
    /// What is missing for a store without one, in sentences.
    pub needed_for: Option<String>,
    /// How an id is written.
    pub form: NumberForm,
}

/// `[ids.organization]`: how a vendor numbers organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationIds {
    /// How a number is written.
    pub form: NumberForm,
}

impl NumberForm {
    /// What stands behind the prefix, if there is a prefix and anything behind it.
    pub fn behind_prefix<'a>(&self, text: &'a str) -> Option<&'a str> {
        let rest = text.strip_prefix(self.prefix.as_str()).filter(|rest| !rest.is_empty());
        rest.filter(|_| !self.prefix.is_empty())
    }

    /// The part of an id that stands behind the prefix, in whichever way the id is written: digits may do without the prefix.
    pub fn bare<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_without_prefix = || if self.is_digits { self.is_number(text) } else { self.prefix.is_empty() };
        self.behind_prefix(text).or_else(|| Some(text).filter(|_| is_without_prefix()))
    }

    /// The same, if it is a number that this vendor could have given.
    pub fn number<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.bare(text).filter(|bare| self.is_number(bare))
    }

    /// With its prefix, as the gateway takes it.
    pub fn full(&self, bare: &str) -> String {
        format!("{}{bare}", self.prefix)
    }

    /// Whether all letters are those of a number, and there are not too many.
    fn is_number(&self, bare: &str) -> bool {
        let is_short = self.longest.is_none_or(|longest| bare.len() <= longest);
        is_short && !bare.is_empty() && (!self.is_digits || bare.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// How to write one, in sentences: `S_ and digits`.
    pub fn described(&self) -> String {
        let letters = if self.is_digits { "digits" } else { "letters, digits, `_`, `-` or `.`" };
        let most = self.longest.map_or_else(String::new, |longest| format!("up to {longest} "));
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{} and ", self.prefix) };
        format!("{prefix}{most}{letters}")
    }
}

#[cfg(test)]
mod tests {
    use super::NumberForm;

    fn form(prefix: &str, is_digits: bool, longest: Option<usize>) -> NumberForm {
        NumberForm { prefix: prefix.to_owned(), is_digits, longest, example: String::new() }
    }

    #[test]
    fn digits_may_do_without_their_prefix_and_other_numbers_may_not() {
        let digits = form("S_", true, Some(6));
        assert_eq!((digits.number("S_123"), digits.number("123")), (Some("123"), Some("123")));
        assert_eq!((digits.bare("S_NORTH"), digits.number("S_NORTH")), (Some("NORTH"), None));
        for other in ["", "S_", "NORTH", "1234567", "s_1", "S_1234567", "١"] {
            assert_eq!(digits.number(other), None, "{other}");
        }
        let letters = form("L-", false, None);
        assert_eq!((letters.number("L-a.1"), letters.number("a.1"), letters.number("7")), (Some("a.1"), None, None));
        assert_eq!((form("", false, None).number("S_1"), form("", true, None).number("S_1")), (Some("S_1"), None));
    }

    #[test]
    fn a_form_is_described_for_people() {
        assert_eq!(form("S_", true, None).described(), "S_ and digits");
        assert_eq!(form("O_", true, Some(11)).described(), "O_ and up to 11 digits");
        assert_eq!(form("", false, Some(8)).described(), "up to 8 letters, digits, `_`, `-` or `.`");
    }
}
