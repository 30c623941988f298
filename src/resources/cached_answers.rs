//! `DELETE /cache`: drops the company's kept answers, of one store or of all.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::params::{Ask, Reader};
use super::{Endpoint, Origin, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::CachePurge;
use crate::directory::StoreId;
use crate::http::audit;
use crate::http::problem::Problem;

/// The company's kept answers.
pub static RESOURCE: Resource = Resource {
    name: "cache",
    method: None,
    parts: &[],
    policy: None,
    origin: Origin::Handler(|| Endpoint::delete::<__path_purge_cache, _, _>(purge_cache)),
};

/// Which answers to drop.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the document only; `PurgeAsk` reads the value")]
struct PurgeQuery {
    /// Only answers that name this store. Without it, all answers of the company are dropped.
    #[param(example = "S_123456", pattern = "^[A-Za-z0-9_.-]{1,32}$", min_length = 1, max_length = 32)]
    store_id: Option<String>,
}

struct PurgeAsk {
    store: Option<StoreId>,
}

impl Ask for PurgeAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { store: reader.store_of("store_id") })
    }
}

/// What was dropped.
#[derive(Serialize, ToSchema)]
pub struct Purged {
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
    params(PurgeQuery),
    responses((status = 200, description = "What was dropped", body = Purged))
)]
async fn purge_cache(caller: Caller<CachePurge>, desk: Desk) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: PurgeAsk = desk.ask(&tenant)?;
    let stores = match &ask.store {
        Some(store) => Some(desk.granted(&caller, store)?.all().into_iter().map(str::to_owned).collect::<Vec<_>>()),
        None => {
            desk.require_no_limits(&caller)?;
            None
        }
    };
    let dropped = desk.shared().cache.purge(tenant.name(), stores.as_deref());
    audit::purged(desk.request(), caller.client_id(), tenant.name(), stores.as_deref(), dropped);
    Ok(HttpResponse::Ok().json(Purged { dropped }))
}
