//! What is fuzzed: one plain function for each reader of bytes that come from outside. Each takes any bytes, holds the
//! reader to what it promises, and panics when the promise is broken; it tells whether the reader accepted the bytes.
//!
//! The targets in `fuzz_targets` call these functions under libFuzzer, and `tests/fuzzed` calls them with the corpus, so
//! that what was found stays found where there is no fuzzer.

#![forbid(unsafe_code)]

mod cache_value;
mod envelopes;
mod independent_json;
mod query;
mod response_framing;
mod token_verifier;

pub use cache_value::cache_value;
pub use envelopes::{oms, oms_envelope, opretail, opretail_envelope};
pub use query::query;
pub use response_framing::response_framing;
pub use token_verifier::token_verifier;

/// A target's name, which is also that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("cache_value", cache_value),
    ("oms_envelope", oms_envelope),
    ("opretail_envelope", opretail_envelope),
    ("query", query),
    ("response_framing", response_framing),
    ("token_verifier", token_verifier),
];
