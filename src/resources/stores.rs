//! `GET /stores`: the stores of a company's OMS, a page at a time.

pub mod listing;

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::desk::{Desk, Fetched};
use super::gateway_pages::{GatewayPage, Window};
use super::params::{Ask, LONGEST_LIST, Page, PageInfo, PageQuery, Reader, STORE_ID_PATTERN, documented};
use super::store::{self, Shop, Store, unreadable};
use super::{Endpoint, Origin, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::directory::{Directory, StoreId};
use crate::gateway::GatewayClient;
use crate::gateway::dialect::Call;
use crate::gateway::error::Error;
use crate::gateway::object::Object;
use crate::gateway::oms::methods::SHOP_GET_LIST;
use crate::gateway::tenants::OmsAccess;
use crate::gateway::vendor::Gateway;
use crate::gateway::{object, odd_values, scalar};
use crate::http::problem::Problem;

/// The list of stores.
pub static RESOURCE: Resource = Resource {
    name: "stores",
    method: Some(SHOP_GET_LIST),
    parts: &[],
    policy: Some(store::POLICY),
    origin: Origin::Handler(|| Endpoint::read::<__path_list_stores, _, _>(list_stores)),
};

// What the caller may ask.

/// Filters of the list in the document.
struct StoreFilter;

impl IntoParams for StoreFilter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let code = "Only stores with one of these OMS codes; at most 200. `S_` alone is none.";
        let name = "Only stores whose name contains this text. Quotes, backslashes and semicolons are not taken.";
        vec![documented::optional_list("code", code, codes_schema()), documented::optional("name", name, name_schema())]
    }
}

fn codes_schema() -> Array {
    let code = ObjectBuilder::new().schema_type(Type::String).pattern(Some(STORE_ID_PATTERN));
    ArrayBuilder::new().items(code).min_items(Some(1)).max_items(Some(LONGEST_LIST)).build()
}

fn name_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(LONGEST_NAME))
        .pattern(Some(NAME_PATTERN))
}

/// What [`flaw_of_name`] lets pass.
const NAME_PATTERN: &str = r#"^[^'"`\\;\x00-\x1f\x7f-\x9f]*[^'"`\\;\s\x00-\x1f\x7f-\x9f][^'"`\\;\x00-\x1f\x7f-\x9f]*$"#;
const LONGEST_NAME: usize = 64;

struct ListAsk {
    codes: Vec<StoreId>,
    name: Option<String>,
    page: Page,
}

impl Ask for ListAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let codes = reader.list("code");
        let name = reader.text("name");
        if let Some(message) = name.as_deref().and_then(flaw_of_name) {
            reader.error("name", message);
        }
        let page = Page::read(reader);
        Some(Self { codes, name, page: page? })
    }
}

/// An OMS is known to paste texts into SQL, so what could end a quoted text there is refused here.
fn flaw_of_name(name: &str) -> Option<&'static str> {
    let dangerous = |character: char| character.is_control() || "'\"`\\;".contains(character);
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        Some("write 1 to 64 characters")
    } else if name.contains(dangerous) {
        Some("quotes, backslashes, semicolons and control characters are not taken")
    } else {
        None
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

// What the vendor sends.

#[derive(Deserialize)]
struct ShopList {
    #[serde(default, deserialize_with = "scalar::count")]
    count: Option<i64>,
    /// `None` when it is there and no list. A store without a code is none that could be told from others.
    #[serde(default = "no_shops", deserialize_with = "shops_with_codes")]
    lists: Option<Vec<Option<Shop>>>,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field that is missing")]
const fn no_shops() -> Option<Vec<Option<Shop>>> {
    Some(Vec::new())
}

/// What is no list is not taken for an empty one.
fn shops_with_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Option<Shop>>>, D::Error> {
    let shops = object::rows(deserializer, |shop: &Shop| shop.code().is_some());
    Ok(shops.inspect_err(|_| odd_values::note("")).ok())
}

// The translation, both ways.

/// Codes that are asked for: those of the caller, else those that the token grants, else all. What a caller writes as
/// `code` is the OMS's, whatever it looks like.
fn wanted_codes(desk: &Desk, caller: &Caller<StoresRead>, asked: &[StoreId]) -> Result<Vec<String>, Problem> {
    if asked.is_empty() {
        return Ok(desk.granted_oms_stores(caller)?.unwrap_or_default());
    }
    asked.iter().map(|code| desk.granted_code(caller, code)).collect()
}

/// What one request reads from the gateway.
struct Reading {
    access: OmsAccess,
    directory: Arc<Directory>,
    /// Codes to ask for; all when there are none.
    codes: Vec<String>,
    name: Option<String>,
    page: Page,
    /// The filters that the caller wrote, for the links; not the codes that the token grants.
    written: Vec<(&'static str, String)>,
}

impl Reading {
    fn call(&self, page: u64, size: u32) -> Call {
        let codes = (!self.codes.is_empty()).then(|| self.codes.join(","));
        Call::new(SHOP_GET_LIST)
            .with("page_no", page.to_string())
            .with("page_size", size.to_string())
            .with_some(self.access.code_parameter.wire_name(), codes)
            .with_some("shop_name", self.name.clone())
    }

    async fn fetch(self, gateway: GatewayClient) -> Result<Fetched<StoreList>, Error> {
        let window = Window { offset: self.page.offset(), size: self.page.size, cap: self.access.page_cap };
        let fetch_page = |number, size| {
            let (call, reading, gateway) = (self.call(number, size), &self, &gateway);
            async move {
                let list: Option<Object<ShopList>> = gateway.call(&reading.access.account, &call).await?;
                let page = list.and_then(|Object(list)| shops(list));
                let page = page.ok_or_else(|| unreadable("the list has no stores or count"))?;
                if reading.is_too_long(page.total) { Err(not_asked_for()) } else { Ok(page) }
            }
        };
        let shops = window.fetch(Gateway::Oms, fetch_page).await?;
        let items = self.stores(shops.items.into_iter().flatten().collect())?;
        if !items.iter().all(|store| self.asked_for(store)) {
            return Err(not_asked_for());
        }
        let link = self.page.link("/stores", &self.written, shops.total, false);
        Ok(Fetched { value: StoreList { items, page: self.page.info(shops.total) }, link })
    }

    fn stores(&self, shops: Vec<Shop>) -> Result<Vec<Store>, Error> {
        let ambiguous = ambiguous_codes(&shops);
        let stores = shops.into_iter().map(|shop| {
            let store = Store::from_wire(shop, &self.access.zone, &self.directory)?;
            let leads_elsewhere = ambiguous.iter().any(|code| store.has_code(code));
            Ok(if leads_elsewhere { store.without_id() } else { store })
        });
        stores.collect()
    }

    /// Whether the list has more stores than codes are asked for. A page without any store of others, or with none at
    /// all, still tells in its total and its links how many there are.
    fn is_too_long(&self, total: Option<u64>) -> bool {
        !self.codes.is_empty() && total.is_some_and(|total| total > self.codes.len() as u64)
    }

    /// A server that does not know the filter's name ignores it and gives every store.
    fn asked_for(&self, store: &Store) -> bool {
        self.codes.is_empty() || self.codes.iter().any(|code| store.has_code(code))
    }
}

fn not_asked_for() -> Error {
    unreadable("the gateway gave stores that were not asked for; see tenants.<name>.oms.code_parameter")
}

/// Codes that more than one store has. The same store twice is one: a list that grows while its pages are read moves its
/// stores on.
fn ambiguous_codes(shops: &[Shop]) -> Vec<String> {
    let mut first: HashMap<String, &Shop> = HashMap::new();
    let mut ambiguous = Vec::new();
    for shop in shops {
        let Some(code) = shop.code().map(str::to_ascii_lowercase) else { continue };
        match first.get(&code) {
            Some(other) if *other != shop => ambiguous.push(code),
            Some(_) => {}
            None => drop(first.insert(code, shop)),
        }
    }
    ambiguous
}

/// A page, with `None` for each row that is left out.
fn shops(list: ShopList) -> Option<GatewayPage<Option<Shop>>> {
    let total = u64::try_from(list.count?).ok()?;
    Some(GatewayPage { items: list.lists?, total: Some(total) })
}

// The handler.

/// List stores
///
/// The stores of the company's OMS, a page at a time. A token that is limited to certain stores sees those.
#[utoipa::path(
    get,
    path = "/stores",
    operation_id = "list_stores",
    tag = "Stores",
    params(StoreFilter, PageQuery),
    responses((status = 200, description = "A page of stores", body = StoreList))
)]
async fn list_stores(caller: Caller<StoresRead>, desk: Desk) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: ListAsk = desk.ask(&tenant)?;
    let mut codes = wanted_codes(&desk, &caller, &ask.codes)?;
    codes.sort();
    codes.dedup();
    let mut written = Vec::new();
    if !ask.codes.is_empty() {
        written.push(("code", codes.join(",")));
    }
    written.extend(ask.name.clone().map(|name| ("name", name)));
    let access = tenant.oms()?.clone();
    // What is written counts, too: the same stores of the same codes have another `Link` for whoever wrote no code.
    let directory = desk.directory(&caller);
    let canonical = format!("{codes:?} {written:?} {:?} {}", ask.page, directory.version());
    let question = desk.question(&caller, &RESOURCE, &canonical, codes.clone(), false)?;
    let reading = Reading { access, directory, codes, name: ask.name, page: ask.page, written };
    desk.answer(&RESOURCE, question, move |gateway| reading.fetch(gateway)).await
}

#[cfg(test)]
mod tests;
