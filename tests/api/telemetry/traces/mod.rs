//! Traces as a collector gets them: whose they are, what stands in them and what does not, and collectors that are no help.

mod export;
mod sampling;
mod spans;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::app::{Setup, TestApp};
use crate::peers::collector::{Collector, Exported};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

fn traced(collector: &Collector) -> impl FnOnce(&mut Setup) {
    let url = collector.url();
    |setup| setup.set("TELEMETRY__TRACES", url)
}

/// Stops the service, with which the last spans leave it.
fn spans_of(app: TestApp, collector: &Collector) -> Vec<Exported> {
    drop(app);
    collector.spans()
}

fn of_kind(spans: &[Exported], kind: SpanKind) -> Vec<&Exported> {
    spans.iter().filter(|span| span.kind == kind).collect()
}
