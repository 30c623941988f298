//! What the vendor's published OMS answered, byte for byte (ShopeX OMS 8.0.0, installed and asked).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::independent_rules::Parameters;

const OMS: &str = include_str!("../captures/oms.json");

/// The token that captured calls with this flag are signed with.
pub fn token_of(flag: &str) -> &'static str {
    if flag == "noshop" { "oms-test-token2" } else { "oms-test-token" }
}

/// One call and its answer.
#[derive(Clone, Deserialize)]
pub struct Exchange {
    /// What it is called.
    pub name: String,
    /// What it shows.
    pub note: String,
    /// The parameters, signature included.
    pub request: Parameters,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers.
    pub headers: BTreeMap<String, String>,
    /// The answer's body.
    pub body: String,
}

/// All exchanges, in their order.
pub fn exchanges() -> Vec<Exchange> {
    serde_json::from_str(OMS).unwrap()
}

/// The exchange of this name.
pub fn exchange(name: &str) -> Exchange {
    exchanges().into_iter().find(|exchange| exchange.name == name).unwrap_or_else(|| panic!("{name}"))
}

/// The body of the exchange of this name.
pub fn body(name: &str) -> String {
    exchange(name).body
}
