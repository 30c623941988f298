//! The span of a request, by OpenTelemetry's conventions for HTTP servers. It is named by the template of the path, never by
//! ids, and holds what the line in the access log holds.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{Traces, context};

/// The span of a request that is being answered. One whose caller has left ends when it is dropped.
#[derive(Debug)]
pub struct RequestSpan {
    span: Span,
    began: SystemTime,
    traces: Traces,
}

/// What became of a request.
pub struct Answered<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The method; empty for one that could not be read.
    pub method: &'a str,
    /// The path without its query.
    pub path: &'a str,
    /// The resource's name, or that of another path that is served.
    pub resource: &'a str,
    /// The template of the path, where the resource does not tell it.
    pub route: Option<&'a str>,
    /// The status.
    pub status: u16,
    /// How the answer came about, if the cache was asked.
    pub cache: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// The client and its tenant, as far as they are known.
    pub caller: Option<(&'a str, &'a str)>,
}

impl RequestSpan {
    pub(super) fn begin(traces: Traces, tracer: &SdkTracer, caller: Option<&SpanContext>, began: SystemTime) -> Self {
        let parent = caller.map_or_else(Context::new, context::of);
        let builder = SpanBuilder::from_name("request").with_kind(SpanKind::Server).with_start_time(began);
        Self { span: tracer.build_with_context(builder, &parent), began, traces }
    }

    pub(super) fn context(&self) -> &SpanContext {
        self.span.span_context()
    }

    pub(super) fn end(self, answered: &Answered<'_>) {
        let Self { mut span, began, traces } = self;
        let Answered { id, method, path, resource, route, status, cache, took, caller } = answered;
        let route = traces.route(resource).or(*route);
        span.update_name(route.map_or_else(|| (*method).to_owned(), |route| format!("{method} {route}")));
        let text = |name: &'static str, value: &str| KeyValue::new(name, value.to_owned());
        span.set_attributes([
            text("http.request.method", method),
            text("url.path", path),
            text("url.scheme", "http"),
            KeyValue::new("http.response.status_code", i64::from(*status)),
            text("storegate.request_id", id),
            text("storegate.resource", resource),
        ]);
        span.set_attributes(route.map(|route| text("http.route", route)));
        span.set_attributes(cache.map(|cache| KeyValue::new("storegate.cache", cache)));
        if let Some((client_id, tenant)) = caller {
            span.set_attributes([text("storegate.client_id", client_id), text("storegate.tenant", tenant)]);
        }
        // What a caller did wrong is no error of this service.
        if *status >= 500 {
            span.set_attribute(text("error.type", &status.to_string()));
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(began + *took);
    }
}
