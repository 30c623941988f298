//! Lists all stores of a vendor at once, for commands that compare them with the store directory.

use super::shop::Shop;
use super::shops::OmsShops;
use crate::gateway::GatewayClient;
use crate::gateway::error::Error;
use crate::gateway::tenants::Access;
use crate::gateway::vendor::Vendor;
use crate::resources::vendors::oms;

/// A store in the vendor's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedStore {
    /// The code at the vendor.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
}

/// The vendor whose stores are listed.
pub fn vendor() -> Vendor {
    oms()
}

/// Lists all stores of [`vendor`], in the order of their codes.
///
/// # Errors
/// The error of a gateway call, or too many stores.
pub async fn all_stores(access: &Access, gateway: &GatewayClient) -> Result<Vec<ListedStore>, Error> {
    let shops = OmsShops { access, gateway }.all(&[]).await?.items;
    let listed = |shop: Shop| Some(ListedStore { code: shop.code()?.to_owned(), name: shop.shop_name });
    let mut stores: Vec<ListedStore> = shops.into_iter().filter_map(listed).collect();
    stores.sort_by(|one, other| one.code.cmp(&other.code));
    stores.dedup_by(|one, other| one.code == other.code);
    Ok(stores)
}
