//! `GET /stores/{store_id}/flow/events`: the flow of a store as it changes, as Server-Sent Events.

mod event;
mod feed;
mod listener;
mod seats;

use std::rc::Rc;

use actix_web::body::{self, BodyStream};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::http::{Method, Version};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use utoipa::IntoParams;

use super::desk::EventDesk;
use super::flow::{self, StoreFlowQuestion};
use super::params::{Ask, Reader, StorePath};
use super::{Endpoint, Origin, Resource};
use crate::auth::CurrentAuth;
use crate::auth::caller::Caller;
use crate::auth::scope::FlowRead;
use crate::directory::StoreId;
use crate::fast_path::VerifiedCaller;
use crate::http::accept;
use crate::http::problem::Problem;
use crate::server::pipelining::Responses;

use self::listener::{Label, Listener, Told};

pub use feed::Feeds;
pub use seats::{EventSettings, Seats};

/// The changes of a store's flow.
pub static RESOURCE: Resource = Resource {
    name: "flow_events",
    method: None,
    parts: &[&flow::OF_STORE],
    policy: None,
    origin: Origin::Handler(|| Endpoint::read::<__path_watch_store_flow, _, _>(watch_store_flow)),
};

/// The flow that a caller has already, when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// nginx gathers answers until it is told that nobody waits for the rest.
const PASS_ON_AT_ONCE: (&str, &str) = ("x-accel-buffering", "no");

// What the caller may ask.

/// When to end, and where to go on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the document only; `EventsAsk` reads the value")]
struct EventsQuery {
    /// End after so many events; without it, the stream stays open.
    #[param(minimum = 1, maximum = 1000, example = 1)]
    limit: Option<u32>,
    /// The same as `Last-Event-ID`, for clients that cannot send it, or any header; `lastEventId` is taken, too.
    #[param(nullable = false)]
    last_event_id: Option<String>,
}

/// Where to go on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the document only; `told` reads the value")]
struct EventsHeaders {
    /// The id of the last event that the caller has; it is not sent again while nothing has changed.
    #[param(rename = "Last-Event-ID", nullable = false)]
    last_event_id: Option<String>,
}

struct EventsAsk {
    store: StoreId,
    limit: Option<u32>,
    last_event_id: Option<String>,
}

impl Ask for EventsAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let store = reader.store();
        let limit = reader.integer("limit", &(1..=1000), None);
        let last_event_id = reader.last_in_any_spelling("last_event_id");
        Some(Self { store: store?, limit, last_event_id })
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
    params(StorePath, EventsQuery, EventsHeaders),
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
    EventDesk(desk): EventDesk,
    auth: Data<CurrentAuth>,
) -> Result<HttpResponse, Problem> {
    let tenant = desk.tenant(&caller)?;
    let ask: EventsAsk = desk.ask(&tenant)?;
    let question = StoreFlowQuestion::of(&caller, &desk, &ask.store)?.patient();
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, accept::EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(PASS_ON_AT_ONCE);
    let shared = desk.shared();
    let seat = shared.seats.take(caller.tenant(), caller.token().client_id())?;
    // What is wrong now is an answer of its own; what goes wrong later is an event.
    let found = question.ask().await?;
    if desk.request().method() == Method::HEAD {
        // No length is told: a stream has none (RFC 9110 §8.6).
        return Ok(response.body(body::None::new()));
    }
    let listener = Listener {
        auth,
        caller: VerifiedCaller { token: caller.token().clone(), generation: caller.generation() },
        latest: shared.feeds.listen(question, &found),
        told: told(desk.request(), ask.last_event_id),
        is_first: true,
        left: ask.limit,
        heartbeat: shared.seats.heartbeat(),
        label: Label {
            public_url: shared.public_url.clone(),
            path: desk.request().path().to_owned(),
            request_id: desk.request_id().to_owned(),
        },
        seat,
    };
    if let Some(answers) = desk.request().conn_data::<Rc<Responses>>() {
        answers.next_is_stream();
    }
    if desk.request().version() >= Version::HTTP_11 {
        return Ok(response.streaming(listener.events()));
    }
    // An HTTP/1.0 caller, such as nginx as it comes, knows no chunks: the stream ends with the connection. The length that
    // the framework writes for who wants no chunks is none (RFC 9112 §6.1, §6.3).
    let mut response = response.no_chunking(0).force_close().body(BodyStream::new(listener.events()));
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response)
}

/// What the caller says that it has: in the header, which stands for the latest event, or else in the query, where
/// libraries write it that cannot or will not send a header.
fn told(request: &HttpRequest, in_query: Option<String>) -> Told {
    let in_header = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    in_header.or(in_query).filter(|id| !id.is_empty()).map_or(Told::Nothing, |id| Told::Flow(id.into()))
}
