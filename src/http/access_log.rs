//! The access log, and the completion of responses: the headers that all of them carry, one line in the log, its
//! metrics, and the end of the request's span.

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use tracing::Span;

use super::audit;
use super::cors::{Cors, CorsRequest};
use super::rate_limit::RateLimit;
use super::request_id::{self, RequestId};
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

/// A response that lacks only what all responses carry.
pub struct Completion<'a> {
    /// The request's id.
    pub id: &'a RequestId,
    /// The CORS headers, and what the request says about its origin.
    pub cors: Option<(&'a Cors, &'a CorsRequest)>,
    /// The caller's rate-limit status, if the request was counted.
    pub rate_limit: Option<&'a RateLimit>,
    /// The request with its response.
    pub answered: AnsweredRequest<'a>,
    /// The trace of the request.
    pub trace: Option<Trace>,
}

impl Completion<'_> {
    /// Completes a response: the headers that all responses carry, the access log, metrics and the trace. Every response
    /// to a request that could be parsed passes here, and none twice.
    pub fn write(self, headers: &mut HeaderMap) {
        let Self { id, cors, rate_limit, answered, trace } = self;
        headers.insert(request_id::HEADER, id.header().clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(rate_limit) = rate_limit {
            rate_limit.write(headers);
        }
        if let Some((cors, origin)) = cors {
            cors.describe(origin, headers);
        }
        write(&answered, trace);
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

/// Counts an answered request, writes its line and ends its span.
pub fn write(answered: &AnsweredRequest<'_>, trace: Option<Trace>) {
    metrics::http_request(answered.resource, answered.status, answered.took);
    if is_wanted() {
        write_line(answered, trace.as_ref().map(Trace::id));
    }
    if let Some(stores) = answered.stores {
        audit::stores_requested(answered, stores);
    }
    if let Some(trace) = trace {
        trace.end(answered);
    }
}

/// Writes a line. The line belongs to no span, since it names the request itself: for a cache hit, creating a span
/// costs more than the hit.
fn write_line(answered: &AnsweredRequest<'_>, trace: Option<TraceId>) {
    let (attempts, retry_cause) = answered.attempts;
    tracing::info!(
        parent: None,
        id = %answered.id,
        method = answered.method,
        path = answered.path,
        resource = answered.resource,
        status = answered.status,
        bytes_sent = answered.bytes_sent,
        cache = answered.cache,
        attempts = (attempts > 0).then_some(attempts),
        retry_cause,
        took_us = u64::try_from(answered.took.as_micros()).unwrap_or(u64::MAX),
        client_address = answered.client_address.map(display),
        client_id = answered.caller.map(|(client_id, _)| client_id),
        tenant = answered.caller.map(|(_, tenant)| tenant),
        trace_id = trace.map(display),
        "answered"
    );
}
