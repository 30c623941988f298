//! The parameters of a call, from the query and the body. The rules come from the vendor's SDKs: their check of a
//! signature reads parameters as the Servlet API does, and their clients send forms, queries and, to `cloud.api`, JSON.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::gateway::protocol::signing::WireParameter;
use crate::sandbox::form::DecodedForm;

const SIGNATURE: &str = "_sig";

/// A body by its content type.
#[derive(Clone, Copy)]
pub enum CallBody<'a> {
    /// `application/x-www-form-urlencoded`.
    Form(&'a [u8]),
    /// `application/json`.
    Json(&'a [u8]),
    /// No body, or one without parameters.
    Other,
}

/// The parameters of a call. Of several values of one name the first one counts, and the query comes before the body.
pub struct CallParameters<'a> {
    signed: DecodedForm<'a>,
    unsigned: DecodedForm<'a>,
}

impl<'a> CallParameters<'a> {
    /// Reads both places. A JSON body is part of what is signed, unless the signature is in the query: then only the
    /// query is.
    pub fn read(query: &'a str, body: CallBody<'a>) -> Self {
        let query = || form_urlencoded::parse(query.as_bytes());
        let (signed, unsigned): (DecodedForm<'a>, Vec<WireParameter<'a>>) = match body {
            CallBody::Form(body) => (query().chain(form_urlencoded::parse(body)).collect(), Vec::new()),
            CallBody::Json(body) if query().any(|(name, _)| name == SIGNATURE) => (query().collect(), members(body)),
            CallBody::Json(body) => (query().chain(members(body)).collect(), Vec::new()),
            CallBody::Other => (query().collect(), Vec::new()),
        };
        Self { signed: signed.first_values(), unsigned: unsigned.into_iter().collect() }
    }

    /// A parameter that the signature covers. An empty one counts as missing.
    pub fn signed(&self, name: &str) -> Option<&str> {
        self.signed.get(name)
    }

    /// Any parameter. An empty one counts as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.signed.get(name).or_else(|| self.unsigned.get(name))
    }

    /// All parameters that the signature covers, in the order in which they are signed.
    pub fn sorted(&self) -> &[WireParameter<'a>] {
        self.signed.sorted()
    }
}

// The SDKs sign texts as they are, `null` as an empty text, and anything else as it is written.
fn members<'a>(body: &'a [u8]) -> Vec<WireParameter<'a>> {
    let members: BTreeMap<String, &'a RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let parameter = |(name, value): (String, &'a RawValue)| {
        let written = value.get();
        let value = match serde_json::from_str::<Option<String>>(written) {
            Ok(text) => text.unwrap_or_default().into(),
            Err(_) => written.into(),
        };
        (name.into(), value)
    };
    members.into_iter().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::{CallBody, CallParameters};

    fn signed(parameters: &CallParameters<'_>) -> String {
        parameters.sorted().iter().map(|(name, value)| format!("{name}={value};")).collect()
    }

    #[test]
    fn the_query_comes_before_the_body_and_the_first_value_counts() {
        let parameters = CallParameters::read("b=2%2B&_sig=Q", CallBody::Form(b"a=1+1&b=3&_sig=B&a=2"));
        assert_eq!(signed(&parameters), "_sig=Q;a=1 1;b=2+;");
        assert_eq!(signed(&CallParameters::read("a=1", CallBody::Other)), "a=1;");
    }

    #[test]
    fn a_json_body_is_signed_with_the_query_or_not_at_all() {
        let json = br#"{"b": "\u95e8", "n": null, "i": 07e0, "o": {"k": [1, 2]}, "_aid": "S107"}"#;
        assert_eq!(signed(&CallParameters::read("", CallBody::Json(json))), "", "it is no JSON");
        let json = br#"{"b": "\u95e8", "n": null, "i": 7, "o": {"k": [1, 2]}, "_aid": "S107"}"#;
        let together = CallParameters::read("b=1", CallBody::Json(json));
        assert_eq!(signed(&together), r#"_aid=S107;b=1;i=7;n=;o={"k": [1, 2]};"#);
        let apart = CallParameters::read("_sig=Q&i=6", CallBody::Json(json));
        assert_eq!(signed(&apart), "_sig=Q;i=6;");
        assert_eq!((apart.get("b"), apart.signed("b"), apart.get("i")), (Some("门"), None, Some("6")));
        assert_eq!((apart.signed("_aid"), apart.get("n")), (None, None));
        for odd in ["[]", "7", "{\"a\":1", ""] {
            assert_eq!(signed(&CallParameters::read("", CallBody::Json(odd.as_bytes()))), "", "{odd}");
        }
    }
}
