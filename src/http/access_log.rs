//! One line of the log for each request, and its metrics.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;

use crate::cache::Outcome;
use crate::telemetry::metrics;

/// A request as the log and the errors name it.
pub struct Label {
    /// The request's id.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people.
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

/// Writes the line and counts the request. `about` holds who asked and how the answer came about, as far as that is known.
pub fn write(label: &Label, resource: &str, status: u16, took: Duration, about: Option<&Extensions>) {
    let caller = about.and_then(Extensions::get::<CallerIdentity>);
    let cache = about.and_then(Extensions::get::<Outcome>).map(|outcome| outcome.name());
    metrics::http_request(resource, status, took);
    tracing::info!(
        method = label.method,
        path = label.path,
        resource,
        status,
        cache,
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        client_id = caller.map(|caller| caller.client_id.as_ref()),
        tenant = caller.map(|caller| caller.tenant.as_ref()),
        "answered"
    );
}
