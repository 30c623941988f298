//! `GET /stores/{store_id}`: one store, as the tenant's OMS and its store directory know it.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Parameter;
use super::params::kinds::StoreKind;
use super::request_context::{FetchedValue, RequestContext};
use super::stores::shop::{Shop, unreadable};
use super::stores::shops::OmsShops;
use super::{Policy, Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::StoresRead;
use crate::cache::{CachedResponse, Freshness};
use crate::directory::{Directory, DirectoryRow, StoreId};
use crate::gateway::GatewayClient;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::Method;
use crate::gateway::tenants::Access;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::resources::vendors::{oms, opretail};
use crate::vendors::built_in_method;

/// One store.
pub(super) static SHOP_GET: LazyLock<Method> = LazyLock::new(|| built_in_method("oms", "shop.get"));

/// Freshness of stores, which rarely change.
pub const POLICY: Policy = Policy::always(Freshness::seconds(300, 3600, 86_400));

/// One store.
pub static RESOURCE: Resource = Resource {
    method: Some(&SHOP_GET),
    policy: Some(POLICY),
    ..Resource::new("store", || Route::of(__path_read_store, |reader| reader.in_path(&STORE), read_store))
};

// What the caller may ask.

static STORE: Parameter<StoreKind> = Parameter::with_example(
    "store_id",
    "The store: the company's own id, or the OMS's code; any id of a store that is in the store directory.",
    "SHOP001",
    StoreKind::ONE,
);

// What the caller gets.

/// A store, as the company's OMS and its store directory know it. Id and name are those of the directory, where it has
/// them.
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
    /// Where the store is. Some servers tell it of a single store only, not in the list.
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
    /// Who knows the store: the store directory, the OMS, or both. What only the OMS could tell of a store that it does not
    /// know is `null`.
    #[schema(example = json!(["directory", "oms"]))]
    source: Vec<StoreSource>,
}

/// Who knows a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreSource {
    /// The tenant's store directory.
    Directory,
    /// The tenant's OMS.
    Oms,
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
    /// The e-mail address. Some servers tell it of a single store only, not in the list.
    #[schema(example = "store@example.com", required)]
    email: Option<String>,
}

/// Whether a store is open for business in the OMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreStatus {
    /// Open for business.
    Online,
    /// Closed for business.
    Offline,
    /// The OMS does not state it, or does not know the store.
    Unknown,
}

// The translation.

impl Store {
    /// Translates a store of the OMS; times are in `zone`.
    ///
    /// # Errors
    /// The store has no code.
    pub fn from_wire(shop: Shop, zone: &TimeZone, directory: &Directory) -> Result<Self, Error> {
        let code = shop.code().ok_or_else(|| unreadable("a store has no code"))?.to_owned();
        // A code of digits alone means an OPRetail number unless the directory says otherwise.
        let numbers = directory.find_by_number(oms(), &code);
        let opretail_id = numbers.as_ref().and_then(|numbers| numbers.at(opretail())).map(str::to_owned);
        Ok(Self {
            id: numbers.map(|numbers| numbers.id),
            oms_code: Some(code),
            opretail_id,
            address: shop.address(),
            contact: Contact { name: shop.contact_name(), phone: shop.phone(), email: shop.contact_email.clone() },
            status: match shop.is_open() {
                Some(true) => StoreStatus::Online,
                Some(false) => StoreStatus::Offline,
                None => StoreStatus::Unknown,
            },
            created_at: shop.created_at(zone),
            updated_at: shop.updated_at(zone),
            name: shop.shop_name,
            company: shop.company_name,
            source: vec![StoreSource::Oms],
        })
    }

    /// Creates a store that only the directory knows.
    pub fn from_row(row: &DirectoryRow) -> Self {
        Self {
            id: Some(row.id.to_string()),
            oms_code: row.numbers.at(oms()).map(str::to_owned),
            opretail_id: row.numbers.at(opretail()).map(str::to_owned),
            name: row.name.clone(),
            company: None,
            contact: Contact { name: None, phone: None, email: None },
            address: None,
            status: StoreStatus::Unknown,
            created_at: None,
            updated_at: None,
            source: vec![StoreSource::Directory],
        }
    }

    /// Adds the directory's data about the store.
    #[must_use]
    pub fn known_as(mut self, row: &DirectoryRow) -> Self {
        self.id = Some(row.id.to_string());
        self.opretail_id = row.numbers.at(opretail()).map(str::to_owned);
        self.name = row.name.clone().or(self.name);
        self.source.insert(0, StoreSource::Directory);
        self
    }

    /// Removes the id, for a code that also leads to another store.
    #[must_use]
    pub fn without_id(self) -> Self {
        Self { id: None, ..self }
    }

    /// The id in paths.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The store's code at the OMS.
    pub fn code(&self) -> Option<&str> {
        self.oms_code.as_deref()
    }

    /// The name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

// The handler.

/// Read a store
///
/// One store, as the company's OMS and its store directory know it. A store that only the directory knows has its ids and
/// its name.
#[utoipa::path(
    get,
    path = "/stores/{store_id}",
    operation_id = "read_store",
    tag = "Stores",
    responses((status = 200, description = "The store", body = Store))
)]
async fn read_store(
    caller: Caller<StoresRead>,
    context: RequestContext,
    store: StoreId,
) -> Result<HttpResponse, Problem> {
    let found = find(&caller, &context, &store).await?;
    Ok(context.reply_to_lookup(&RESOURCE, &found).await)
}

/// Finds a store in the cache, the OMS or the directory.
///
/// # Errors
/// The token does not grant the store, no source can know it, or the gateway failed.
pub async fn find(
    caller: &Caller<StoresRead>,
    context: &RequestContext,
    store: &StoreId,
) -> Result<CachedResponse, Problem> {
    let (numbers, directory) = (context.granted(caller, store)?, context.directory(caller));
    let row = directory.row(store).cloned();
    let code = numbers.at(oms()).map(str::to_owned);
    let known_by = match (context.tenant(caller)?.access(oms()), code, row) {
        (Ok(access), Some(code), row) => KnownBy::Oms(access.clone(), code, row),
        (_, _, Some(row)) => KnownBy::Directory(row),
        (Ok(_), None, None) => return Err(context.not_mapped(caller, store, oms())),
        (Err(_), _, None) if !directory.rows().is_empty() => return Err(not_in_the_directory(store)),
        (Err(missing), _, None) => return Err(missing.into()),
    };
    // The OMS may write the code in another case, and then another row of the directory describes the store.
    let canonical = format!("{numbers:?} {}", directory.version);
    let stores = numbers.all().into_iter().map(str::to_owned).collect();
    let lookup = context.lookup(caller, &RESOURCE, &canonical, stores, false)?;
    context
        .source
        .find(&RESOURCE, lookup, move |gateway| async move {
            match known_by {
                KnownBy::Oms(access, code, row) => from_oms(&access, &gateway, &code, &directory, row.as_ref()).await,
                KnownBy::Directory(row) => Ok(Store::from_row(&row).into()),
            }
        })
        .await
}

/// The sources that may know a store.
enum KnownBy {
    /// The OMS, by this code; also the directory, if it has a row.
    Oms(Access, String, Option<DirectoryRow>),
    /// The directory only.
    Directory(DirectoryRow),
}

async fn from_oms(
    access: &Access,
    gateway: &GatewayClient,
    code: &str,
    directory: &Directory,
    row: Option<&DirectoryRow>,
) -> Result<FetchedValue<Store>, Error> {
    match (OmsShops { access, gateway }.one(code).await, row) {
        (Ok(shop), row) => {
            let store = Store::from_wire(shop, &access.zone, directory)?;
            Ok(row.into_iter().fold(store, Store::known_as).into())
        }
        (Err(error), Some(row)) if error.kind == Kind::NotFound => {
            Ok(FetchedValue::from(Store::from_row(row)).of_nothing_if(true))
        }
        (Err(error), _) => Err(error),
    }
}

fn not_in_the_directory(store: &StoreId) -> Problem {
    let detail = format!(
        "The store directory has no store {store}, and there is no OMS that could know it. {}",
        ProblemType::StoreNotFound.remedy()
    );
    Problem::new(ProblemType::StoreNotFound, detail)
}

#[cfg(test)]
mod tests;
