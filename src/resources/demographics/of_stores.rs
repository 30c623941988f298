//! `GET /demographics`: visitors of many stores together, by gender and age. One gateway call returns the sum.

use actix_web::HttpResponse;

use super::{Counted, Demographics, POLICY, find_sum};
use crate::auth::caller::Caller;
use crate::auth::scope::DemographicsRead;
use crate::directory::StoreId;
use crate::http::problem::Problem;
use crate::resources::demographics::GET_FLOW_GROUP_DISTRIBUTION;
use crate::resources::params::STORES;
use crate::resources::request_context::{GrantedStore, RequestContext};
use crate::resources::vendors::opretail;
use crate::resources::{Resource, Route};

/// Visitors of many stores together.
pub static OF_STORES: Resource = Resource {
    method: Some(&GET_FLOW_GROUP_DISTRIBUTION),
    policy: Some(POLICY),
    ..Resource::new("demographics_of_stores", || {
        Route::of(
            __path_read_demographics_of_stores,
            |reader| reader.required_list(&STORES).zip(Counted::read(reader)),
            read_demographics_of_stores,
        )
    })
};

/// Read the demographics of many stores together
///
/// Visitors of up to 200 stores by gender and age, summed by the gateway. A store that the token does not grant, or that has
/// no number at OPRetail, is an error for all of them, since a sum without it would be another.
#[utoipa::path(
    get,
    path = "/demographics",
    operation_id = "read_demographics_of_stores",
    tag = "Demographics",
    responses((status = 200, description = "Visitors by gender and age", body = Demographics))
)]
async fn read_demographics_of_stores(
    caller: Caller<DemographicsRead>,
    context: RequestContext,
    (stores, counted): (Vec<StoreId>, Counted),
) -> Result<HttpResponse, Problem> {
    let requested = context.each_once(&caller, stores).into_iter();
    let mut stores: Vec<GrantedStore> =
        requested.map(|id| context.store_at(&caller, &id, opretail())).collect::<Result<_, _>>()?;
    // The sum is the same in any order, so the cache key must be, too.
    stores.sort_by(|one, other| one.number.cmp(&other.number));
    let found = find_sum(&caller, &context, &OF_STORES, stores, &counted).await?;
    Ok(context.reply_to_lookup(&OF_STORES, &found).await)
}
