//! `GET /inspections`: store inspections of a period.
//!
//! The vendor documents no response field by name, only in prose: each field of ours is read under the names it is
//! likely to have, and every field that is not recognized is passed on in `extra`.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::{Map, Number, Value};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::desk::{Desk, Fetched};
use super::gateway_pages::{GatewayPage, Window};
use super::likely_fields::LikelyFields;
use super::params::{Ask, Page, PageInfo, PageQuery, Period, PeriodQuery, Reader, STORE_ID_PATTERN, documented};
use super::source_type::{self, SourceType, SourceTypeDocument};
use super::{Endpoint, Policy, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::InspectionsRead;
use crate::cache::Freshness;
use crate::directory::StoreId;
use crate::gateway::GatewayClient;
use crate::gateway::dialect::Call;
use crate::gateway::error::{Error, Kind, Note};
use crate::gateway::opretail::methods::STATISTICS_DETAIL_PAGE;
use crate::gateway::tenants::OpRetailAccess;
use crate::gateway::vendor::Gateway;
use crate::http::problem::Problem;

/// Store inspections.
pub static RESOURCE: Resource = Resource {
    name: "inspections",
    method: Some(STATISTICS_DETAIL_PAGE),
    policy: Some(Policy {
        current: Freshness::seconds(60, 120, 3600),
        ended: Some(Freshness::seconds(3600, 3600, 86_400)),
    }),
    endpoint: || Endpoint::read::<__path_list_inspections, _, _>(list_inspections),
};

/// The vendor publishes no cap; a page of this size is asked for at once.
const GATEWAY_PAGE: u32 = 100;

/// Inspections that are read at the most to filter them by store, which the gateway cannot.
const MOST_FILTERED: u32 = 5000;

// What the caller may ask.

/// Filters of the list in the document.
struct InspectionFilter;

impl IntoParams for InspectionFilter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let source_type = "Only inspections of these types, separated by commas.";
        let store = "Only inspections of this store, by its id at OPRetail.";
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
        let store = reader.parsed("store_id");
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

/// An inspection of a store. A field that the gateway did not give is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    /// The gateway's number of the inspection.
    #[schema(example = "9001", required)]
    id: Option<String>,
    /// Who inspected.
    #[schema(required)]
    inspector: Option<Named>,
    /// How the inspection came about.
    #[schema(required)]
    source_type: Option<SourceTypeDocument>,
    /// When it was recorded.
    #[schema(example = "2026-11-22T10:00:00+08:00", format = DateTime, required)]
    created_at: Option<String>,
    /// Which store was inspected.
    #[schema(required)]
    store: Option<Named>,
    /// How far the finding has been dealt with, as the gateway writes it.
    #[schema(example = "待整改", required)]
    status: Option<String>,
    /// The score that was given.
    #[schema(example = 92.5, value_type = Option<f64>, required)]
    score: Option<Number>,
    /// What was checked, as the gateway sends it.
    #[schema(value_type = Option<Vec<Object>>, required)]
    check_items: Option<Value>,
    /// Until when the finding must be dealt with.
    #[schema(example = "2026-11-25T10:00:00+08:00", format = DateTime, required)]
    deadline: Option<String>,
    /// Amount of a reward.
    #[schema(example = 50, value_type = Option<f64>, required)]
    reward: Option<Number>,
    /// Amount of a penalty.
    #[schema(example = 100, value_type = Option<f64>, required)]
    penalty: Option<Number>,
    /// Points that were deducted.
    #[schema(example = 5, value_type = Option<f64>, required)]
    deduction: Option<Number>,
    /// Addresses of pictures.
    #[schema(example = json!(["https://media.example.com/1.jpg"]))]
    photos: Vec<String>,
    /// Addresses of videos.
    #[schema(example = json!(["https://media.example.com/1.mp4"]))]
    videos: Vec<String>,
    /// Every field that the gateway sent and this document does not name, untouched.
    #[schema(value_type = Object, additional_properties)]
    extra: Map<String, Value>,
}

/// A person or a store, by number and name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Named {
    /// The number; of a store, its id at OPRetail.
    #[schema(example = "S_123456", required)]
    id: Option<String>,
    /// The name.
    #[schema(example = "Nanjing Road Flagship", required)]
    name: Option<String>,
}

// What the vendor sends.

/// The list stands in `data` itself or under one of these names, the total under one of those.
const LISTS: [&str; 4] = ["rows", "records", "list", "content"];
const TOTALS: [&str; 3] = ["total", "totalCount", "count"];

fn page_from_wire(data: Value) -> Option<GatewayPage<Map<String, Value>>> {
    let (items, total) = match data {
        Value::Array(items) => (items, None),
        Value::Object(mut fields) => {
            let total = TOTALS.iter().find_map(|name| whole(fields.get(*name)?));
            let list = LISTS.iter().find_map(|name| fields.remove(*name))?;
            (if list.is_null() { Vec::new() } else { list.as_array()?.clone() }, total)
        }
        _ => return None,
    };
    let rows = items.into_iter().map(|item| if let Value::Object(row) = item { Some(row) } else { None });
    Some(GatewayPage { items: rows.collect::<Option<_>>()?, total })
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

// The translation, both ways.

impl Inspection {
    fn from_wire(row: Map<String, Value>, access: &OpRetailAccess) -> Self {
        let mut fields = LikelyFields::new(row, &access.zone);
        let store_id = fields.text(&["depId", "deptId", "departmentId", "shopId", "storeId"]);
        let store_name = fields.text(&["depName", "deptName", "departmentName", "shopName", "storeName"]);
        let inspector_id = fields.text(&["inspectorId", "userId", "createUserId", "checkUserId", "creatorId"]);
        let inspector_name =
            fields.text(&["inspectorName", "inspector", "userName", "createUserName", "checkUserName", "creatorName"]);
        let (reward, penalty) = fields.reward_or_penalty();
        Self {
            id: fields.text(&["id", "inspectionId", "recordId", "taskId"]),
            inspector: named(inspector_id, inspector_name),
            source_type: fields.parsed(&["sourceType", "source"], SourceTypeDocument::from_wire),
            created_at: fields.time(&["createTime", "createDate", "createdAt", "createtime"]),
            store: named(store_id.map(|id| with_prefix(&id)), store_name),
            status: fields.text(&["statusName", "problemStatusName", "status", "problemStatus", "state"]),
            score: fields.number(&["score", "totalScore", "point"]),
            check_items: fields.list(&["checkItems", "items", "itemList", "checkItemList", "details"]),
            deadline: fields.time(&["deadline", "validTime", "expireTime", "limitTime", "endTime"]),
            reward,
            penalty,
            deduction: fields.number(&["deductScore", "deductPoints", "deduction"]),
            photos: fields.addresses(&["photos", "pictures", "pics", "picUrls", "imageUrls", "photoList"]),
            videos: fields.addresses(&["videos", "videoUrls", "videoList"]),
            extra: fields.into_rest(),
        }
    }

    fn is_of(&self, stores: &[String]) -> bool {
        let id = self.store.as_ref().and_then(|store| store.id.as_ref());
        id.is_some_and(|id| stores.contains(id))
    }
}

fn named(id: Option<String>, name: Option<String>) -> Option<Named> {
    (id.is_some() || name.is_some()).then_some(Named { id, name })
}

/// The gateway writes a store's number without its prefix in some answers.
fn with_prefix(id: &str) -> String {
    if id.starts_with("S_") { id.to_owned() } else { format!("S_{id}") }
}

/// What one request reads from the gateway.
struct Reading {
    access: OpRetailAccess,
    enterprise_id: i64,
    period: Period,
    source_types: Vec<SourceType>,
    /// The stores to keep; all when it is `None`.
    stores: Option<Vec<String>>,
}

impl Reading {
    fn call(&self, page: u64, size: u32) -> Call {
        let codes: Vec<String> = self.source_types.iter().map(|source| source.code().to_string()).collect();
        Call::new(STATISTICS_DETAIL_PAGE)
            .with("pageNumber", page.to_string())
            .with("pageSize", size.to_string())
            .with("enterpriseId", self.enterprise_id.to_string())
            .with("startTime", self.period.start_day())
            .with("endTime", self.period.end_day())
            .with_some("sourceTypes", (!codes.is_empty()).then(|| codes.join(",")))
    }

    /// Lists of more than `most` inspections are refused as soon as the gateway tells their length.
    async fn fetch(
        &self,
        gateway: &GatewayClient,
        window: Window,
        most: Option<u32>,
    ) -> Result<GatewayPage<Inspection>, Error> {
        let fetch_page = |number, size| async move {
            let data: Option<Value> = gateway.call(&self.access.account, &self.call(number, size)).await?;
            let page = data.map_or(Some(GatewayPage { items: Vec::new(), total: None }), page_from_wire);
            let page = page
                .ok_or_else(|| Error::local(Gateway::OpRetail, Kind::Unreadable, "there is no list of inspections"))?;
            match (page.total, most) {
                (Some(total), Some(most)) if total > u64::from(most) => Err(too_many()),
                _ => Ok(page),
            }
        };
        let page = window.fetch(Gateway::OpRetail, fetch_page).await?;
        let items = page.items.into_iter().map(|row| Inspection::from_wire(row, &self.access)).collect();
        Ok(GatewayPage { items, total: page.total })
    }

    /// The gateway cannot filter by store, so its whole list is read and filtered here; page numbers stay true.
    async fn fetch_filtered(
        &self,
        gateway: &GatewayClient,
        page: Page,
        stores: &[String],
    ) -> Result<GatewayPage<Inspection>, Error> {
        // One more than is taken, so that a list without a total shows whether it ends.
        let window = Window { offset: 0, size: MOST_FILTERED + 1, cap: GATEWAY_PAGE };
        let all = self.fetch(gateway, window, Some(MOST_FILTERED)).await?;
        if all.items.len() > MOST_FILTERED as usize {
            return Err(too_many());
        }
        let kept: Vec<Inspection> = all.items.into_iter().filter(|item| item.is_of(stores)).collect();
        let total = kept.len() as u64;
        let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        Ok(GatewayPage { items: kept.into_iter().skip(skip).take(page.size as usize).collect(), total: Some(total) })
    }
}

fn too_many() -> Error {
    let cause = format!("more than {MOST_FILTERED} inspections would have to be read to filter them by store");
    let message = format!(
        "There are more than {MOST_FILTERED} inspections to look through for this store. Ask for a shorter period, or name \
         source types."
    );
    let note = Note { message: Some(message), ..Note::default() };
    Error { note: Some(note), ..Error::local(Gateway::OpRetail, Kind::ParameterRefused, cause) }
}

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
    let stores = match &ask.store {
        Some(store) => Some(vec![desk.opretail_store(&caller, store)?]),
        None => desk.granted_opretail_stores(&caller)?,
    };
    let access = tenant.opretail()?.clone();
    let enterprise_id = access.enterprise_id.ok_or_else(enterprise_is_not_configured)?;
    let period = PeriodText(ask.period.start_day(), ask.period.end_day());
    let filters = filters(&period, &ask.source_types, ask.store.as_ref());
    let canonical = format!("{filters:?} {stores:?} {:?}", ask.page);
    let ended = ask.period.has_ended(desk.shared().clock.now());
    let question = desk.question(&caller, &RESOURCE, &canonical, stores.clone().unwrap_or_default(), ended)?;
    let page = ask.page;
    let reading = Reading { access, enterprise_id, period: ask.period, source_types: ask.source_types, stores };
    desk.answer(&RESOURCE, question, move |gateway| async move {
        let window = Window { offset: page.offset(), size: page.size, cap: GATEWAY_PAGE };
        let found = match &reading.stores {
            Some(stores) => reading.fetch_filtered(&gateway, page, stores).await?,
            None => reading.fetch(&gateway, window, None).await?,
        };
        let more = found.items.len() == page.size as usize;
        let link = page.link("/inspections", &filters, found.total, more);
        Ok(Fetched { value: InspectionList { items: found.items, page: page.info(found.total) }, link })
    })
    .await
}

fn enterprise_is_not_configured() -> Problem {
    let cause = "tenants.<name>.opretail.enterprise_id is not set, and the gateway needs it for inspections";
    Problem::from(&Error::local(Gateway::OpRetail, Kind::CredentialsRefused, cause))
}

#[cfg(test)]
mod tests;
