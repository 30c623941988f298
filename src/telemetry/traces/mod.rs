//! Traces: a span for each request and one for each attempt of a gateway call, sent to a collector by OTLP over HTTP.
//!
//! `context` reads and writes W3C Trace Context, `server` and `client` make the two spans, `exporter` sends them from a
//! thread of its own. Without a collector, tracing is off and costs requests nothing. With one, a request that is not
//! sampled costs reading its headers and a random number.

mod client;
mod context;
mod exporter;
mod headers;
mod otlp;
mod server;
mod settings;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use actix_web::http::header::HeaderMap;
use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, TracerProvider as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use rustls::ClientConfig;

use crate::supervisor::Supervisor;

pub use client::{Attempt, CallSpan};
pub use context::{CallerTrace, carried, outgoing};
pub use exporter::Exporter;
pub use opentelemetry::TraceId;
pub use otlp::try_collector;
use server::UndecidedTrace;
pub use server::{AnsweredRequest, RequestSpan, TrustedCaller};
pub use settings::TraceSettings;

/// Makes spans for a collector. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Traces(Arc<Tracing>);

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    sampled: f64,
    trusts_callers: bool,
    /// The path templates of resources, by their names.
    routes: HashMap<&'static str, String>,
}

/// The trace of a request.
#[derive(Debug)]
pub enum Trace {
    /// The caller's trace is not recorded: its context is propagated.
    HandedOn(SpanContext),
    /// The trace is recorded; the decision to send it may follow later.
    Recorded(Box<RequestSpan>),
}

impl Traces {
    /// Starts to export spans, if the settings name a collector. `routes` are the path templates of resources.
    ///
    /// # Errors
    /// The exporter thread cannot be started.
    pub fn start(
        settings: &TraceSettings,
        tls: Arc<ClientConfig>,
        routes: HashMap<&'static str, String>,
        supervisor: &Supervisor,
    ) -> io::Result<Option<(Self, Exporter)>> {
        if settings.collector.is_none() {
            return Ok(None);
        }
        let (queue, exporter) = exporter::start(settings.clone(), tls, supervisor)?;
        // Sampling is decided before a span is made.
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn).with_span_processor(queue).build();
        let tracer = provider.tracer("storegate");
        let TraceSettings { sampled, trusts_callers, .. } = *settings;
        Ok(Some((Self(Arc::new(Tracing { tracer, sampled, trusts_callers, routes })), exporter)))
    }

    /// Decides about the trace of a request with these headers that began at `began`: by chance, or as its caller has
    /// decided, if the caller is trusted. Trust may be confirmed later, by [`Trace::trusted_caller`].
    pub fn begin(&self, headers: &HeaderMap, began: Timestamp, is_trusted: bool) -> Option<Trace> {
        let tracing = &*self.0;
        let record = |caller: Option<&SpanContext>| {
            RequestSpan::begin(self.clone(), &tracing.tracer, caller, SystemTime::from(began))
        };
        let is_sampled = || fastrand::f64() < tracing.sampled;
        let Some(caller) = context::read(headers) else {
            return is_sampled().then(|| Trace::Recorded(Box::new(record(None))));
        };
        let (theirs, is_trusted) = (caller.is_sampled(), is_trusted || tracing.trusts_callers);
        let ours = if is_trusted { theirs } else { is_sampled() };
        Some(match (theirs, ours) {
            (true, true) => Trace::Recorded(Box::new(record(Some(&caller)))),
            (false, false) => Trace::HandedOn(caller),
            _ => {
                let span = record(Some(&caller));
                Trace::Recorded(Box::new(span.undecided(UndecidedTrace { caller, trusted: TrustedCaller::default() })))
            }
        })
    }

    /// Starts the span of an attempt, if the trace of its request is recorded.
    pub fn call(&self, attempt: Attempt<'_>, began: Timestamp) -> Option<CallSpan> {
        CallSpan::begin(&self.0.tracer, attempt, SystemTime::from(began))
    }

    fn route(&self, resource: &str) -> Option<&str> {
        self.0.routes.get(resource).map(String::as_str)
    }
}

impl Trace {
    /// The trace's id, for the log.
    pub fn id(&self) -> TraceId {
        self.context().trace_id()
    }

    /// The context that gateway calls for the request propagate.
    pub fn context(&self) -> &SpanContext {
        match self {
            Self::HandedOn(context) => context,
            Self::Recorded(span) => span.context(),
        }
    }

    /// The handle to confirm that the caller was authenticated, if the trace depends on that.
    pub fn trusted_caller(&self) -> Option<TrustedCaller> {
        match self {
            Self::Recorded(span) => span.trusted_caller().cloned(),
            Self::HandedOn(_) => None,
        }
    }

    /// Ends the span of an answered request.
    pub fn end(self, answered: &AnsweredRequest<'_>) {
        if let Self::Recorded(span) = self {
            span.end(answered);
        }
    }
}
