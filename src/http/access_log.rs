//! One line of the log for each request, its metrics, and the end of its span.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Extensions;
use actix_web::{HttpMessage as _, HttpRequest};
use tracing::Span;

use super::audit::{self, NamedStores};
use super::request_id::RequestId;
use crate::cache::Outcome;
use crate::telemetry::call_tally::CallTally;
use crate::telemetry::metrics;
use crate::telemetry::traces::{Answered, Trace, TraceId, TrustedCaller};

/// A request as the log and the errors name it.
pub struct Label {
    /// The request's id.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people, and without what may be a token.
    pub path: String,
    /// Where it comes from.
    pub client_address: Option<IpAddr>,
}

/// What became of a request on its way through the router.
pub struct Seen<'a> {
    /// The resource's name.
    pub resource: &'a str,
    /// The template of its path.
    pub route: Option<&'a str>,
    /// The status of the answer.
    pub status: u16,
    /// The length of its body; `None` for a stream, whose end is not known yet.
    pub bytes_sent: Option<u64>,
    /// How long it took.
    pub took: Duration,
}

impl Seen<'_> {
    /// Of a request that no route was found for, or none was looked for.
    pub const fn unrouted(status: u16, bytes_sent: u64, took: Duration) -> Self {
        Self { resource: "none", route: None, status, bytes_sent: Some(bytes_sent), took }
    }
}

/// How much of a body is sent, as far as that is known before it is.
pub fn bytes_sent(method: &str, body: &impl MessageBody) -> Option<u64> {
    match body.size() {
        _ if method == "HEAD" => Some(0),
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    }
}

/// Who sent a request, left in its extensions by whoever found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The client.
    pub client_id: Arc<str>,
    /// Its tenant.
    pub tenant: Arc<str>,
}

impl CallerIdentity {
    /// Leaves it at the request that this caller has sent, whose trace is then the caller's to decide about.
    pub fn leave_at(self, request: &HttpRequest) {
        if let Some(trusted) = request.extensions().get::<TrustedCaller>() {
            trusted.confirm();
        }
        request.extensions_mut().insert(self);
    }
}

/// What the line says.
pub struct Line<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path without its query.
    pub path: &'a str,
    /// The resource's name.
    pub resource: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The length of its body; `None` for a stream.
    pub bytes_sent: Option<u64>,
    /// How the answer came about, if the cache was asked.
    pub cache: Option<&'static str>,
    /// Attempts of gateway calls for it, and why one was followed by another.
    pub attempts: (u32, Option<&'static str>),
    /// How long it took.
    pub took: Duration,
    /// The client and its tenant, as far as they are known.
    pub caller: Option<(&'a str, &'a str)>,
    /// Where the request comes from.
    pub client_address: Option<IpAddr>,
    /// The trace that it is part of.
    pub trace: Option<TraceId>,
}

impl<'a> Line<'a> {
    /// The same for a span, where the resource is enough to know the template of its path.
    pub const fn answered(&self) -> Answered<'a> {
        let Self { id, method, path, resource, status, cache, took, caller, client_address, .. } = *self;
        Answered { id, method, path, resource, route: None, status, cache, took, caller, client_address }
    }
}

/// The span that all other lines about a request stand in.
pub fn span(id: &RequestId, trace: Option<TraceId>) -> Span {
    tracing::info_span!("request", id = %&**id, trace_id = trace.map(display))
}

/// Whether anybody reads the lines.
pub fn is_wanted() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// Writes the line, counts the request and ends its span. `about` holds who asked and how the answer came about, as far as
/// that is known, and `tally` what gateway calls for it came to.
pub fn write(label: &Label, seen: &Seen<'_>, about: Option<&Extensions>, tally: &CallTally, trace: Trace) {
    let Seen { resource, route, status, bytes_sent, took } = *seen;
    metrics::http_request(resource, status, took);
    let caller = about.and_then(Extensions::get::<CallerIdentity>);
    let caller = caller.map(|caller| (&*caller.client_id, &*caller.tenant));
    let cache = about.and_then(Extensions::get::<Outcome>).map(|outcome| outcome.name());
    let (id, method, path) = (&*label.id, label.method.as_str(), label.path.as_str());
    let attempts = (tally.attempts(), tally.retry_cause());
    let (client_address, trace_id) = (label.client_address, trace.id());
    let told = Line {
        id,
        method,
        path,
        resource,
        status,
        bytes_sent,
        cache,
        attempts,
        took,
        caller,
        client_address,
        trace: trace_id,
    };
    line(&told);
    if let Some(NamedStores(stores)) = about.and_then(Extensions::get::<NamedStores>) {
        audit::stores_requested(&told, stores);
    }
    trace.end(&Answered { route, ..told.answered() });
}

/// Writes a line. It stands in no span, since it names the request itself: for a hit, making a span costs more than the hit.
pub fn line(line: &Line<'_>) {
    let (attempts, retry_cause) = line.attempts;
    tracing::info!(
        parent: None,
        id = %line.id,
        method = line.method,
        path = line.path,
        resource = line.resource,
        status = line.status,
        bytes_sent = line.bytes_sent,
        cache = line.cache,
        attempts = (attempts > 0).then_some(attempts),
        retry_cause,
        took_us = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
        client_address = line.client_address.map(display),
        client_id = line.caller.map(|(client_id, _)| client_id),
        tenant = line.caller.map(|(_, tenant)| tenant),
        trace_id = line.trace.map(display),
        "answered"
    );
}
