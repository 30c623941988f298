//! `GET /stores/{store_id}/overview`: a store, its flow and its demographics in one answer, each from its own place in the
//! cache, and each with an error of its own.

use std::collections::BTreeMap;
use std::str::FromStr;

use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use super::demographics::{self, Demographics, DemographicsAsk, HoursQuery};
use super::desk::Desk;
use super::flow::{self, StoreFlow};
use super::joined::{self, Joined};
use super::params::{Ask, PeriodQuery, Reader, StorePath, documented};
use super::store::{self, Store};
use super::{Endpoint, Origin, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::AnyPartOfAStore;
use crate::http::problem::{Problem, ProblemDocument};

/// What there is to know of one store.
pub static RESOURCE: Resource = Resource {
    name: "overview",
    method: None,
    parts: &[&store::RESOURCE, &flow::OF_STORE, &demographics::RESOURCE],
    policy: None,
    origin: Origin::Handler(|| Endpoint::read::<__path_read_store_overview, _, _>(read_store_overview)),
};

// What the caller may ask.

/// A part of the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Store,
    Flow,
    Demographics,
}

impl Part {
    const ALL: [Self; 3] = [Self::Store, Self::Flow, Self::Demographics];

    const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Flow => "flow",
            Self::Demographics => "demographics",
        }
    }
}

impl FromStr for Part {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = Self::ALL.into_iter().find(|part| part.name() == text);
        part.ok_or("write store, flow or demographics, or several of them")
    }
}

/// Which parts are wanted.
struct PartsQuery;

impl IntoParams for PartsQuery {
    fn into_params(_: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>) -> Vec<Parameter> {
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Part::ALL.map(Part::name)));
        let parts = ArrayBuilder::new().items(names).min_items(Some(1)).build();
        let words = "Which parts are wanted; all of them unless given. `from` to `business_hours_only` are for the demographics.";
        vec![documented::optional_list("parts", words, parts)]
    }
}

struct OverviewAsk {
    parts: Vec<Part>,
    demographics: DemographicsAsk,
}

impl Ask for OverviewAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut parts: Vec<Part> = reader.list("parts");
        if parts.is_empty() {
            parts.extend(Part::ALL);
        }
        // In the order of the document, each once.
        let parts = Part::ALL.into_iter().filter(|part| parts.contains(part)).collect();
        Some(Self { parts, demographics: DemographicsAsk::read(reader)? })
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
    params(StorePath, PartsQuery, PeriodQuery, HoursQuery),
    responses((status = 200, description = "The parts that can be had", body = Overview))
)]
async fn read_store_overview(caller: Caller<AnyPartOfAStore>, desk: Desk) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: OverviewAsk = desk.ask(&tenant)?;
    let store = desk.granted(&caller, &ask.demographics.store)?;
    caller.charge(desk.request(), ask.parts.len()).await?;
    let parts = join_all(ask.parts.iter().map(|part| desk.in_time(find(*part, &caller, &desk, &ask)))).await;
    joined::require_one(&parts)?;
    let mut answer = Joined::new();
    // An id has no character that would have to be escaped.
    answer.text(&format!("{{\"store_id\":\"{}\"", store.id));
    for (part, found) in ask.parts.iter().zip(&parts) {
        if let Ok(found) = found {
            answer.text(&format!(",\"{}\":", part.name()));
            answer.part(found);
        }
    }
    answer.text(",\"errors\":{");
    let problems = ask.parts.iter().zip(parts).filter_map(|(part, found)| Some((part, found.err()?)));
    for (number, (part, problem)) in problems.enumerate() {
        let comma = if number > 0 { "," } else { "" };
        answer.text(&format!("{comma}\"{}\":", part.name()));
        answer.problem(&desk.document(problem));
    }
    answer.text("}}");
    Ok(desk.reply(&answer.finish(&desk)).await)
}

async fn find(part: Part, caller: &Caller<AnyPartOfAStore>, desk: &Desk, ask: &OverviewAsk) -> joined::Part {
    match part {
        Part::Store => store::find(&caller.narrowed()?, desk, &ask.demographics.store).await,
        Part::Flow => flow::find_of_store(&caller.narrowed()?, desk, &ask.demographics.store).await,
        Part::Demographics => demographics::find(&caller.narrowed()?, desk, &ask.demographics).await,
    }
}
