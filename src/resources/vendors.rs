//! The built-in vendors whose methods our own resources call.

use crate::gateway::vendor::Vendor;
use crate::vendors::built_in;

/// OPRetail, the vendor of cameras: visitors, demographics and inspections.
pub fn opretail() -> Vendor {
    built_in("opretail")
}

/// The OMS, the vendor of the store list.
pub fn oms() -> Vendor {
    built_in("oms")
}
