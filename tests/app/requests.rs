//! What most tests ask for, and the vendor's method behind it.

/// The flow of a store that acme has at OPRetail.
pub const FLOW: &str = "/stores/S_123456/flow";

/// The method behind [`FLOW`].
pub const TOTAL_DATA: &str = "open.shopweb.passengerFlow.getTotalData";

/// Headers of a request that no cached response answers.
pub const NO_CACHE: &[(&str, &str)] = &[("cache-control", "no-cache")];

/// The form with which a client gets a token.
pub const GRANT: &str = "grant_type=client_credentials";
