//! Whose gateway a call came to.

use serde::{Deserialize, Serialize};

/// One of the two gateways in the box, by the name that orders of faults use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// OPRetail: `m.api` and `cloud.api`.
    OpRetail,
    /// The OMS.
    Oms,
}
