//! `GET /stores/{store_id}`: one store of a company's OMS.

use actix_web::HttpResponse;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::params::{Ask, Reader};
use super::{Endpoint, Policy, Resource, wire_time};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::cache::Freshness;
use crate::directory::StoreId;
use crate::gateway::dialect::Call;
use crate::gateway::error::{Error, Kind};
use crate::gateway::oms::methods::SHOP_GET;
use crate::gateway::scalar::{self, Object};
use crate::gateway::vendor::Gateway;
use crate::http::problem::Problem;

/// Stores change rarely.
pub const POLICY: Policy = Policy::always(Freshness::seconds(300, 3600, 86_400));

/// One store.
pub static RESOURCE: Resource = Resource {
    name: "store",
    method: Some(SHOP_GET),
    policy: Some(POLICY),
    endpoint: || Endpoint::read::<__path_read_store, _, _>(read_store),
};

// What the caller may ask.

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

/// A store as the OMS sends it. Newer servers write `shop_code` for `shop_bn`.
#[derive(PartialEq, Eq, Deserialize)]
pub struct Shop {
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

/// An answer that does not fit what was asked.
pub fn unreadable(cause: &str) -> Error {
    Error::local(Gateway::Oms, Kind::Unreadable, cause)
}

impl Store {
    /// The id to use in paths.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Translates; times are in `zone`.
    ///
    /// # Errors
    /// When the store has no code.
    pub fn from_wire(shop: Shop, zone: &TimeZone) -> Result<Self, Error> {
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

// The handler.

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
    let question = desk.question(&caller, &RESOURCE, &code, vec![code.clone()], false)?;
    desk.answer(&RESOURCE, question, move |gateway| async move {
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
    use super::{Shop, Store};
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
}
