//! The vendors whose gateways we call.

use std::fmt;

use serde::Serialize;

/// Which vendor's gateway; also its name in problems, metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Gateway {
    /// OPRetail (万店掌) open platform.
    OpRetail,
    /// ShopeX OMS.
    Oms,
}

impl Gateway {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::OpRetail, Self::Oms];

    /// The name that callers and operators see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpRetail => "opretail",
            Self::Oms => "oms",
        }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
