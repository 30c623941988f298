//! The client span of one attempt of a gateway call, by OpenTelemetry's conventions for HTTP clients. It has the
//! vendor's method, the outcome, and the gateway's call id, by which the vendor's support finds the call.

use std::iter;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use crate::settings::http_url;

/// An attempt that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The vendor's name.
    pub gateway: &'static str,
    /// The vendor's method.
    pub method: &'a str,
    /// The address of the endpoint, without any part of the call.
    pub url: &'a str,
    /// The number of the attempt within its call, from 1.
    pub number: u32,
}

/// The span of an attempt under way.
#[derive(Debug)]
pub struct CallSpan {
    span: Span,
    began: SystemTime,
}

impl CallSpan {
    /// Starts the span as a part of the current trace, if that is recorded.
    pub(super) fn begin(tracer: &SdkTracer, attempt: Attempt<'_>, began: SystemTime) -> Option<Self> {
        let parent = Context::current();
        if !parent.span().span_context().is_sampled() {
            return None;
        }
        let Attempt { gateway, method, url, number } = attempt;
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("url.full", url.to_owned()),
            KeyValue::new("storegate.gateway", gateway),
            KeyValue::new("storegate.gateway.method", method.to_owned()),
            KeyValue::new("storegate.gateway.attempt", i64::from(number)),
        ];
        attributes.extend(server(url));
        if number > 1 {
            attributes.push(KeyValue::new("http.request.resend_count", i64::from(number - 1)));
        }
        let builder = SpanBuilder::from_name(format!("{gateway} {method}")).with_kind(SpanKind::Client);
        let builder = builder.with_start_time(began).with_attributes(attributes);
        Some(Self { span: tracer.build_with_context(builder, &parent), began })
    }

    /// The context that the attempt propagates.
    pub fn context(&self) -> &SpanContext {
        self.span.span_context()
    }

    /// Ends the span as a success or with this kind of failure. `call_id` is the gateway's call id of the attempt.
    pub fn end(self, failure: Option<&'static str>, call_id: Option<&str>, took: Duration) {
        let Self { mut span, began } = self;
        span.set_attribute(KeyValue::new("storegate.gateway.outcome", failure.unwrap_or("success")));
        span.set_attributes(call_id.map(|id| KeyValue::new("storegate.gateway.call_id", id.to_owned())));
        if let Some(kind) = failure {
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(began + took);
    }
}

/// The attributes for host and port of an address.
fn server(url: &str) -> Vec<KeyValue> {
    let Ok(uri) = http_url::parse(url) else { return Vec::new() };
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let Some(authority) = uri.authority() else { return Vec::new() };
    let port = http_url::port(authority, usual).map(|port| KeyValue::new("server.port", i64::from(port)));
    let host = KeyValue::new("server.address", authority.host().to_owned());
    iter::once(host).chain(port).collect()
}
