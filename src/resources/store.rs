//! `GET /stores/{store_id}`: one store of a company's OMS.

use actix_web::HttpResponse;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::params::{Ask, Reader};
use super::wire_time::{self, WireTime};
use super::{Endpoint, Origin, Policy, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::cache::{Found, Freshness};
use crate::directory::{Directory, StoreId, StoreNumbers};
use crate::gateway::dialect::Call;
use crate::gateway::error::{Error, Kind};
use crate::gateway::object::Object;
use crate::gateway::oms::methods::SHOP_GET;
use crate::gateway::scalar;
use crate::gateway::vendor::Gateway;
use crate::http::problem::Problem;

/// Stores change rarely.
pub const POLICY: Policy = Policy::always(Freshness::seconds(300, 3600, 86_400));

/// One store.
pub static RESOURCE: Resource = Resource {
    name: "store",
    method: Some(SHOP_GET),
    parts: &[],
    policy: Some(POLICY),
    origin: Origin::Handler(|| Endpoint::read::<__path_read_store, _, _>(read_store)),
};

// What the caller may ask.

/// The store in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document only; `OneAsk` reads the value")]
struct OmsStorePath {
    /// The store: the company's own id, or the OMS's code.
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
    /// The id to use in paths. `null` when none leads to this store: the OMS's code breaks the grammar of ids, is taken
    /// for a number of OPRetail's (digits, or `S_`), or stands at another store of the page too. The store is listed
    /// all the same.
    #[schema(example = "SHOP001", required, pattern = "^[A-Za-z0-9_.-]{1,32}$")]
    id: Option<String>,
    /// The store's code at the OMS, as it stands there.
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
    #[serde(default, deserialize_with = "scalar::code")]
    shop_bn: Option<String>,
    #[serde(default, deserialize_with = "scalar::code")]
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
    #[serde(default, deserialize_with = "wire_time::read")]
    createtime: Option<WireTime>,
    #[serde(default, deserialize_with = "wire_time::read")]
    updatetime: Option<WireTime>,
}

// The translation, both ways.

/// An answer that does not fit what was asked.
pub fn unreadable(cause: &str) -> Error {
    Error::local(Gateway::Oms, Kind::Unreadable, cause)
}

impl Shop {
    /// The OMS's code.
    pub fn code(&self) -> Option<&str> {
        self.shop_bn.as_deref().or(self.shop_code.as_deref())
    }

    /// The store's name.
    pub fn name(&self) -> Option<&str> {
        self.shop_name.as_deref()
    }
}

impl Store {
    /// Whether this is the store with that code; an OMS compares codes by letters, not by case.
    pub fn has_code(&self, code: &str) -> bool {
        self.oms_code.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// The same, for a code that leads to another store as well.
    #[must_use]
    pub fn without_id(self) -> Self {
        Self { id: None, ..self }
    }

    /// The same with the ids that the directory has, whatever the case of the OMS's letters.
    fn known_as(self, numbers: StoreNumbers) -> Self {
        Self { id: Some(numbers.id), opretail_id: numbers.opretail, ..self }
    }

    /// Translates; times are in `zone`.
    ///
    /// # Errors
    /// When the store has no code.
    pub fn from_wire(shop: Shop, zone: &TimeZone, directory: &Directory) -> Result<Self, Error> {
        let code = shop.code().ok_or_else(|| unreadable("a store has no code"))?.to_owned();
        // A code of digits alone leads to OPRetail unless the directory says otherwise.
        let numbers = directory.find_by_oms_code(&code);
        let (id, opretail_id) = numbers.map(|numbers| (numbers.id, numbers.opretail)).unzip();
        Ok(Self {
            id,
            oms_code: Some(code),
            opretail_id: opretail_id.flatten(),
            name: shop.shop_name,
            company: shop.company_name,
            contact: Contact { name: shop.contact_name, phone: shop.contact_tel, email: shop.contact_email },
            address: shop.address,
            status: match shop.status.as_deref() {
                Some("online") => StoreStatus::Online,
                Some("offline") => StoreStatus::Offline,
                _ => StoreStatus::Unknown,
            },
            created_at: shop.createtime.and_then(|time| time.rfc3339(zone)),
            updated_at: shop.updatetime.and_then(|time| time.rfc3339(zone)),
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
    let found = find(&caller, &desk, &ask.store).await?;
    Ok(desk.reply_to_question(&RESOURCE, &found).await)
}

/// A store, from the cache or the OMS.
///
/// # Errors
/// The token does not grant the store, it has no code at the OMS, or what the gateway's failure is for the caller.
pub async fn find(caller: &Caller<StoresRead>, desk: &Desk, store: &StoreId) -> Result<Found, Problem> {
    let tenant = desk.tenant(caller)?;
    let code = desk.oms_store(caller, store)?.number;
    let (access, directory) = (tenant.oms()?.clone(), desk.directory(caller));
    let mapped = directory.knows(store).then(|| directory.find(store));
    // The OMS may write the code in another case, and then another row of the directory is the store's.
    let canonical = format!("{code} {mapped:?} {}", directory.version());
    let question = desk.question(caller, &RESOURCE, &canonical, vec![code.clone()], false)?;
    desk.find(&RESOURCE, question, move |gateway| async move {
        let call = Call::new(SHOP_GET).with(access.code_parameter.wire_name(), code.clone());
        let shop: Option<Object<Shop>> = gateway.call(&access.account, &call).await?;
        // An OMS has a code of its own for a store that is not there.
        let Object(shop) = shop.ok_or_else(|| unreadable("the OMS gave no store"))?;
        let store = Store::from_wire(shop, &access.zone, &directory)?;
        if !store.has_code(&code) {
            return Err(unreadable("the gateway gave another store than was asked for"));
        }
        Ok(mapped.into_iter().fold(store, Store::known_as).into())
    })
    .await
}

#[cfg(test)]
mod tests;
