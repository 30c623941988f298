//! The kind of failure for the OMS's codes.

use crate::gateway::error::Kind;

/// The kind of failure for an error code.
pub(super) fn kind(code: &str) -> Kind {
    Kind::of_oms(code)
}
