//! The kind of failure for OPRetail's return codes.

use crate::gateway::error::Kind;

/// The kind of failure for a return code other than 0.
pub(super) fn kind(code: i64) -> Kind {
    Kind::of_opretail(code)
}
