//! `GET /stores/{store_id}/overview`: a store, its flow and its demographics in one response. Each part has its own
//! cache entry and its own error.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::demographics::{self, Counted, Demographics};
use super::flow::{self, StoreFlow};
use super::joined::{self, JoinedBody};
use super::params::kinds::WordKind;
use super::params::{Parameter, ParameterReader, STORE};
use super::request_context::RequestContext;
use super::store::{self, Store};
use super::{Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::AnyPartOfAStore;
use crate::directory::StoreId;
use crate::http::problem::{Problem, ProblemDocument};

/// What there is to know of one store.
pub static RESOURCE: Resource = Resource {
    parts: &[&store::RESOURCE, &flow::OF_STORE, &demographics::RESOURCE],
    ..Resource::new("overview", || Route::of(__path_read_store_overview, OverviewParameters::read, read_store_overview))
};

// What the caller may ask.

/// A part of the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OverviewPart {
    Store,
    Flow,
    Demographics,
}

/// The parts with their names, in the order of the document.
const ALL: [(&str, OverviewPart); 3] =
    [("store", OverviewPart::Store), ("flow", OverviewPart::Flow), ("demographics", OverviewPart::Demographics)];

static PARTS: Parameter<WordKind<OverviewPart>> = Parameter::new(
    "parts",
    "Which parts are wanted; all of them unless given. `from` to `business_hours_only` are for the demographics.",
    WordKind { words: &ALL, fewest: Some(1) },
);

struct OverviewParameters {
    store: StoreId,
    /// The requested parts with their names, each once.
    parts: Vec<(&'static str, OverviewPart)>,
    counted: Counted,
}

impl OverviewParameters {
    fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (store, wanted) = (reader.in_path(&STORE), reader.list(&PARTS));
        let is_wanted = |(_, part): &(&str, OverviewPart)| wanted.is_empty() || wanted.contains(part);
        let parts = ALL.into_iter().filter(is_wanted).collect();
        let counted = Counted::read(reader);
        Some(Self { store: store?, parts, counted: counted? })
    }
}

// What the caller gets.

/// What there is to know of one store: the parts that were asked for, as their own paths give them.
#[derive(Serialize, ToSchema)]
pub struct Overview {
    /// The store's id.
    #[schema(example = "S_123456")]
    store_id: String,
    /// As at `/stores/{store_id}`; absent if it was not asked for or cannot be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    store: Option<Store>,
    /// As at `/stores/{store_id}/flow`; absent if it was not asked for or cannot be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    flow: Option<StoreFlow>,
    /// As at `/stores/{store_id}/demographics`; absent if it was not asked for or cannot be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    demographics: Option<Demographics>,
    /// Why a part that was asked for is not there, by its name.
    errors: BTreeMap<String, ProblemDocument>,
}

// The handler.

/// Read what there is to know of a store
///
/// The store, its flow and its demographics in one answer. Each part needs its own scope and has its own error: the answer
/// is 200 while one part is there, else the failure of a gateway if there was one, and else the problem of the first.
/// Each part costs one of the client's quota.
#[utoipa::path(
    get,
    path = "/stores/{store_id}/overview",
    operation_id = "read_store_overview",
    tag = "Stores",
    responses((status = 200, description = "The parts that can be had", body = Overview))
)]
async fn read_store_overview(
    caller: Caller<AnyPartOfAStore>,
    context: RequestContext,
    parameters: OverviewParameters,
) -> Result<HttpResponse, Problem> {
    let store = context.granted(&caller, &parameters.store)?;
    caller.charge(&context.request, parameters.parts.len()).await?;
    let parts =
        join_all(parameters.parts.iter().map(|(_, part)| context.in_time(find(*part, &caller, &context, &parameters))))
            .await;
    joined::require_one(&parts)?;
    let mut answer = JoinedBody::default();
    // An id has no character that would have to be escaped.
    answer.text(&format!("{{\"store_id\":\"{}\"", store.id));
    for ((name, _), found) in parameters.parts.iter().zip(&parts) {
        if let Ok(found) = found {
            answer.text(&format!(",\"{name}\":"));
            answer.part(found);
        }
    }
    answer.text(",\"errors\":{");
    let problems = parameters.parts.iter().zip(parts).filter_map(|((name, _), found)| Some((name, found.err()?)));
    for (number, (name, problem)) in problems.enumerate() {
        let comma = if number > 0 { "," } else { "" };
        answer.text(&format!("{comma}\"{name}\":"));
        answer.problem(&context.document(problem));
    }
    answer.text("}}");
    Ok(context.reply(&answer.finish(&context)).await)
}

async fn find(
    part: OverviewPart,
    caller: &Caller<AnyPartOfAStore>,
    context: &RequestContext,
    parameters: &OverviewParameters,
) -> joined::JoinedPart {
    match part {
        OverviewPart::Store => store::find(&caller.narrowed()?, context, &parameters.store).await,
        OverviewPart::Flow => flow::find_of_store(&caller.narrowed()?, context, &parameters.store).await,
        OverviewPart::Demographics => {
            demographics::find(&caller.narrowed()?, context, &parameters.store, &parameters.counted).await
        }
    }
}
