//! Computes the signature that a vendor's gateway expects, by the rules of its pack.

use std::borrow::Cow;

use crate::gateway::protocol::signing::{Values, WireParameter};
use crate::gateway::protocol::template::Variable;
use crate::vendors::Vendors;

/// The secret as the value of the signing's variables.
struct Secret<'a>(&'a str);

impl Values for Secret<'_> {
    fn text(&self, variable: &Variable) -> Cow<'_, str> {
        Cow::Borrowed(if *variable == Variable::Secret { self.0 } else { "" })
    }
}

/// Computes the signature of received parameters. `fields` are those of the credential that decide how calls are
/// signed.
pub fn of(vendor: &str, parameters: &[WireParameter<'_>], secret: &str, fields: &[(&str, &str)]) -> String {
    let Some(vendor) = Vendors::default().get(vendor) else { return String::new() };
    let field = |variable: &Variable| match variable {
        Variable::Credential(name) => fields.iter().find(|(own, _)| own == name).map(|(_, value)| (*value).to_owned()),
        _ => None,
    };
    let Some(signing) = &vendor.pack().signing else { return String::new() };
    let signing = signing.with(field);
    signing.sign(&signing.pairs(parameters), &Secret(secret))
}

/// The text that the first digest covers, without the secret.
pub fn signed_text(vendor: &str, parameters: &[WireParameter<'_>]) -> String {
    let Some(vendor) = Vendors::default().get(vendor) else { return String::new() };
    let Some(signing) = &vendor.pack().signing else { return String::new() };
    signing.explain(&signing.pairs(parameters), &Secret(""), "")
}
