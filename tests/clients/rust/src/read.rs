//! What a token reads: stores, visitors, inspections, the developer account.

use chrono::{DateTime, Days, NaiveDate, Utc};
use storegate_client::apis::configuration::Configuration;
use storegate_client::apis::{demographics_api, flow_api, inspections_api, organizations_api, stores_api};
use storegate_client::models::{Gender, StoreStatus};

use crate::{must, refused};

const COUNTED: &str = "S_123456";
const ALSO_COUNTED: &str = "S_100001";
const LISTED: &str = "SHOP001";

/// The store list, single stores, and what there is of one store.
pub async fn stores(bearer: &Configuration) {
    let codes = Some(vec![LISTED.to_owned(), "SHOP002".to_owned()]);
    let page = must(stores_api::list_stores(bearer, codes, None, None, Some(5), None, None).await);
    assert_eq!((page.items.len(), page.page.total), (2, Some(2)));
    let store = must(stores_api::read_store(bearer, LISTED, None, None).await);
    assert_eq!((store.name.as_deref(), store.status), (Some("木棉上海解放路1店"), StoreStatus::Online));
    assert_eq!(store.created_at, Some("2021-07-08T17:35:18+08:00".parse().unwrap()));
    assert_eq!(refused(stores_api::read_store(bearer, "no such id!", None, None).await), 400);
    let parts = Some(vec!["store".to_owned(), "flow".to_owned()]);
    let overview = stores_api::read_store_overview(bearer, COUNTED, parts, None, None, None, None, None, None, None);
    let overview = must(overview.await);
    assert_eq!(overview.flow.unwrap().store_id, COUNTED);
    assert_eq!(overview.errors["store"].status, 404);
}

/// Visitors and sales, of a store, of several, and of an organization.
pub async fn flow(bearer: &Configuration) {
    let flow = must(flow_api::read_store_flow(bearer, COUNTED, None, None).await);
    assert!(flow.visitors.this_month.unwrap() >= flow.visitors.today.unwrap());
    assert!((Utc::now() - flow.observed_at.to_utc()).num_minutes().abs() < 10);
    let ids = [COUNTED, ALSO_COUNTED, "SHOP002"].map(str::to_owned).to_vec();
    let several = must(flow_api::read_flow_of_stores(bearer, ids, None, None).await);
    assert_eq!(several.items.iter().map(|item| item.store_id.as_str()).collect::<Vec<_>>(), [COUNTED, ALSO_COUNTED]);
    assert_eq!((several.errors[0].store_id.as_str(), several.errors[0].problem.status), ("SHOP002", 404));
    let everywhere = must(flow_api::read_organization_flow(bearer, "O_1084", None, None).await);
    // Nobody has come yet when the month has only begun.
    let (in_all, in_one) = (everywhere.visitors.this_month.unwrap(), flow.visitors.this_month.unwrap());
    assert!(in_all > in_one || (in_all, in_one) == (0, 0));
}

/// Who the visitors were, of a store and of two together.
pub async fn demographics(bearer: &Configuration) {
    let (from, to) = last_week();
    let (from, to) = (Some(from.as_str()), Some(to.as_str()));
    let who = demographics_api::read_store_demographics(bearer, COUNTED, from, to, None, None, None, None, None);
    let who = must(who.await);
    assert_eq!(who.gender.iter().map(|share| share.gender).collect::<Vec<_>>(), [Gender::Male, Gender::Female]);
    assert_eq!(who.age.iter().map(|share| share.visitors.unwrap()).sum::<i64>(), who.visitors.unwrap());
    let ids = vec![COUNTED.to_owned(), ALSO_COUNTED.to_owned()];
    let both = demographics_api::read_demographics_of_stores(bearer, ids, from, to, Some(9), None, None, None, None);
    let both = must(both.await);
    assert_eq!(both.store_ids.len(), 2);
    assert!(both.visitors.unwrap() > 0);
    let (from, to) = (to, from);
    let wrong = demographics_api::read_store_demographics(bearer, COUNTED, from, to, None, None, None, None, None);
    assert_eq!(refused(wrong.await), 400);
}

/// Inspections of all kinds, and of one.
pub async fn inspections(bearer: &Configuration) {
    let (from, to) = last_week();
    let (from, to) = (Some(from.as_str()), Some(to.as_str()));
    let page = must(inspections_api::list_inspections(bearer, from, to, None, None, None, Some(2), None, None).await);
    assert_eq!(page.items.len(), 2);
    let name = page.items[0].source_type.clone().unwrap().name;
    let kind = Some(vec![name.clone()]);
    let found = must(inspections_api::list_inspections(bearer, from, to, kind, None, None, None, None, None).await);
    assert!(!found.items.is_empty() && found.page.total < page.page.total);
    assert!(found.items.iter().all(|item| item.source_type.as_ref().is_some_and(|kind| kind.name == name)));
}

/// An organization's account at the vendor.
pub async fn developer_account(bearer: &Configuration) {
    let account = must(organizations_api::read_developer_account(bearer, "O_2").await);
    assert_eq!((account.id, account.username.as_deref()), (Some(10002), Some("Sandbox Retail")));
    assert!(account.expires_at > Some(DateTime::<Utc>::UNIX_EPOCH.fixed_offset()));
}

/// The seven days before today, which is the gateway's.
fn last_week() -> (String, String) {
    let today: NaiveDate = (Utc::now() + chrono::Duration::hours(8)).date_naive();
    let back = |days| (today - Days::new(days)).to_string();
    (back(7), back(1))
}
