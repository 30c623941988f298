//! One line of the log for each request, its metrics, and the end of its span.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use tracing::Span;

use super::request_id::RequestId;
use crate::cache::Outcome;
use crate::telemetry::metrics;
use crate::telemetry::traces::{Answered, Trace, TraceId};

/// A request as the log and the errors name it.
pub struct Label {
    /// The request's id.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people, and without what may be a token.
    pub path: String,
}

/// What became of a request on its way through the router.
pub struct Seen<'a> {
    /// The resource's name.
    pub resource: &'a str,
    /// The template of its path.
    pub route: Option<&'a str>,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

impl Seen<'_> {
    /// Of a request that no route was found for, or none was looked for.
    pub const fn unrouted(status: u16, took: Duration) -> Self {
        Self { resource: "none", route: None, status, took }
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
    /// How the answer came about, if the cache was asked.
    pub cache: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// The client and its tenant, as far as they are known.
    pub caller: Option<(&'a str, &'a str)>,
    /// The trace that it is part of.
    pub trace: Option<TraceId>,
}

impl<'a> Line<'a> {
    /// The same for a span, where the resource is enough to know the template of its path.
    pub const fn answered(&self) -> Answered<'a> {
        let Self { id, method, path, resource, status, cache, took, caller, .. } = *self;
        Answered { id, method, path, resource, route: None, status, cache, took, caller }
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
/// that is known.
pub fn write(label: &Label, seen: &Seen<'_>, about: Option<&Extensions>, trace: Trace) {
    let Seen { resource, route, status, took } = *seen;
    metrics::http_request(resource, status, took);
    let caller = about.and_then(Extensions::get::<CallerIdentity>);
    let caller = caller.map(|caller| (&*caller.client_id, &*caller.tenant));
    let cache = about.and_then(Extensions::get::<Outcome>).map(|outcome| outcome.name());
    let (id, method, path) = (&*label.id, label.method.as_str(), label.path.as_str());
    let told = Line { id, method, path, resource, status, cache, took, caller, trace: trace.id() };
    line(&told);
    trace.end(&Answered { route, ..told.answered() });
}

/// Writes a line. It stands in no span, since it names the request itself: for a hit, making a span costs more than the hit.
pub fn line(line: &Line<'_>) {
    tracing::info!(
        parent: None,
        id = %line.id,
        method = line.method,
        path = line.path,
        resource = line.resource,
        status = line.status,
        cache = line.cache,
        took_us = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
        client_id = line.caller.map(|(client_id, _)| client_id),
        tenant = line.caller.map(|(_, tenant)| tenant),
        trace_id = line.trace.map(display),
        "answered"
    );
}
