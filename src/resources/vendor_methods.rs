//! The methods of built-in vendors that our own resources call. The vendor's pack has version and endpoint of each.

use std::sync::LazyLock;

use crate::gateway::protocol::Method;
use crate::gateway::vendor::Vendor;
use crate::vendors::built_in_method;

/// Visitor and sales figures of a store or an organization.
pub static GET_TOTAL_DATA: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.passengerFlow.getTotalData"));

/// Age and gender distribution of visitors, summed over stores.
pub static GET_FLOW_GROUP_DISTRIBUTION: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution"));

/// Details of store inspections.
pub static STATISTICS_DETAIL_PAGE: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.liveCheck.statisticsDetailPageForCustomer"));

/// An organization's developer account.
pub static AUTHENTICATION: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.gateway.authentication"));

/// A page of the store list.
pub static SHOP_GET_LIST: LazyLock<Method> = LazyLock::new(|| built_in_method("oms", "shop.getList"));

/// One store.
pub static SHOP_GET: LazyLock<Method> = LazyLock::new(|| built_in_method("oms", "shop.get"));

/// OPRetail, the vendor of cameras: visitors, demographics and inspections.
pub fn opretail() -> Vendor {
    GET_TOTAL_DATA.vendor
}

/// The OMS, the vendor of the store list.
pub fn oms() -> Vendor {
    SHOP_GET_LIST.vendor
}
