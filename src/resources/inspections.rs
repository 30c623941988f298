//! `GET /inspections`: store inspections of a period.
//!
//! The vendor describes the response fields only in prose, without names: each field of ours is read by aliases, and
//! every other field is passed on in `extra`.

mod page;
mod reading;
mod row;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use self::reading::{InspectionPage, InspectionQuery};
use self::row::Inspection;
use super::params::kinds::{StoreKind, WordKind};
use super::params::{PageInfo, PageParameters, Parameter, ParameterReader, Period};
use super::request_context::{FetchedValue, RequestContext};
use super::source_type::{self, SourceType};
use super::{Policy, Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::InspectionsRead;
use crate::cache::Freshness;
use crate::directory::StoreId;
use crate::gateway::protocol::Method;
use crate::gateway::tenants::NotConfigured;
use crate::http::problem::Problem;
use crate::resources::vendors::opretail;
use crate::vendors::built_in_method;

/// Details of store inspections.
static STATISTICS_DETAIL_PAGE: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.liveCheck.statisticsDetailPageForCustomer"));

/// Store inspections.
pub static RESOURCE: Resource = Resource {
    method: Some(&STATISTICS_DETAIL_PAGE),
    policy: Some(Policy {
        current: Freshness::seconds(60, 120, 3600),
        ended: Some(Freshness::seconds(3600, 3600, 86_400)),
    }),
    ..Resource::new("inspections", || Route::of(__path_list_inspections, InspectionParameters::read, list_inspections))
};

// What the caller may ask.

static SOURCE_TYPE: Parameter<WordKind<SourceType>> = Parameter::new(
    "source_type",
    "Only inspections of these types.",
    WordKind { words: &source_type::ALL, fewest: None },
);
static STORE: Parameter<StoreKind> =
    Parameter::new("store_id", "Only inspections of this store, by any of its ids.", StoreKind::FILTER);

struct InspectionParameters {
    period: Period,
    source_types: Vec<SourceType>,
    store: Option<StoreId>,
    page: PageParameters,
}

impl InspectionParameters {
    fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let period = Period::read(reader).map(Period::in_whole_days);
        let mut source_types = reader.list(&SOURCE_TYPE);
        source_types.sort();
        source_types.dedup();
        let store = reader.optional(&STORE);
        let page = PageParameters::read(reader);
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

/// The filters for the links of the response.
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
    responses((status = 200, description = "A page of inspections", body = InspectionList))
)]
async fn list_inspections(
    caller: Caller<InspectionsRead>,
    context: RequestContext,
    parameters: InspectionParameters,
) -> Result<HttpResponse, Problem> {
    let tenant = context.tenant(&caller)?;
    let access = tenant.access(opretail())?.clone();
    let stores = match &parameters.store {
        Some(store) => Some(vec![context.store_at(&caller, store, opretail())?.number]),
        None => context.granted_stores(&caller, opretail())?,
    };
    let enterprise_id = access.settings.integer("enterprise_id").ok_or_else(|| NotConfigured::Setting {
        tenant: tenant.name().clone(),
        vendor: opretail(),
        key: "enterprise_id",
    })?;
    let period = PeriodText(parameters.period.start_day(), parameters.period.end_day());
    let filters = filters(&period, &parameters.source_types, parameters.store.as_ref());
    let directory = context.directory(&caller);
    let canonical = format!("{filters:?} {stores:?} {:?} {}", parameters.page, directory.version);
    let ended = parameters.period.has_ended(context.shared().clock.now());
    let lookup = context.lookup(&caller, &RESOURCE, &canonical, stores.clone().unwrap_or_default(), ended)?;
    let page = parameters.page;
    let reading = InspectionQuery {
        access,
        enterprise_id,
        period: parameters.period,
        source_types: parameters.source_types,
        stores,
    };
    context
        .answer(&RESOURCE, lookup, move |gateway| async move {
            let InspectionPage { part, gives_nothing } = reading.page(&gateway, page).await?;
            let link = page.link("/inspections", &filters, part.total, part.is_full);
            let keeps = part.max_freshness();
            let items = part.items.into_iter().map(|inspection| inspection.by_our_ids(&directory)).collect();
            Ok(FetchedValue {
                value: InspectionList { items, page: page.info(part.total) },
                link,
                keeps,
                gives_nothing,
            })
        })
        .await
}

#[cfg(test)]
mod tests;
