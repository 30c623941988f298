//! All stores of a company's OMS at once, for whoever compares them with the store directory.

use super::{GatewayPage, Object, OmsAccess, SHOP_GET_LIST, Shop, ShopList, Window, shops, unreadable};
use crate::gateway::GatewayClient;
use crate::gateway::dialect::Call;
use crate::gateway::error::Error;
use crate::gateway::vendor::Gateway;

/// The most stores that are listed: more than any company has.
const MOST: u32 = 50_000;

/// A store as the OMS lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedStore {
    /// Its code at the OMS.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
}

/// Lists all stores of the OMS, by their codes.
///
/// # Errors
/// What the gateway's calls end in, or when its pages do not fit together.
pub async fn all_stores(access: &OmsAccess, gateway: &GatewayClient) -> Result<Vec<ListedStore>, Error> {
    let window = Window { offset: 0, size: MOST, cap: access.page_cap };
    let fetch_page = |number: u64, size: u32| async move {
        let call = Call::new(SHOP_GET_LIST).with("page_no", number.to_string()).with("page_size", size.to_string());
        let list: Option<Object<ShopList>> = gateway.call(&access.account, &call).await?;
        let page: Option<GatewayPage<Option<Shop>>> = list.and_then(|Object(list)| shops(list));
        page.ok_or_else(|| unreadable("the list has no stores or count"))
    };
    let page = window.fetch(Gateway::Oms, fetch_page).await?;
    if page.total.is_some_and(|total| total > u64::from(MOST)) {
        return Err(unreadable("the OMS has more stores than can be listed"));
    }
    let mut stores: Vec<ListedStore> = page
        .items
        .into_iter()
        .flatten()
        .filter_map(|shop| Some(ListedStore { code: shop.code()?.to_owned(), name: shop.name().map(str::to_owned) }))
        .collect();
    stores.sort_by(|one, other| one.code.cmp(&other.code));
    stores.dedup_by(|one, other| one.code == other.code);
    Ok(stores)
}
