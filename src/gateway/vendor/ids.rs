//! The form in which a vendor writes the ids of stores and organizations.

use serde::Serialize;

/// The form in which a vendor writes an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NumberForm {
    /// `prefix`: the text before the number; may be empty.
    pub prefix: String,
    /// `digits`: whether only digits follow the prefix.
    pub is_digits: bool,
    /// `longest`: the most characters after the prefix.
    pub longest: Option<usize>,
    /// `example`: an id with its prefix.
    #[serde(skip)]
    pub example: String,
}

/// `[ids.store]`: how a vendor numbers stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreIds {
    /// The column of the store directory.
    pub column: String,
    /// The type of a declared parameter that takes such an id.
    pub parameter_type: String,
    /// The name of such an id in sentences.
    pub label: String,
    /// What is missing for a store without one, in sentences.
    pub needed_for: Option<String>,
    /// The form of an id.
    pub form: NumberForm,
}

/// `[ids.organization]`: how a vendor numbers organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationIds {
    /// The form of an id.
    pub form: NumberForm,
}

impl NumberForm {
    /// The part after the prefix; `None` without the prefix or without anything after it.
    pub fn behind_prefix<'a>(&self, text: &'a str) -> Option<&'a str> {
        let rest = text.strip_prefix(self.prefix.as_str()).filter(|rest| !rest.is_empty());
        rest.filter(|_| !self.prefix.is_empty())
    }

    /// The id without the prefix, in any spelling: an id of digits may omit the prefix.
    pub fn bare<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_without_prefix = || if self.is_digits { self.is_number(text) } else { self.prefix.is_empty() };
        self.behind_prefix(text).or_else(|| Some(text).filter(|_| is_without_prefix()))
    }

    /// The id without the prefix, if this vendor could have given it.
    pub fn number<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.bare(text).filter(|bare| self.is_number(bare))
    }

    /// Adds the prefix, as the gateway requires.
    pub fn full(&self, bare: &str) -> String {
        format!("{}{bare}", self.prefix)
    }

    /// Whether all characters are allowed, and not too many.
    fn is_number(&self, bare: &str) -> bool {
        let is_short = self.longest.is_none_or(|longest| bare.len() <= longest);
        is_short && !bare.is_empty() && (!self.is_digits || bare.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The form of an id in words, such as `S_ and digits`.
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
