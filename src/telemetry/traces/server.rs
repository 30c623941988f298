//! The server span of a request, by OpenTelemetry's conventions for HTTP servers. It is named by the path template,
//! never by ids, and has the data of the line in the access log.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{Traces, context};

/// The attribute of a span that turned out to be unwanted, and is not sent.
pub(super) const UNWANTED: &str = "storegate.unwanted";

/// The span of a request under way. If the caller disconnects, the span ends when it is dropped.
#[derive(Debug)]
pub struct RequestSpan {
    span: Span,
    began: SystemTime,
    traces: Traces,
    undecided: Option<UndecidedTrace>,
}

/// A trace whose sampling depends on whether its caller can be trusted.
#[derive(Debug)]
pub(super) struct UndecidedTrace {
    /// The caller's context, with its sampling decision.
    pub(super) caller: SpanContext,
    pub(super) trusted: TrustedCaller,
}

/// Whether a caller was authenticated. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct TrustedCaller(Rc<Cell<bool>>);

impl TrustedCaller {
    /// Records that the caller was authenticated.
    pub fn confirm(&self) {
        self.0.set(true);
    }
}

/// An answered request, as the access log and its span describe it.
#[derive(Clone, Debug, Default)]
pub struct AnsweredRequest<'a> {
    /// The request's id.
    pub id: &'a str,
    /// The method; empty for a request whose method could not be read.
    pub method: &'a str,
    /// The path without its query.
    pub path: &'a str,
    /// The name of the resource, or of another path that is served.
    pub resource: &'a str,
    /// The path template, where the resource does not determine it.
    pub route: Option<&'a str>,
    /// The ids of the stores that the query names.
    pub stores: Option<&'a str>,
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
}

impl RequestSpan {
    pub(super) fn begin(traces: Traces, tracer: &SdkTracer, caller: Option<&SpanContext>, began: SystemTime) -> Self {
        let parent = caller.map_or_else(Context::new, context::of);
        let builder = SpanBuilder::from_name("request").with_kind(SpanKind::Server).with_start_time(began);
        Self { span: tracer.build_with_context(builder, &parent), began, traces, undecided: None }
    }

    /// Makes the span's sampling depend on trust: the caller's decision holds if it is trusted in the end, and
    /// otherwise the opposite one.
    pub(super) fn undecided(mut self, undecided: UndecidedTrace) -> Self {
        self.undecided = Some(undecided);
        self
    }

    pub(super) const fn trusted_caller(&self) -> Option<&TrustedCaller> {
        match &self.undecided {
            Some(undecided) => Some(&undecided.trusted),
            None => None,
        }
    }

    /// The context that gateway calls propagate. Calls are made only for trusted callers.
    pub(super) fn context(&self) -> &SpanContext {
        match &self.undecided {
            Some(UndecidedTrace { caller, .. }) if !caller.is_sampled() => caller,
            _ => self.span.span_context(),
        }
    }

    fn is_wanted(&self) -> bool {
        self.undecided.as_ref().is_none_or(|UndecidedTrace { caller, trusted }| caller.is_sampled() == trusted.0.get())
    }

    pub(super) fn end(mut self, answered: &AnsweredRequest<'_>) {
        if !self.is_wanted() {
            return;
        }
        let Self { span, began, traces, .. } = &mut self;
        let AnsweredRequest { id, method, path, resource, route, status, cache, took, caller, client_address, .. } =
            answered;
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
        span.set_attributes(client_address.map(|address| text("client.address", &address.to_string())));
        if let Some((client_id, tenant)) = caller {
            span.set_attributes([text("storegate.client_id", client_id), text("storegate.tenant", tenant)]);
        }
        // A client error is not an error of this service.
        if *status >= 500 {
            span.set_attribute(text("error.type", &status.to_string()));
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(*began + *took);
    }
}

impl Drop for RequestSpan {
    /// Ends a span that has not ended, and marks an unwanted one.
    fn drop(&mut self) {
        if !self.is_wanted() {
            self.span.set_attribute(KeyValue::new(UNWANTED, true));
        }
    }
}
