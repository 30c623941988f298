//! `DELETE /cache`: drops the tenant's cached responses, of one store or of all.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::params::Parameter;
use super::params::kinds::StoreKind;
use super::request_context::RequestContext;
use super::{Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::CachePurge;
use crate::directory::StoreId;
use crate::http::audit;
use crate::http::problem::Problem;

/// The tenant's cached responses.
pub static RESOURCE: Resource =
    Resource::new("cache", || Route::of(__path_purge_cache, |reader| Some(reader.optional(&STORE)), purge_cache));

static STORE: Parameter<StoreKind> = Parameter::with_example(
    "store_id",
    "Only answers that name this store. Without it, all answers of the company are dropped.",
    "S_123456",
    StoreKind::ONE,
);

/// What was dropped.
#[derive(Serialize, ToSchema)]
#[schema(as = Purged)]
pub struct PurgeResult {
    /// Number of answers that were dropped.
    #[schema(example = 3)]
    dropped: u64,
}

/// Drop cached answers
///
/// Drops the company's kept answers, so that the next reader gets them from the gateway. Lists that name no store in
/// their parameters are dropped only when all answers are.
#[utoipa::path(
    delete,
    path = "/cache",
    operation_id = "purge_cache",
    tag = "Cache",
    responses((status = 200, description = "What was dropped", body = PurgeResult))
)]
async fn purge_cache(
    caller: Caller<CachePurge>,
    context: RequestContext,
    store: Option<StoreId>,
) -> Result<HttpResponse, Problem> {
    let tenant = context.tenant(&caller)?;
    let stores = match &store {
        Some(store) => Some(context.granted(&caller, store)?.all().into_iter().map(str::to_owned).collect::<Vec<_>>()),
        None => {
            context.require_no_limits(&caller)?;
            None
        }
    };
    let dropped = context.shared().cache.purge(tenant.name(), stores.as_deref());
    audit::purged(&context.request, caller.client_id(), tenant.name(), stores.as_deref(), dropped);
    Ok(HttpResponse::Ok().json(PurgeResult { dropped }))
}
