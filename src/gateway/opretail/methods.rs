//! OPRetail's methods that our resources call, with version and door as the vendor's pages give them.

use crate::gateway::dialect::{Door, Method};

/// Visitor and sales figures of a store or an organization.
pub const GET_TOTAL_DATA: Method = Method::new("open.shopweb.passengerFlow.getTotalData", "v1", Door::MApi);

/// Age and gender distribution of visitors, summed over stores.
pub const GET_FLOW_GROUP_DISTRIBUTION: Method =
    Method::new("open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution", "v1", Door::MApi);

/// Details of store inspections.
pub const STATISTICS_DETAIL_PAGE: Method =
    Method::new("open.shopweb.liveCheck.statisticsDetailPageForCustomer", "v1", Door::CloudApi);

/// An organization's developer account.
pub const AUTHENTICATION: Method = Method::new("open.gateway.authentication", "v2", Door::MApi);
