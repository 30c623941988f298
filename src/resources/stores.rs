//! `GET /stores`: the stores that the tenant's OMS and its store directory know, a page at a time.

pub mod listing;
mod merged;
pub mod shop;
pub mod shops;

use std::sync::LazyLock;

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::gateway_pages::JoinedPages;
use super::params::kinds::{StoreKind, text};
use super::params::{InvalidValue, PageInfo, PageParameters, Parameter, ParameterKind, ParameterReader};
use super::request_context::{FetchedValue, RequestContext, no_number_at_the_vendor};
use super::store::{self, Store};
use super::{Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::cache::Freshness;
use crate::directory::{Directory, StoreId};
use crate::gateway::GatewayClient;
use crate::gateway::endpoint::china_standard_time;
use crate::gateway::error::Error;
use crate::gateway::protocol::Method;
use crate::gateway::tenants::Access;
use crate::http::problem::Problem;
use crate::resources::vendors::oms;
use crate::vendors::built_in_method;

use self::merged::StoreSelection;
use self::shops::OmsShops;

/// A page of the store list.
pub(super) static SHOP_GET_LIST: LazyLock<Method> = LazyLock::new(|| built_in_method("oms", "shop.getList"));

/// The list of stores.
pub static RESOURCE: Resource = Resource {
    method: Some(&SHOP_GET_LIST),
    policy: Some(store::POLICY),
    ..Resource::new("stores", || Route::of(__path_list_stores, ListParameters::read, list_stores))
};

// What the caller may ask.

static CODE: Parameter<StoreKind> = Parameter::new(
    "code",
    "Only stores with one of these OMS codes; at most 200. `S_` alone is none.",
    StoreKind::FILTER,
);
static NAME: Parameter<NameFilter> =
    Parameter::new("name", "Only stores whose name contains this text, whatever the case of its letters.", NameFilter);

/// A part of a store's name; names are compared here, not at the gateway.
struct NameFilter;

impl NameFilter {
    const LONGEST: usize = 64;
    /// The pattern of what [`Self::parse`] accepts.
    const PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
}

impl ParameterKind for NameFilter {
    type Value = String;

    fn parse(&self, text: &str, _: &Directory) -> Result<String, InvalidValue> {
        if text.trim().is_empty() || text.chars().count() > Self::LONGEST {
            Err(InvalidValue::out_of_range(format!("write 1 to {} characters", Self::LONGEST)))
        } else if text.contains(char::is_control) {
            Err("control characters are not taken".into())
        } else {
            Ok(text.to_owned())
        }
    }

    fn schema(&self) -> ObjectBuilder {
        text().min_length(Some(1)).max_length(Some(Self::LONGEST)).pattern(Some(Self::PATTERN))
    }
}

struct ListParameters {
    codes: Vec<StoreId>,
    name: Option<String>,
    page: PageParameters,
}

impl ListParameters {
    fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (codes, name) = (reader.list(&CODE), reader.optional(&NAME));
        let page = PageParameters::read(reader);
        Some(Self { codes, name, page: page? })
    }
}

// What the caller gets.

/// A page of stores.
#[derive(Serialize, ToSchema)]
pub struct StoreList {
    /// The stores of this page.
    items: Vec<Store>,
    /// Where the page stands in the list.
    page: PageInfo,
}

// How it is read.

/// The requested stores: those of the caller's codes, else those that the token grants, else all. A caller's `code` is
/// always a code of the OMS, whatever it looks like.
fn selection(
    context: &RequestContext,
    caller: &Caller<StoresRead>,
    asked: &[StoreId],
) -> Result<StoreSelection, Problem> {
    let (mut codes, mut ids) = (BTreeSet::new(), BTreeSet::new());
    match caller.grants().stores() {
        _ if !asked.is_empty() => {
            for code in asked {
                codes.insert(context.granted_number(caller, code, oms())?);
            }
        }
        None => return Ok(StoreSelection::All),
        Some(granted) => {
            let directory = context.directory(caller);
            codes.extend(granted.iter().filter_map(|id| directory.find(id).at(oms()).map(str::to_owned)));
            ids.extend(granted.iter().filter_map(|id| directory.row(id)).map(|row| row.id.to_string()));
            if codes.is_empty() && ids.is_empty() {
                return Err(no_number_at_the_vendor());
            }
        }
    }
    Ok(StoreSelection::Only { codes: codes.into_iter().collect(), ids })
}

/// The stores that one request reads.
struct StoreListQuery {
    /// The account at the OMS; `None` when the tenant has none.
    oms: Option<Access>,
    directory: Arc<Directory>,
    selection: StoreSelection,
    name: Option<String>,
    page: PageParameters,
    /// The filters that the caller wrote, for the links; the codes that the token grants are not among them.
    written: Vec<(&'static str, String)>,
}

impl StoreListQuery {
    async fn fetch(self, gateway: GatewayClient) -> Result<FetchedValue<StoreList>, Error> {
        let part = match &self.oms {
            // Our pages are parts of the OMS's list, independent of its page boundaries.
            Some(access) if self.is_whole_list_of_oms() => {
                let part = OmsShops { access, gateway: &gateway }.part(self.page.offset(), self.page.size).await?;
                let (total, keeps, more) = (part.total, part.max_freshness(), part.is_full);
                let gives_nothing = part.items.is_empty();
                let items = merged::merge(part.items, &self.directory, &access.zone)?;
                StorePage { items, total, more, keeps, gives_nothing }
            }
            _ => self.part_of_merged(&gateway).await?,
        };
        let link = self.page.link("/stores", &self.written, part.total, part.more);
        let value = StoreList { items: part.items, page: self.page.info(part.total) };
        Ok(FetchedValue { value, link, keeps: part.keeps, gives_nothing: part.gives_nothing })
    }

    fn is_whole_list_of_oms(&self) -> bool {
        self.selection == StoreSelection::All && self.name.is_none() && self.directory.rows().is_empty()
    }

    /// Reads all stores that may match, and cuts the page from them: a store of the directory may be on any page, and
    /// the OMS may ignore filters.
    async fn part_of_merged(&self, gateway: &GatewayClient) -> Result<StorePage, Error> {
        let oms = self.oms.as_ref().filter(|_| self.selection.is_of_oms());
        let (shops, zone) = match oms {
            Some(access) => (OmsShops { access, gateway }.all(self.selection.codes()).await?, access.zone.clone()),
            None => (JoinedPages::of_nothing(), china_standard_time()),
        };
        let (keeps, gives_nothing) = (shops.max_freshness(), oms.is_some() && shops.items.is_empty());
        let mut stores = merged::merge(shops.items, &self.directory, &zone)?;
        self.selection.pick(&mut stores);
        self.name.iter().for_each(|name| merged::pick_by_name(&mut stores, name));
        let total = Some(stores.len() as u64);
        let skip = usize::try_from(self.page.offset()).unwrap_or(usize::MAX);
        let items = stores.into_iter().skip(skip).take(self.page.size as usize).collect();
        Ok(StorePage { items, total, more: false, keeps, gives_nothing })
    }
}

/// The stores of a page.
struct StorePage {
    items: Vec<Store>,
    total: Option<u64>,
    /// Whether more stores may follow, when there is no total.
    more: bool,
    keeps: Option<Freshness>,
    /// Whether the OMS was called and sent no stores.
    gives_nothing: bool,
}

// The handler.

/// List stores
///
/// The stores that the company's OMS and its store directory know, each once, a page at a time: the OMS's in its order, and
/// then those that only the directory knows. A token that is limited to certain stores sees those.
#[utoipa::path(
    get,
    path = "/stores",
    operation_id = "list_stores",
    tag = "Stores",
    responses((status = 200, description = "A page of stores", body = StoreList))
)]
async fn list_stores(
    caller: Caller<StoresRead>,
    context: RequestContext,
    parameters: ListParameters,
) -> Result<HttpResponse, Problem> {
    let tenant = context.tenant(&caller)?;
    let directory = context.directory(&caller);
    let oms = match tenant.access(oms()) {
        Ok(access) => Some(access.clone()),
        Err(_) if !directory.rows().is_empty() => None,
        Err(missing) => return Err(missing.into()),
    };
    let selection = selection(&context, &caller, &parameters.codes)?;
    let mut written = Vec::new();
    if !parameters.codes.is_empty() {
        written.push(("code", selection.codes().join(",")));
    }
    written.extend(parameters.name.clone().map(|name| ("name", name)));
    // The caller's filters are part of the key: the same stores have another `Link` for a caller who wrote no code.
    let canonical = format!("{selection:?} {written:?} {:?} {}", parameters.page, directory.version);
    let lookup = context.lookup(&caller, &RESOURCE, &canonical, selection.named(), false)?;
    let reading = StoreListQuery { oms, directory, selection, name: parameters.name, page: parameters.page, written };
    context.answer(&RESOURCE, lookup, move |gateway| reading.fetch(gateway)).await
}
