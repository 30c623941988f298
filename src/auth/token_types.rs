//! The accepted kinds of JWT of an issuer, by the `typ` of their header (RFC 8725 §3.11).

/// The value in the settings for tokens without `typ`.
const ABSENT: &str = "absent";

/// The accepted values of `typ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTypes {
    names: Vec<String>,
    absent: bool,
}

impl TokenTypes {
    /// Accepts access tokens by their own type (RFC 9068 §2.1).
    pub fn access_tokens() -> Self {
        Self::new(&["at+jwt"])
    }

    /// Accepts these types; `absent` stands for a header without one.
    pub fn new<T: AsRef<str>>(names: &[T]) -> Self {
        let (absent, named): (Vec<&str>, Vec<&str>) = names.iter().map(AsRef::as_ref).partition(|name| *name == ABSENT);
        Self { names: named.into_iter().map(|name| bare(name).to_owned()).collect(), absent: !absent.is_empty() }
    }

    /// Whether a header with this `typ` is accepted. Media types are not case-sensitive (RFC 7515 §4.1.9).
    pub fn accept(&self, typ: Option<&str>) -> bool {
        match typ {
            Some(typ) => self.names.iter().any(|name| name.eq_ignore_ascii_case(bare(typ))),
            None => self.absent,
        }
    }
}

/// Removes `application/`, which a media type may omit here (RFC 7515 §4.1.9).
fn bare(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => typ.get(PREFIX.len()..).unwrap_or_default(),
        _ => typ,
    }
}

#[cfg(test)]
mod tests {
    use super::TokenTypes;

    #[test]
    fn types_have_no_case_and_may_be_written_in_full() {
        let types = TokenTypes::new(&["at+jwt", "application/example+jwt"]);
        for typ in ["at+jwt", "AT+JWT", "Application/At+Jwt", "example+jwt"] {
            assert!(types.accept(Some(typ)), "{typ}");
        }
        for typ in ["JWT", "", "application/", "application/application/at+jwt", "at+jwt "] {
            assert!(!types.accept(Some(typ)), "{typ}");
        }
    }

    #[test]
    fn a_header_without_type_is_accepted_only_where_that_is_said() {
        assert!(!TokenTypes::access_tokens().accept(None));
        let types = TokenTypes::new(&["at+jwt", "absent"]);
        assert!(types.accept(None) && types.accept(Some("at+jwt")) && !types.accept(Some("absent")));
    }
}
