//! `GET /stores/{store_id}/flow/events`: the flow of a store as it changes, as Server-Sent Events.

mod event;
mod feed;
mod listener;
mod stream_slots;

use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::body::{self, BodyStream};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::http::{Method, Version};
use actix_web::web::Data;

use super::flow::{self, StoreFlowLookup};
use super::params::kinds::{IntegerKind, TextKind};
use super::params::{Parameter, ParameterReader, Presence, STORE};
use super::request_context::RequestContext;
use super::{Resource, Route};
use crate::auth::CurrentAuth;
use crate::auth::caller::Caller;
use crate::auth::scope::FlowRead;
use crate::directory::StoreId;
use crate::http::accept;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::server::pipelining::ResponseCounter;

use self::listener::{EventStream, LastSent, ProblemInstance};

pub use feed::Feeds;
pub use stream_slots::{EventSettings, StreamSlots};

/// The changes of a store's flow.
pub static RESOURCE: Resource = Resource {
    parts: &[&flow::OF_STORE],
    ..Resource::new("flow_events", || Route::of(__path_watch_store_flow, EventsParameters::read, watch_store_flow))
};

/// A header that stops nginx from buffering the stream.
const PASS_ON_AT_ONCE: (&str, &str) = ("x-accel-buffering", "no");

// What the caller may ask.

static LIMIT: Parameter<IntegerKind> = Parameter::with_example(
    "limit",
    "End after so many events; without it, the stream stays open.",
    "1",
    IntegerKind::within(1..=1000),
);
static LAST_EVENT_ID_IN_QUERY: Parameter<TextKind> = Parameter::new(
    "last_event_id",
    "The same as `Last-Event-ID`, for clients that cannot send it, or any header; `lastEventId` is taken, too.",
    TextKind,
);
static LAST_EVENT_ID: Parameter<TextKind> = Parameter::new(
    "Last-Event-ID",
    "The id of the last event that the caller has; it is not sent again while nothing has changed.",
    TextKind,
);

struct EventsParameters {
    store: StoreId,
    limit: Option<u32>,
    /// The flow that the caller has received already, when it reconnects.
    last_sent: LastSent,
}

impl EventsParameters {
    fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (store, limit) = (reader.in_path(&STORE), reader.optional(&LIMIT));
        let in_query = reader.last_in_any_spelling(&LAST_EVENT_ID_IN_QUERY);
        // The header names the latest event. Libraries that cannot send it put the id into the query.
        let id = reader.values(&LAST_EVENT_ID, Presence::HEADER).pop().or(in_query).filter(|id| !id.is_empty());
        Some(Self { store: store?, limit, last_sent: id.map_or(LastSent::Nothing, |id| LastSent::Flow(id.into())) })
    }
}

// The handler.

/// Watch a store's flow
///
/// Server-Sent Events: the flow at once, and again each time its figures change. However many listen, the gateway is asked
/// once, as often as the flow would be asked for anew.
///
/// | event | data | meaning |
/// |---|---|---|
/// | `flow` | as `GET /stores/{store_id}/flow` gives it; the event has an `id` | the figures now |
/// | `stale` | `{"age_seconds": 95}` | the gateway fails; what was sent last is so old by now |
/// | `problem` | a problem document | the gateway fails, and there is nothing to show; the stream goes on |
/// | `end` | `{"reason": "token-expired"}` | the last event: `token-expired`, `token-revoked`, `token-refused`, `configuration-changed`, `shutdown`, `displaced` (all streams are taken, and yours has more of them than others), `restart` or `limit` |
///
/// The next `flow` ends `stale` and `problem`. Lines that begin with a colon keep the connection alive.
/// Browsers' `EventSource` cannot send a token: read the stream with `fetch`.
#[utoipa::path(
    get,
    path = "/stores/{store_id}/flow/events",
    operation_id = "watch_store_flow",
    tag = "Flow",
    responses((
        status = 200,
        description = "The events, until one side ends the stream",
        body = String,
        content_type = "text/event-stream",
        example = "event: flow\nid: 5d3c0f0a9e1b7c64\ndata: {\"store_id\":\"S_123456\",\"visitors\":{\"today\":318}}\n\n"
    ))
)]
async fn watch_store_flow(
    caller: Caller<FlowRead>,
    context: RequestContext,
    parameters: EventsParameters,
) -> Result<HttpResponse, Problem> {
    let auth = context.request.app_data::<Data<CurrentAuth>>().cloned();
    let auth = auth.ok_or_else(|| Problem::of(ProblemType::InternalError))?;
    let lookup = StoreFlowLookup::of(&caller, &context, &parameters.store)?.requiring_fresh();
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, accept::EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(PASS_ON_AT_ONCE);
    let shared = context.shared();
    let slot = shared.stream_slots.take(caller.tenant(), caller.verified.token.client_id())?;
    // An error now is a response of its own; a later error is an event.
    let found = lookup.fetch().await?;
    if context.request.method() == Method::HEAD {
        // No length is sent: a stream has none (RFC 9110 §8.6).
        return Ok(response.body(body::None::new()));
    }
    let listener = EventStream {
        auth,
        caller: caller.verified.clone(),
        latest: shared.feeds.listen(lookup, &found),
        last_sent: parameters.last_sent,
        is_first: true,
        left: parameters.limit,
        heartbeat: shared.stream_slots.heartbeat(),
        label: ProblemInstance {
            public_url: shared.public_url.clone(),
            path: context.request.path().to_owned(),
            request_id: context.request_id().to_owned(),
        },
        slot,
    };
    if let Some(answers) = context.request.conn_data::<Rc<ResponseCounter>>() {
        answers.next_is_stream();
    }
    if context.request.version() >= Version::HTTP_11 {
        return Ok(response.streaming(listener.events()));
    }
    // An HTTP/1.0 client, such as nginx by default, does not support chunks: the stream ends with the connection. The
    // length that the framework would write without chunks would be wrong (RFC 9112 §6.1, §6.3).
    let mut response = response.no_chunking(0).force_close().body(BodyStream::new(listener.events()));
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}
