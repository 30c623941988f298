//! One line of the log for each request, its metrics, and the end of its span.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use tracing::Span;

use super::audit;
use super::request_id::RequestId;
use crate::telemetry::metrics;
use crate::telemetry::traces::{AnsweredRequest, Trace, TraceId};

/// The name in place of a resource's, for requests without a route.
pub const UNROUTED: &str = "none";

/// How much of a body is sent, as far as that is known before it is.
pub fn bytes_sent(method: &str, body: &impl MessageBody) -> Option<u64> {
    match body.size() {
        _ if method == "HEAD" => Some(0),
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    }
}

/// What the line says.
pub struct AccessLine<'a> {
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

impl<'a> AccessLine<'a> {
    /// The line of a request that no route was found for, or none was looked for.
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

    /// The same for a span, where the resource is enough to know the template of its path.
    pub const fn answered(&self) -> AnsweredRequest<'a> {
        let Self { id, method, path, resource, status, cache, took, caller, client_address, .. } = *self;
        AnsweredRequest { id, method, path, resource, route: None, status, cache, took, caller, client_address }
    }
}

/// The span that all other lines about a request stand in.
pub fn span(id: &RequestId, trace: Option<TraceId>) -> Span {
    tracing::info_span!("request", id = %&**id, trace_id = trace.map(display))
}

/// Whether anybody reads the lines.
fn is_wanted() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// Counts the request, writes its line and ends its span. `stores` are those that the query names, and `route` the template
/// of its path, where the resource does not tell it.
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

/// Writes a line. It stands in no span, since it names the request itself: for a hit, making a span costs more than the hit.
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
