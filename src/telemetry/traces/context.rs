//! W3C Trace Context (<https://www.w3.org/TR/trace-context/>): reads it from requests, carries it to gateway calls, and
//! writes it to their headers. Malformed headers are ignored.
//!
//! Vendors sign only the form, so additional headers do not affect gateways that ignore them. They contain only
//! numbers, and in `tracestate` what the caller's own tools have put there.

use std::future::Future;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use futures_util::future::Either;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, SpanId, TraceId};
use tracing::Instrument as _;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that must be propagated (§3.3.1.5); a longer one is dropped as a whole.
const LONGEST_STATE: usize = 512;

/// A future that is part of a trace.
pub trait CallerTrace: Future + Sized {
    /// Runs the future as a part of this trace, if there is one.
    fn in_trace(self, trace: Option<&SpanContext>) -> Either<Self, opentelemetry::context::WithContext<Self>> {
        match trace {
            None => Either::Left(self),
            Some(trace) => Either::Right(self.with_context(of(trace))),
        }
    }
}

impl<F: Future> CallerTrace for F {}

/// Keeps the request's id in the log and its trace for a future that runs as a task of its own.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    future.in_current_span().with_current_context()
}

/// A context in which `span` is the current one.
pub(super) fn of(span: &SpanContext) -> Context {
    Context::new().with_remote_span_context(span.clone())
}

/// Reads the caller's trace context.
pub(super) fn read(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all(TRACEPARENT);
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    let (trace_id, span_id, flags) = parse(parent.as_bytes())?;
    let context = SpanContext::new(trace_id, span_id, flags, true, state(headers));
    context.is_valid().then_some(context)
}

/// Parses `00-<32 digits>-<16 digits>-<2 digits>` in lower case. A later version may append more.
fn parse(parent: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (known, more) = parent.split_at_checked(55)?;
    let text = str::from_utf8(known).ok()?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_shaped = text.bytes().enumerate().all(|(at, byte)| match at {
        2 | 35 | 52 => byte == b'-',
        _ => is_digit(byte),
    });
    let version = text.get(..2)?;
    let ends = more.is_empty() || (version != "00" && more.starts_with(b"-"));
    if !is_shaped || !ends || version == "ff" {
        return None;
    }
    let flags = u8::from_str_radix(text.get(53..)?, 16).ok()?;
    let trace_id = TraceId::from_hex(text.get(3..35)?).ok()?;
    let span_id = SpanId::from_hex(text.get(36..52)?).ok()?;
    Some((trace_id, span_id, TraceFlags::new(flags) & TraceFlags::SAMPLED))
}

fn state(headers: &HeaderMap) -> TraceState {
    let texts: Option<Vec<&str>> = headers.get_all(TRACESTATE).map(|state| state.to_str().ok()).collect();
    let text = texts.unwrap_or_default().join(",");
    let state = if text.len() <= LONGEST_STATE { text.parse().ok() } else { None };
    state.unwrap_or_default()
}

/// The trace headers of a call in the current trace; empty if there is none.
pub fn outgoing() -> Vec<(HeaderName, HeaderValue)> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_valid() { headers(span) } else { Vec::new() }
    })
}

fn headers(span: &SpanContext) -> Vec<(HeaderName, HeaderValue)> {
    let parent = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags());
    let state = span.trace_state().header();
    let state = if state.is_empty() { None } else { HeaderValue::from_str(&state).ok() };
    let parent = HeaderValue::from_str(&parent).ok().map(|parent| (TRACEPARENT, parent));
    parent.into_iter().chain(state.map(|state| (TRACESTATE, state))).collect()
}

#[cfg(test)]
mod tests {
    use super::{CallerTrace as _, LONGEST_STATE, TRACEPARENT, TRACESTATE, outgoing, read};
    use actix_web::http::header::{HeaderMap, HeaderValue};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        parents.iter().for_each(|parent| headers.append(TRACEPARENT, HeaderValue::from_str(parent).unwrap()));
        states.iter().for_each(|state| headers.append(TRACESTATE, HeaderValue::from_str(state).unwrap()));
        headers
    }

    #[test]
    fn what_comes_in_goes_out_again() {
        let long = format!("a={}", "x".repeat(250));
        for (parent, states, state) in [
            (PARENT, vec![], None),
            (PARENT, vec!["a=1,b@c=2", "d=3"], Some("a=1,b@c=2,d=3")),
            (&PARENT.replace("-01", "-00"), vec!["a=1"], Some("a=1")),
            (PARENT, vec!["no state"], None),
            (PARENT, vec![&long, &long, &long], None),
        ] {
            let context = read(&headers(&[parent], &states)).unwrap();
            let sent = futures_util::FutureExt::now_or_never(async { outgoing() }.in_trace(Some(&context))).unwrap();
            assert_eq!(sent[0].1, parent);
            assert_eq!(sent.get(1).map(|(_, state)| state.to_str().unwrap()), state);
        }
        assert!(outgoing().is_empty() && LONGEST_STATE < 3 * long.len());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for later in [&format!("cc{}-what-the-future-brings", &PARENT[2..]), &PARENT.replacen("00", "cc", 1)] {
            assert!(read(&headers(&[later], &[])).unwrap().is_sampled(), "{later}");
        }
        assert!(
            !read(&headers(&[&PARENT.replace("-01", "-fe")], &[])).unwrap().is_sampled(),
            "other flags say nothing"
        );
    }

    #[test]
    fn what_is_malformed_is_as_if_it_had_not_come() {
        let zeros = |digits: usize| "0".repeat(digits);
        for bad in [
            "",
            "00",
            &PARENT[..54],
            &format!("{PARENT}-01"),
            &format!("{PARENT} "),
            &PARENT.to_uppercase(),
            &PARENT.replacen("00", "ff", 1),
            &PARENT.replacen("00", "0g", 1),
            &PARENT.replace("4bf9", "+bf9"),
            &format!("00-{}-00f067aa0ba902b7-01", zeros(32)),
            &format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", zeros(16)),
            &PARENT.replace('-', "_"),
            &format!("cc{}.x", &PARENT[2..]),
        ] {
            assert!(read(&headers(&[bad], &[])).is_none(), "{bad}");
        }
        assert!(read(&headers(&[PARENT, PARENT], &[])).is_none(), "two of them");
        assert!(read(&headers(&[], &["a=1"])).is_none());
    }
}
