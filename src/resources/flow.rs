//! `GET /stores/{store_id}/flow` and `GET /organizations/{organization_id}/flow`: visitors and sales.

pub mod figures;

use std::sync::LazyLock;
use std::time::Duration;

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::kinds::OrganizationKind;
use super::params::{Parameter, STORE, rfc3339};
use super::request_context::{AnswerSource, FetchedValue, GrantedStore, RequestContext, SharedState};
use super::{Policy, Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::FlowRead;
use crate::cache::{CacheKey, CachedResponse, Freshness, FreshnessState, Lookup};
use crate::clock::Clock;
use crate::directory::{OrganizationId, StoreId};
use crate::gateway::GatewayClient;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::{Call, Method};
use crate::gateway::tenants::Access;
use crate::http::problem::Problem;
use crate::json::object::Optional;
use crate::resources::vendors::opretail;
use crate::vendors::built_in_method;

use self::figures::{Figures, TotalData};

/// Visitor and sales figures of a store or an organization.
pub static GET_TOTAL_DATA: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.passengerFlow.getTotalData"));

/// Freshness of today's figures, which grow while the shop is open.
const POLICY: Policy = Policy::always(Freshness::seconds(30, 60, 3600));

/// The flow of a store.
pub static OF_STORE: Resource = Resource {
    method: Some(&GET_TOTAL_DATA),
    policy: Some(POLICY),
    ..Resource::new("flow", || Route::of(__path_read_store_flow, |reader| reader.in_path(&STORE), read_store_flow))
};

/// The flow of an organization.
pub static OF_ORGANIZATION: Resource = Resource {
    method: Some(&GET_TOTAL_DATA),
    policy: Some(POLICY),
    ..Resource::new("organization_flow", || {
        Route::of(__path_read_organization_flow, |reader| reader.in_path(&ORGANIZATION), read_organization_flow)
    })
};

// What the caller may ask.

static ORGANIZATION: Parameter<OrganizationKind> = Parameter::with_example(
    "organization_id",
    "The organization: OPRetail's number with or without `O_`.",
    "O_1084",
    OrganizationKind(opretail),
);

// What the caller gets.

/// Visitors and sales of a store.
#[derive(Serialize, ToSchema)]
pub struct StoreFlow {
    /// The store's id: the company's own if the store directory has it, else the one at OPRetail.
    #[schema(example = "S_123456")]
    store_id: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Visitors and sales of an organization: the sum of its stores.
#[derive(Serialize, ToSchema)]
pub struct OrganizationFlow {
    /// The organization's id at OPRetail.
    #[schema(example = "O_1084")]
    organization_id: String,
    #[serde(flatten)]
    figures: Figures,
}

// The translation, both ways.

/// Fetches the figures. `id` carries the vendor's prefix; units are not requested, so that rates come as numbers.
async fn fetch_figures(gateway: GatewayClient, access: &Access, id: String, clock: &Clock) -> Result<Figures, Error> {
    let call = Call::new(&GET_TOTAL_DATA).with("id", id).with("needUnit", "0");
    let data: Option<Optional<TotalData>> = gateway.call(&access.account, &call).await?;
    let observed_at = rfc3339(&clock.now().to_zoned(access.zone.clone()));
    // The vendor has no code for a store that does not exist; it sends no data then.
    let data = data.and_then(|Optional(data)| data);
    let data = data.ok_or_else(|| Error::local(opretail(), Kind::NotFound, "the gateway has no data for this id"))?;
    Ok(Figures::from_wire(data, access, observed_at))
}

// The handlers.

/// Read a store's flow
///
/// Visitors of today, this week and this month, sales, rates and the weather.
#[utoipa::path(
    get,
    path = "/stores/{store_id}/flow",
    operation_id = "read_store_flow",
    tag = "Flow",
    responses((status = 200, description = "Visitors and sales", body = StoreFlow))
)]
async fn read_store_flow(
    caller: Caller<FlowRead>,
    context: RequestContext,
    store: StoreId,
) -> Result<HttpResponse, Problem> {
    let found = find_of_store(&caller, &context, &store).await?;
    Ok(context.reply_to_lookup(&OF_STORE, &found).await)
}

/// The flow of a store, from the cache or the gateway.
///
/// # Errors
/// The token does not grant the store, the store has no number at OPRetail, or the gateway failed.
pub async fn find_of_store(
    caller: &Caller<FlowRead>,
    context: &RequestContext,
    store: &StoreId,
) -> Result<CachedResponse, Problem> {
    StoreFlowLookup::of(caller, context, store)?.fetch().await
}

/// A lookup of a store's flow, with everything that is needed to repeat it after the request.
#[derive(Clone)]
pub struct StoreFlowLookup {
    source: AnswerSource,
    access: Access,
    store: GrantedStore,
    lookup: Lookup,
}

impl StoreFlowLookup {
    /// Creates the lookup that this caller may make.
    ///
    /// # Errors
    /// The token does not grant the store, or the store has no number at OPRetail.
    pub fn of(caller: &Caller<FlowRead>, context: &RequestContext, store: &StoreId) -> Result<Self, Problem> {
        let tenant = context.tenant(caller)?;
        let store = context.store_at(caller, store, opretail())?;
        let lookup = context.lookup(caller, &OF_STORE, &store.canonical(), vec![store.number.clone()], false)?;
        Ok(Self { source: context.source.clone(), access: tenant.access(opretail())?.clone(), store, lookup })
    }

    /// Gets the flow from the cache, or else from the gateway.
    ///
    /// # Errors
    /// The gateway failed.
    pub async fn fetch(&self) -> Result<CachedResponse, Problem> {
        let Self { source, access, store, lookup } = self.clone();
        let clock = source.shared().clock.clone();
        source
            .find(&OF_STORE, lookup, move |gateway| async move {
                let figures = fetch_figures(gateway, &access, store.number, &clock).await?;
                let has_figures = figures.has_any();
                Ok(FetchedValue::from(StoreFlow { store_id: store.id, figures }).without_data_if(!has_figures))
            })
            .await
    }

    /// Makes the lookup wait for a fresh response instead of accepting a stale one.
    #[must_use]
    pub fn requiring_fresh(mut self) -> Self {
        self.lookup.require_fresh = true;
        self
    }

    /// Turns the lookup into a background refresh, without the cache directives of its first caller.
    #[must_use]
    pub fn for_refresh(mut self) -> Self {
        self.lookup.bypass = false;
        self.lookup.principal = self.lookup.principal.in_background();
        self
    }

    /// Marks the lookup as one of many of the same request.
    #[must_use]
    pub fn as_one_of_many(self) -> Self {
        Self { source: self.source.for_one_of_many(), ..self }
    }

    /// Whether the cache has a response, fresh or stale, that would be served at the latest when the gateway is slow.
    pub fn is_cached(&self) -> bool {
        let SharedState { cache, clock, .. } = self.source.shared();
        let cached = cache.cached(&self.lookup.key).filter(|_| !self.lookup.bypass);
        cached.is_some_and(|entry| entry.state(clock.elapsed()) != FreshnessState::Expired)
    }

    /// The time after which a refresh may return another response.
    pub const fn refresh_interval(&self) -> Duration {
        self.lookup.freshness.fresh
    }

    /// The key of the feed that serves this lookup: the cache key, which names tenant and store, and the number of the
    /// account that is used.
    pub fn feed_key(&self) -> (CacheKey, u64) {
        (self.lookup.key.clone(), self.access.account.number)
    }

    /// The clock of the service.
    pub fn clock(&self) -> &Clock {
        &self.source.shared().clock
    }
}

/// Read an organization's flow
///
/// The same figures for all stores of an organization together. A token that is limited needs
/// the organization in its `organizations`.
#[utoipa::path(
    get,
    path = "/organizations/{organization_id}/flow",
    operation_id = "read_organization_flow",
    tag = "Flow",
    responses((status = 200, description = "Visitors and sales", body = OrganizationFlow))
)]
async fn read_organization_flow(
    caller: Caller<FlowRead>,
    context: RequestContext,
    organization: OrganizationId,
) -> Result<HttpResponse, Problem> {
    let tenant = context.tenant(&caller)?;
    context.require_organization(&caller, &organization)?;
    let organization_id = organization.to_string();
    let (access, clock) = (tenant.access(opretail())?.clone(), context.shared().clock.clone());
    let lookup = context.lookup(&caller, &OF_ORGANIZATION, &organization_id, Vec::new(), false)?;
    context
        .answer(&OF_ORGANIZATION, lookup, move |gateway| async move {
            let figures = fetch_figures(gateway, &access, organization_id.clone(), &clock).await?;
            let has_figures = figures.has_any();
            Ok(FetchedValue::from(OrganizationFlow { organization_id, figures }).without_data_if(!has_figures))
        })
        .await
}
