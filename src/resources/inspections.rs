//! `GET /inspections`: store inspections of a period.
//!
//! The vendor documents no response field by name, only in prose: each field of ours is read under the names it is
//! likely to have, and every field that is not recognized is passed on in `extra`.

mod page;
mod reading;
mod row;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use self::reading::{Found, Reading};
use self::row::Inspection;
use super::desk::{Desk, Fetched};
use super::params::{Ask, Page, PageInfo, PageQuery, Period, PeriodQuery, Reader, STORE_ID_PATTERN, documented};
use super::source_type::{self, SourceType};
use super::{Endpoint, Origin, Policy, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::InspectionsRead;
use crate::cache::Freshness;
use crate::directory::StoreId;
use crate::gateway::tenants::NotConfigured;
use crate::http::problem::Problem;
use crate::resources::vendor_methods::STATISTICS_DETAIL_PAGE;
use crate::resources::vendor_methods::opretail;

/// Store inspections.
pub static RESOURCE: Resource = Resource {
    name: "inspections",
    method: Some(&STATISTICS_DETAIL_PAGE),
    parts: &[],
    policy: Some(Policy {
        current: Freshness::seconds(60, 120, 3600),
        ended: Some(Freshness::seconds(3600, 3600, 86_400)),
    }),
    origin: Origin::Handler(|| Endpoint::read::<__path_list_inspections, _, _>(list_inspections)),
};

// What the caller may ask.

/// Filters of the list in the document.
struct InspectionFilter;

impl IntoParams for InspectionFilter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let source_type = "Only inspections of these types.";
        let store = "Only inspections of this store, by any of its ids.";
        let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some(STORE_ID_PATTERN));
        let types = source_type::list_schema();
        vec![documented::optional_list("source_type", source_type, types), documented::optional("store_id", store, id)]
    }
}

struct InspectionsAsk {
    period: Period,
    source_types: Vec<SourceType>,
    store: Option<StoreId>,
    page: Page,
}

impl Ask for InspectionsAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let period = Period::read(reader).map(Period::in_whole_days);
        let mut source_types: Vec<SourceType> = reader.list("source_type");
        source_types.sort();
        source_types.dedup();
        let store = reader.store_of("store_id");
        let page = Page::read(reader);
        Some(Self { period: period?, source_types, store, page: page? })
    }
}

// What the caller gets.

/// A page of inspections.
#[derive(Serialize, ToSchema)]
pub struct InspectionList {
    /// The inspections of this page.
    items: Vec<Inspection>,
    /// Where the page stands in the list.
    page: PageInfo,
}

// The translation.

/// The filters as they stand in the links of the answer.
fn filters(period: &PeriodText, source_types: &[SourceType], store: Option<&StoreId>) -> Vec<(&'static str, String)> {
    let names: Vec<&str> = source_types.iter().map(|source| source.name()).collect();
    let mut filters = vec![("from", period.0.clone()), ("to", period.1.clone())];
    if !names.is_empty() {
        filters.push(("source_type", names.join(",")));
    }
    filters.extend(store.map(|store| ("store_id", store.to_string())));
    filters
}

struct PeriodText(String, String);

// The handler.

/// List inspections
///
/// Inspections of stores in a period, newest first as the gateway sends them. The gateway knows whole days: an instant
/// counts as its day in the gateway's time zone.
#[utoipa::path(
    get,
    path = "/inspections",
    operation_id = "list_inspections",
    tag = "Inspections",
    params(PeriodQuery, InspectionFilter, PageQuery),
    responses((status = 200, description = "A page of inspections", body = InspectionList))
)]
async fn list_inspections(caller: Caller<InspectionsRead>, desk: Desk) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: InspectionsAsk = desk.ask(&tenant)?;
    let access = tenant.access(opretail())?.clone();
    let stores = match &ask.store {
        Some(store) => Some(vec![desk.store_at(&caller, store, opretail())?.number]),
        None => desk.granted_stores(&caller, opretail())?,
    };
    let enterprise_id = access.settings.integer("enterprise_id").ok_or_else(|| NotConfigured::Setting {
        tenant: tenant.name().clone(),
        vendor: opretail(),
        key: "enterprise_id",
    })?;
    let period = PeriodText(ask.period.start_day(), ask.period.end_day());
    let filters = filters(&period, &ask.source_types, ask.store.as_ref());
    let directory = desk.directory(&caller);
    let canonical = format!("{filters:?} {stores:?} {:?} {}", ask.page, directory.version());
    let ended = ask.period.has_ended(desk.shared().clock.now());
    let question = desk.question(&caller, &RESOURCE, &canonical, stores.clone().unwrap_or_default(), ended)?;
    let page = ask.page;
    let reading = Reading { access, enterprise_id, period: ask.period, source_types: ask.source_types, stores };
    desk.answer(&RESOURCE, question, move |gateway| async move {
        let Found { part, gives_nothing } = reading.page(&gateway, page).await?;
        let link = page.link("/inspections", &filters, part.total, part.is_full);
        let keeps = part.keeps();
        let items = part.items.into_iter().map(|inspection| inspection.by_our_ids(&directory)).collect();
        Ok(Fetched { value: InspectionList { items, page: page.info(part.total) }, link, keeps, gives_nothing })
    })
    .await
}

#[cfg(test)]
mod tests;
