//! The access log: one line per request, its metrics, and the end of its span.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use tracing::Span;

use super::audit;
use super::request_id::RequestId;
use crate::telemetry::metrics;
use crate::telemetry::traces::{AnsweredRequest, Trace, TraceId};

/// The resource's name in lines about requests without a route.
pub const UNROUTED: &str = "none";

/// Returns the number of body bytes that will be sent, or `None` if it is not known in advance.
pub fn bytes_sent(method: &str, body: &impl MessageBody) -> Option<u64> {
    match body.size() {
        _ if method == "HEAD" => Some(0),
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    }
}

/// The contents of a line of the access log.
pub struct AccessLine<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path without its query.
    pub path: &'a str,
    /// The resource's name.
    pub resource: &'a str,
    /// The status of the response.
    pub status: u16,
    /// The length of the response body in bytes; `None` for a stream.
    pub bytes_sent: Option<u64>,
    /// The outcome of the cache lookup, if there was one.
    pub cache: Option<&'static str>,
    /// The number of attempts of gateway calls, and the reason of the last retry.
    pub attempts: (u32, Option<&'static str>),
    /// How long the request took.
    pub took: Duration,
    /// The ids of the client and its tenant, as far as they are known.
    pub caller: Option<(&'a str, &'a str)>,
    /// The client's address.
    pub client_address: Option<IpAddr>,
    /// The trace of the request.
    pub trace: Option<TraceId>,
}

impl<'a> AccessLine<'a> {
    /// Builds the line of a request without a route.
    pub const fn unrouted(id: &'a str, status: u16, bytes_sent: u64, client_address: Option<IpAddr>) -> Self {
        Self {
            id,
            method: "",
            path: "",
            resource: UNROUTED,
            status,
            bytes_sent: Some(bytes_sent),
            cache: None,
            attempts: (0, None),
            took: Duration::ZERO,
            caller: None,
            client_address,
            trace: None,
        }
    }

    /// Returns the contents of the request's span, where the resource is enough to know the template of the path.
    pub const fn answered(&self) -> AnsweredRequest<'a> {
        let Self { id, method, path, resource, status, cache, took, caller, client_address, .. } = *self;
        AnsweredRequest { id, method, path, resource, route: None, status, cache, took, caller, client_address }
    }
}

/// Creates the span of all other log lines about a request.
pub fn span(id: &RequestId, trace: Option<TraceId>) -> Span {
    tracing::info_span!("request", id = %&**id, trace_id = trace.map(display))
}

/// Whether the access log is enabled.
fn is_wanted() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// Counts the request, writes its line and ends its span. `stores` are the ids in the query. `route` is the template of
/// the path, where the resource does not imply it.
pub fn write(line: &AccessLine<'_>, route: Option<&str>, stores: Option<&str>, trace: Trace) {
    metrics::http_request(line.resource, line.status, line.took);
    if is_wanted() {
        write_line(line);
    }
    if let Some(stores) = stores {
        audit::stores_requested(line, stores);
    }
    trace.end(&AnsweredRequest { route, ..line.answered() });
}

/// Writes a line. The line belongs to no span, since it names the request itself: for a cache hit, creating a span
/// costs more than the hit.
fn write_line(line: &AccessLine<'_>) {
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
