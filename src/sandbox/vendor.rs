//! The vendor whose gateway is called.

use serde::Serialize;

use crate::gateway::vendor::Vendor;

/// One of the simulated gateways, by its name in orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum SandboxVendor {
    /// OPRetail: `m.api` and `cloud.api`.
    OpRetail,
    /// The OMS.
    Oms,
    /// The gateway of a pack.
    Pack(Vendor),
}

impl SandboxVendor {
    /// The gateways that every sandbox has.
    pub(super) const BUILT_IN: [Self; 2] = [Self::OpRetail, Self::Oms];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpRetail => "opretail",
            Self::Oms => "oms",
            Self::Pack(vendor) => vendor.name(),
        }
    }
}

impl From<SandboxVendor> for &'static str {
    fn from(vendor: SandboxVendor) -> Self {
        vendor.name()
    }
}
