//! The vendor whose gateway is called.

use serde::Serialize;

/// One of the two simulated gateways, by its name in orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum SandboxVendor {
    /// OPRetail: `m.api` and `cloud.api`.
    OpRetail,
    /// The OMS.
    Oms,
}

impl SandboxVendor {
    pub(super) const ALL: [Self; 2] = [Self::OpRetail, Self::Oms];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpRetail => "opretail",
            Self::Oms => "oms",
        }
    }
}

impl From<SandboxVendor> for &'static str {
    fn from(vendor: SandboxVendor) -> Self {
        vendor.name()
    }
}
