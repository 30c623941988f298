//! `GET /stores` and `GET /stores/{store_id}`: the stores of a company's OMS.

use actix_web::HttpResponse;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::desk::{Desk, Fetched};
use super::gateway_pages::{GatewayPage, Window};
use super::params::{Ask, LONGEST_LIST, Page, PageInfo, PageQuery, Reader, STORE_ID_PATTERN, documented};
use super::wire_time;
use super::{Endpoint, Policy, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::cache::Freshness;
use crate::directory::StoreId;
use crate::gateway::GatewayClient;
use crate::gateway::dialect::Call;
use crate::gateway::error::{Error, Kind};
use crate::gateway::oms::methods::{SHOP_GET, SHOP_GET_LIST};
use crate::gateway::scalar::{self, Object};
use crate::gateway::tenants::OmsAccess;
use crate::gateway::vendor::Gateway;
use crate::http::problem::Problem;

/// Stores change rarely.
const POLICY: Policy = Policy::always(Freshness::seconds(300, 3600, 86_400));

/// The list of stores.
pub static LIST: Resource = Resource {
    name: "stores",
    method: Some(SHOP_GET_LIST),
    policy: Some(POLICY),
    endpoint: || Endpoint::read::<__path_list_stores, _, _>(list_stores),
};

/// One store.
pub static ONE: Resource = Resource {
    name: "store",
    method: Some(SHOP_GET),
    policy: Some(POLICY),
    endpoint: || Endpoint::read::<__path_read_store, _, _>(read_store),
};

// What the caller may ask.

/// Filters of the list in the document.
struct StoreFilter;

impl IntoParams for StoreFilter {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let code = "Only stores with one of these OMS codes, separated by commas; at most 200.";
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

/// The store in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document only; `OneAsk` reads the value")]
struct OmsStorePath {
    /// The store: the OMS's code.
    #[param(example = "SHOP001", pattern = "^[A-Za-z0-9_.-]{1,32}$", min_length = 1, max_length = 32)]
    store_id: String,
}

struct OneAsk {
    store: StoreId,
}

impl Ask for OneAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { store: reader.store()? })
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

/// A store, as the company's OMS knows it.
#[derive(Serialize, ToSchema)]
pub struct Store {
    /// The id to use in paths.
    #[schema(example = "SHOP001")]
    id: String,
    /// The store's code at the OMS.
    #[schema(example = "SHOP001", required)]
    oms_code: Option<String>,
    /// The store's id at OPRetail, when it is mapped.
    #[schema(example = "S_123456", required)]
    opretail_id: Option<String>,
    /// The store's name.
    #[schema(example = "Nanjing Road Flagship", required)]
    name: Option<String>,
    /// The company that runs the store.
    #[schema(example = "Example Retail Co.", required)]
    company: Option<String>,
    /// Whom to ask.
    contact: Contact,
    /// Where the store is. The list does not tell; a single store does.
    #[schema(example = "1 Example Road, Shanghai", required)]
    address: Option<String>,
    /// Whether the store is open for business in the OMS.
    status: StoreStatus,
    /// When the store was added.
    #[schema(example = "2024-01-01T10:00:00+08:00", format = DateTime, required)]
    created_at: Option<String>,
    /// When the store was last changed.
    #[schema(example = "2024-01-01T10:00:00+08:00", format = DateTime, required)]
    updated_at: Option<String>,
}

/// Whom to ask about a store.
#[derive(Serialize, ToSchema)]
pub struct Contact {
    /// The person's name.
    #[schema(example = "Zhang San", required)]
    name: Option<String>,
    /// The telephone number.
    #[schema(example = "13800138000", required)]
    phone: Option<String>,
    /// The e-mail address. The list does not tell; a single store does.
    #[schema(example = "store@example.com", required)]
    email: Option<String>,
}

/// Whether a store is open for business in the OMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreStatus {
    /// Open.
    Online,
    /// Closed.
    Offline,
    /// The OMS did not say.
    Unknown,
}

// What the vendor sends.

#[derive(Deserialize)]
struct ShopList {
    #[serde(deserialize_with = "scalar::integer")]
    count: Option<i64>,
    lists: Option<Vec<Object<Shop>>>,
}

/// Newer servers write `shop_code` for `shop_bn`.
#[derive(Deserialize)]
struct Shop {
    #[serde(default, deserialize_with = "scalar::text")]
    shop_bn: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    shop_code: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    shop_name: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    company_name: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    contact_name: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    contact_tel: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    contact_email: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    address: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    createtime: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    updatetime: Option<String>,
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
                page.ok_or_else(|| unreadable("the list has no stores or count"))
            }
        };
        let shops = window.fetch(Gateway::Oms, fetch_page).await?;
        let stores = shops.items.into_iter().map(|shop| Store::from_wire(shop, &self.access.zone));
        let items = stores.collect::<Result<Vec<_>, _>>()?;
        if !items.iter().all(|store| self.asked_for(store)) {
            return Err(unreadable(
                "the gateway gave stores that were not asked for; see tenants.<name>.oms.code_parameter",
            ));
        }
        let link = self.page.link("/stores", &self.written, shops.total, false);
        Ok(Fetched { value: StoreList { items, page: self.page.info(shops.total) }, link })
    }

    /// A server that does not know the filter's name ignores it and gives every store.
    fn asked_for(&self, store: &Store) -> bool {
        self.codes.is_empty() || self.codes.iter().any(|code| code.eq_ignore_ascii_case(&store.id))
    }
}

fn unreadable(cause: &str) -> Error {
    Error::local(Gateway::Oms, Kind::Unreadable, cause)
}

fn shops(list: ShopList) -> Option<GatewayPage<Shop>> {
    let total = u64::try_from(list.count?).ok()?;
    let items = list.lists.unwrap_or_default().into_iter().map(|Object(shop)| shop).collect();
    Some(GatewayPage { items, total: Some(total) })
}

impl Store {
    fn from_wire(shop: Shop, zone: &TimeZone) -> Result<Self, Error> {
        let code = shop.shop_bn.or(shop.shop_code);
        let code = code.ok_or_else(|| unreadable("a store has no code"))?;
        Ok(Self {
            id: code.clone(),
            oms_code: Some(code),
            opretail_id: None,
            name: shop.shop_name,
            company: shop.company_name,
            contact: Contact { name: shop.contact_name, phone: shop.contact_tel, email: shop.contact_email },
            address: shop.address,
            status: match shop.status.as_deref() {
                Some("online") => StoreStatus::Online,
                Some("offline") => StoreStatus::Offline,
                _ => StoreStatus::Unknown,
            },
            created_at: shop.createtime.and_then(|time| wire_time::read(&time, zone)),
            updated_at: shop.updatetime.and_then(|time| wire_time::read(&time, zone)),
        })
    }
}

// The handlers.

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
    let canonical = format!("{codes:?} {:?} {:?}", ask.name, ask.page);
    let question = desk.question(&caller, &LIST, &canonical, codes.clone(), false)?;
    let reading = Reading { access, codes, name: ask.name, page: ask.page, written };
    desk.answer(&LIST, question, move |gateway| reading.fetch(gateway)).await
}

/// Read a store
///
/// One store of the company's OMS, with its address and e-mail.
#[utoipa::path(
    get,
    path = "/stores/{store_id}",
    operation_id = "read_store",
    tag = "Stores",
    params(OmsStorePath),
    responses((status = 200, description = "The store", body = Store))
)]
async fn read_store(caller: Caller<StoresRead>, desk: Desk) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: OneAsk = desk.ask(&tenant)?;
    let code = desk.oms_store(&caller, &ask.store)?;
    let access = tenant.oms()?.clone();
    let question = desk.question(&caller, &ONE, &code, vec![code.clone()], false)?;
    desk.answer(&ONE, question, move |gateway| async move {
        let call = Call::new(SHOP_GET).with(access.code_parameter.wire_name(), code.clone());
        let shop: Option<Object<Shop>> = gateway.call(&access.account, &call).await?;
        let Object(shop) = shop.ok_or_else(|| Error::local(Gateway::Oms, Kind::NotFound, "the OMS gave no store"))?;
        let store = Store::from_wire(shop, &access.zone)?;
        if !store.id.eq_ignore_ascii_case(&code) {
            return Err(unreadable("the gateway gave another store than was asked for"));
        }
        Ok(store.into())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{Shop, ShopList, Store, flaw_of_name, shops};
    use crate::gateway::endpoint::china_standard_time;
    use serde_json::json;

    fn store(shop: serde_json::Value) -> serde_json::Value {
        let shop: Shop = serde_json::from_value(shop).unwrap();
        serde_json::to_value(Store::from_wire(shop, &china_standard_time()).unwrap()).unwrap()
    }

    #[test]
    fn every_field_of_the_vendors_page_is_mapped() {
        let page = json!({
            "shop_bn": "SHOP001", "shop_name": "测试店铺", "company_name": "测试公司", "contact_name": "张三",
            "contact_tel": "13800138000", "contact_email": "test@example.com", "address": "北京市朝阳区测试路1号",
            "status": "online", "createtime": "2024-01-01 10:00:00", "updatetime": "2024-01-02 10:00:00"
        });
        assert_eq!(
            store(page),
            json!({
                "id": "SHOP001", "oms_code": "SHOP001", "opretail_id": null, "name": "测试店铺", "company": "测试公司",
                "contact": {"name": "张三", "phone": "13800138000", "email": "test@example.com"},
                "address": "北京市朝阳区测试路1号", "status": "online",
                "created_at": "2024-01-01T10:00:00+08:00", "updated_at": "2024-01-02T10:00:00+08:00"
            })
        );
    }

    #[test]
    fn what_the_gateway_did_not_give_is_null() {
        let bare =
            store(json!({"shop_code": "A1", "shop_name": "", "status": "moved", "createtime": "0000-00-00 00:00:00"}));
        assert_eq!(bare["oms_code"], "A1");
        assert_eq!(bare["status"], "unknown");
        for field in ["name", "company", "address", "created_at", "updated_at"] {
            assert!(bare[field].is_null(), "{field}");
        }
    }

    #[test]
    fn a_count_may_be_text_and_must_be_there() {
        let list = |value| shops(serde_json::from_value::<ShopList>(value).unwrap()).map(|page| page.total);
        assert_eq!(list(json!({"count": "10", "lists": []})), Some(Some(10)));
        assert_eq!(list(json!({"count": null, "lists": []})), None);
        assert!(serde_json::from_value::<ShopList>(json!({"lists": []})).is_err());
    }

    #[test]
    fn a_name_that_could_leave_its_quotes_is_refused() {
        for name in ["", "a'b", "a\"b", "a;b", "a\\b", "a\nb", &"x".repeat(65)] {
            assert!(flaw_of_name(name).is_some(), "{name}");
        }
        assert!(flaw_of_name("测试店铺 & 100%").is_none());
    }
}
