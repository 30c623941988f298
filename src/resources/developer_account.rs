//! `GET /organizations/{organization_id}/developer-account`: the account that signs for an organization. The response
//! holds a secret, so it is never cached, and the secret is masked unless the token's scope allows it.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::params::Parameter;
use super::params::kinds::OrganizationKind;
use super::request_context::RequestContext;
use super::wire_time::{self, WireTime};
use super::{Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::{OrganizationsRead, OrganizationsSecrets, Scope};
use crate::directory::OrganizationId;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::{Call, Method};
use crate::http::problem::Problem;
use crate::json::object::Optional;
use crate::json::scalar;
use crate::resources::vendors::opretail;
use crate::vendors::built_in_method;

const MASK: &str = "********";

/// An organization's developer account.
static AUTHENTICATION: LazyLock<Method> = LazyLock::new(|| built_in_method("opretail", "open.gateway.authentication"));

/// The developer account of an organization.
pub static RESOURCE: Resource = Resource {
    method: Some(&AUTHENTICATION),
    ..Resource::new("developer_account", || {
        Route::of(__path_read_developer_account, |reader| reader.in_path(&ORGANIZATION), read_developer_account)
    })
};

// What the caller may ask.

static ORGANIZATION: Parameter<OrganizationKind> = Parameter::with_example(
    "organization_id",
    "The organization's number on the open platform, with or without `O_`. It is not the number that flow is read by.",
    "2",
    OrganizationKind(opretail),
);

// What the caller gets.

/// The account that signs for an organization at OPRetail.
#[derive(Serialize, ToSchema)]
pub struct DeveloperAccount {
    /// The account's number.
    #[schema(example = 1, required)]
    id: Option<i64>,
    /// The developer's name.
    #[schema(example = "Example Retail", required)]
    username: Option<String>,
    /// The system number that is sent as `_aid`.
    #[schema(example = "S107", required)]
    application_id: Option<String>,
    /// The key that is sent as `_akey`.
    #[schema(example = "S107-00000001", required)]
    application_key: Option<String>,
    /// The secret that signs; `********` unless the token holds `organizations:secrets`.
    #[schema(example = "********", required)]
    application_secret: Option<String>,
    /// What the key is for.
    #[schema(required)]
    key_type: Option<KeyType>,
    /// Whether the account's time is limited.
    #[schema(required)]
    validity: Option<Validity>,
    /// When the account ends.
    #[schema(example = "2027-12-31T00:00:00+08:00", format = DateTime, required)]
    expires_at: Option<String>,
    /// The organization's number on the open platform.
    #[schema(example = 2, required)]
    platform_enterprise_id: Option<i64>,
    /// The organization's number on the business platform; flow and inspections are read by it.
    #[schema(example = 1084, required)]
    business_enterprise_id: Option<i64>,
    /// Whether the account is switched on.
    #[schema(example = true, required)]
    enabled: Option<bool>,
    /// When the account was last switched on or off.
    #[schema(example = "2026-01-01T00:00:00+08:00", format = DateTime, required)]
    switched_at: Option<String>,
    /// What the developer may do.
    #[schema(required)]
    developer_type: Option<DeveloperType>,
    /// The supplier that the account belongs to.
    #[schema(example = "example-supplier", required)]
    supplier_account: Option<String>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// A key for real data.
    Formal,
    /// A key for tests.
    Test,
    /// A code that the vendor has not published.
    Unknown,
}

/// Whether an account's time is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The account never expires.
    NeverExpires,
    /// The account has expired.
    Expired,
    /// The account is in service until it expires.
    InService,
    /// A code that the vendor has not published.
    Unknown,
}

/// What a developer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeveloperType {
    /// All operations.
    Administrator,
    /// The usual operations.
    Normal,
    /// The operations of a supplier.
    Vendor,
    /// A code that the vendor has not published.
    Unknown,
}

// What the vendor sends.

/// Holds a secret, so it has no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAccount {
    #[serde(default, deserialize_with = "scalar::integer")]
    id: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    username: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    application_id: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    application_key: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    application_secret: Option<String>,
    #[serde(default, deserialize_with = "scalar::integer")]
    keytype: Option<i64>,
    #[serde(default, deserialize_with = "scalar::integer")]
    ifexpire: Option<i64>,
    #[serde(default, deserialize_with = "wire_time::read")]
    expire: Option<WireTime>,
    #[serde(default, deserialize_with = "scalar::integer")]
    enterprise_id: Option<i64>,
    #[serde(default, deserialize_with = "scalar::integer")]
    shopweb_enterprise_id: Option<i64>,
    #[serde(default, deserialize_with = "scalar::integer")]
    switch_status: Option<i64>,
    #[serde(default, deserialize_with = "wire_time::read")]
    switch_time: Option<WireTime>,
    #[serde(default, deserialize_with = "scalar::integer")]
    developer_type: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    supplier_account: Option<String>,
}

// The translation, both ways.

impl DeveloperAccount {
    fn from_wire(wire: WireAccount, shows_secret: bool, zone: &TimeZone) -> Self {
        Self {
            id: wire.id,
            username: wire.username,
            application_id: wire.application_id,
            application_key: wire.application_key,
            application_secret: wire
                .application_secret
                .map(|secret| if shows_secret { secret } else { MASK.to_owned() }),
            key_type: wire.keytype.map(|code| match code {
                1 => KeyType::Formal,
                2 => KeyType::Test,
                _ => KeyType::Unknown,
            }),
            validity: wire.ifexpire.map(|code| match code {
                1 => Validity::NeverExpires,
                2 => Validity::Expired,
                3 => Validity::InService,
                _ => Validity::Unknown,
            }),
            expires_at: wire.expire.and_then(|time| time.rfc3339(zone)),
            platform_enterprise_id: wire.enterprise_id,
            business_enterprise_id: wire.shopweb_enterprise_id,
            enabled: wire.switch_status.and_then(|code| match code {
                1 => Some(true),
                2 => Some(false),
                _ => None,
            }),
            switched_at: wire.switch_time.and_then(|time| time.rfc3339(zone)),
            developer_type: wire.developer_type.map(|code| match code {
                1 => DeveloperType::Administrator,
                2 => DeveloperType::Normal,
                3 => DeveloperType::Vendor,
                _ => DeveloperType::Unknown,
            }),
            supplier_account: wire.supplier_account,
        }
    }
}

// The handler.

/// Read a developer account
///
/// The account that signs for an organization at OPRetail. Its secret is masked unless the token also holds the scope
/// `organizations:secrets`. Never kept in any cache. Not for tokens that are limited to certain stores
/// or organizations.
#[utoipa::path(
    get,
    path = "/organizations/{organization_id}/developer-account",
    operation_id = "read_developer_account",
    tag = "Organizations",
    responses((status = 200, description = "The account", body = DeveloperAccount))
)]
async fn read_developer_account(
    caller: Caller<OrganizationsRead>,
    context: RequestContext,
    organization: OrganizationId,
) -> Result<HttpResponse, Problem> {
    let tenant = context.tenant(&caller)?;
    context.require_no_limits(&caller)?;
    let access = tenant.access(opretail())?;
    let shows_secret = caller.has_scope(OrganizationsSecrets::NAME);
    context
        .answer_uncached(&caller, |gateway| async move {
            let call = Call::new(&AUTHENTICATION).with("orgid", organization.number());
            let wire: Option<Optional<WireAccount>> = gateway.call(&access.account, &call).await?;
            // The gateway has a code of its own for an organization without an account.
            let wire = wire.and_then(|Optional(wire)| wire);
            let wire = wire.ok_or_else(|| Error::local(opretail(), Kind::Unreadable, "the gateway gave no account"))?;
            Ok(DeveloperAccount::from_wire(wire, shows_secret, &access.zone))
        })
        .await
}

#[cfg(test)]
mod tests;
