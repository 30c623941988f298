//! One line of the log for each request, and its metrics.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use tracing::Span;

use super::request_id::RequestId;
use crate::cache::Outcome;
use crate::telemetry::metrics;

/// A request as the log and the errors name it.
pub struct Label {
    /// The request's id.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people, and without what may be a token.
    pub path: String,
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
}

/// The span that all other lines about a request stand in.
pub fn span(id: &RequestId) -> Span {
    tracing::info_span!("request", id = %&**id)
}

/// Whether anybody reads the lines.
pub fn is_wanted() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// Writes the line and counts the request. `about` holds who asked and how the answer came about, as far as that is known.
pub fn write(label: &Label, resource: &str, status: u16, took: Duration, about: Option<&Extensions>) {
    metrics::http_request(resource, status, took);
    let caller = about.and_then(Extensions::get::<CallerIdentity>);
    line(&Line {
        id: &label.id,
        method: &label.method,
        path: &label.path,
        resource,
        status,
        cache: about.and_then(Extensions::get::<Outcome>).map(|outcome| outcome.name()),
        took,
        caller: caller.map(|caller| (&*caller.client_id, &*caller.tenant)),
    });
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
        "answered"
    );
}
