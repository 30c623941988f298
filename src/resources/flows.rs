//! `GET /flow`: the flow of many stores in one response. Each store has its own cache entry and its own error.

use actix_web::HttpResponse;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::{self, StoreFlow, StoreFlowLookup};
use super::joined::{self, JoinedBody, JoinedPart};
use super::params::STORES;
use super::request_context::RequestContext;
use super::{Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::FlowRead;
use crate::directory::StoreId;
use crate::http::problem::{Problem, ProblemDocument};

/// The flow of many stores.
pub static RESOURCE: Resource = Resource {
    parts: &[&flow::OF_STORE],
    ..Resource::new("flows", || {
        Route::of(__path_read_flow_of_stores, |reader| reader.required_list(&STORES), read_flow_of_stores)
    })
};

/// How many stores are fetched concurrently, so that one request does not flood a gateway.
const SIDE_BY_SIDE: usize = 8;

// What the caller gets.

/// The flow of many stores.
#[derive(Serialize, ToSchema)]
pub struct FlowOfStores {
    /// The flow of each store that it can be had for, in the order of the question.
    items: Vec<StoreFlow>,
    /// The stores that it cannot be had for.
    errors: Vec<StoreProblem>,
}

/// Why there is nothing for a store.
#[derive(Serialize, ToSchema)]
pub struct StoreProblem {
    /// The store, as it was asked for.
    #[schema(example = "S_123456")]
    store_id: String,
    /// What is wrong.
    problem: ProblemDocument,
}

// The handler.

/// Read the flow of many stores
///
/// Visitors and sales of up to 200 stores in one answer. Each store has its own error: the answer is 200 while there is the
/// flow of one, else the failure of the gateway if there was one, and else the problem of the first. Each store costs one of the
/// client's quota.
#[utoipa::path(
    get,
    path = "/flow",
    operation_id = "read_flow_of_stores",
    tag = "Flow",
    responses((status = 200, description = "The flow of each store that it can be had for", body = FlowOfStores))
)]
async fn read_flow_of_stores(
    caller: Caller<FlowRead>,
    context: RequestContext,
    stores: Vec<StoreId>,
) -> Result<HttpResponse, Problem> {
    let stores = context.each_once(&caller, stores);
    caller.charge(&context.request, stores.len()).await?;
    let parts = find_all(&caller, &context, &stores).await;
    joined::require_one(&parts)?;
    let mut answer = JoinedBody::default();
    answer.text("{\"items\":[");
    for (number, found) in parts.iter().flatten().enumerate() {
        answer.text(if number > 0 { "," } else { "" });
        answer.part(found);
    }
    answer.text("],\"errors\":[");
    let problems = stores.iter().zip(parts).filter_map(|(store, found)| Some((store, found.err()?)));
    for (number, (store, problem)) in problems.enumerate() {
        let comma = if number > 0 { "," } else { "" };
        // An id has no character that would have to be escaped.
        answer.text(&format!("{comma}{{\"store_id\":\"{store}\",\"problem\":"));
        answer.problem(&context.document(problem));
        answer.text("}");
    }
    answer.text("]}");
    Ok(context.reply(&answer.finish(&context)).await)
}

/// Finds the flow of each store, in their order. Stores with a cached response come first, so that they do not wait
/// behind a gateway that hangs.
async fn find_all(caller: &Caller<FlowRead>, context: &RequestContext, stores: &[StoreId]) -> Vec<JoinedPart> {
    let lookups =
        stores.iter().map(|store| StoreFlowLookup::of(caller, context, store).map(StoreFlowLookup::as_one_of_many));
    let (cached, others): (Vec<_>, Vec<_>) =
        lookups.enumerate().partition(|(_, lookup)| lookup.as_ref().is_ok_and(StoreFlowLookup::is_cached));
    let finding = cached.into_iter().chain(others).map(|(place, lookup)| async move {
        match lookup {
            Ok(lookup) => (place, context.in_time(lookup.fetch()).await),
            Err(problem) => (place, Err(problem)),
        }
    });
    // A store that hangs occupies one place, and does not block those behind it.
    let mut parts: Vec<(usize, JoinedPart)> = stream::iter(finding).buffer_unordered(SIDE_BY_SIDE).collect().await;
    parts.sort_by_key(|(place, _)| *place);
    parts.into_iter().map(|(_, part)| part).collect()
}
