//! Decodes form bodies independently of the proxy, so that an encoding error of the proxy becomes a wrong signature
//! here, as it would at the vendor.

use crate::gateway::protocol::signing::{WireParameter, sort};

/// A decoded form, sorted by name in byte order.
pub struct DecodedForm<'a>(Vec<WireParameter<'a>>);

impl<'a> FromIterator<WireParameter<'a>> for DecodedForm<'a> {
    fn from_iter<I: IntoIterator<Item = WireParameter<'a>>>(parameters: I) -> Self {
        let mut parameters: Vec<WireParameter<'a>> = parameters.into_iter().collect();
        sort(&mut parameters);
        Self(parameters)
    }
}

impl<'a> DecodedForm<'a> {
    /// Decodes `application/x-www-form-urlencoded`.
    pub fn decode(body: &'a [u8]) -> Self {
        form_urlencoded::parse(body).collect()
    }

    /// Removes all but the first value of each name.
    pub fn first_values(mut self) -> Self {
        // The sorting is stable, so the first of equal names is the one that was sent first.
        self.0.dedup_by(|later, first| later.0 == first.0);
        self
    }

    /// The value of a parameter. An empty one counts as missing, as it does for both vendors.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(candidate, _)| candidate == name)?;
        Some(value.as_ref()).filter(|value| !value.is_empty())
    }

    /// All parameters, in the order in which they are signed.
    pub fn sorted(&self) -> &[WireParameter<'a>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::DecodedForm;

    #[test]
    fn an_empty_value_counts_as_missing_but_is_still_signed() {
        let form = DecodedForm::decode(b"b=2+3%26&a=&_mt=m");
        assert_eq!(form.get("b"), Some("2 3&"));
        assert_eq!(form.get("a"), None);
        assert_eq!(form.sorted().iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>(), ["_mt", "a", "b"]);
    }

    #[test]
    fn the_first_value_of_a_name_is_the_one_that_came_first() {
        let form = DecodedForm::decode(b"b=2&a=1&b=1&a=&b=3").first_values();
        assert_eq!(form.sorted(), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    }
}
