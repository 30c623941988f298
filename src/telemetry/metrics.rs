//! Records every metric; no other file names one. Labels have few values: names of resources, gateways, methods and
//! outcomes; never an id, a path or a tenant.

mod names;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use foldhash::fast::RandomState;
use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use names::{
    BREAKER_OPENED, BREAKERS, BUILD_INFO, CACHE_BYTES, CACHE_ENTRIES, CACHE_READS, CACHE_REMOVALS,
    CLIENT_AUTHENTICATIONS, CONNECTION_LIMIT_REACHED, CONNECTIONS_CLOSED, EVENT_STREAMS, EVENTS_SENT, GATEWAY_ATTEMPTS,
    GATEWAY_CALLS, GATEWAY_CLOCK_OFFSET, GATEWAY_DURATION, GATEWAY_LISTS_UNSETTLED, GATEWAY_LOGINS, GATEWAY_ODD_VALUES,
    GATEWAY_RETRIES, GATEWAY_RETRIES_DENIED, GATEWAY_UNDER_WAY, GATEWAY_WAITING, HTTP_DURATION, HTTP_REQUESTS,
    ISSUER_KEY_FETCHES, LOG_LINES_DROPPED, QUOTA_REFUSED, RELOADS, SHARED_ANSWERS, SHARED_DURATION, SHARED_EVENTS,
    SHARED_OPERATIONS, SHARED_UP, TASK_RESTARTS, TASK_UP, TOKENS_REVOKED, TRACE_SPANS,
};

/// The histogram buckets in seconds, from a cache hit on loopback to the gateway's deadline.
const BUCKETS: [f64; 13] = [0.000_1, 0.000_25, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// The commit from which the program was built, if `STOREGATE_COMMIT` was set for the build.
const COMMIT: Option<&str> = option_env!("STOREGATE_COMMIT");

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts recording. Another start in the same process changes nothing.
pub fn start() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS).ok()?;
        let handle = builder.install_recorder().ok()?;
        names::describe();
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION"), "commit" => COMMIT.unwrap_or("unknown")).set(1.0);
        Collector::default().describe();
        Some(handle)
    });
}

/// Renders all metrics in Prometheus' text format. It reads the process's statistics from the system, which may take
/// milliseconds.
pub fn render() -> String {
    Collector::default().collect();
    handle().map(PrometheusHandle::render).unwrap_or_default()
}

/// Processes the samples that histograms have collected; must be called every few seconds.
pub fn upkeep() {
    if let Some(handle) = handle() {
        handle.run_upkeep();
    }
}

/// Records an answered request and its duration.
pub fn http_request(resource: &str, status: u16, took: Duration) {
    of_resource(resource, |meters| meters.count(status, took));
}

/// Counts a request that was answered from the cache before its handler.
pub fn cache_hit(resource: &str) {
    of_resource(resource, |meters| {
        let hits = || counter!(CACHE_READS, "resource" => meters.resource.clone(), "outcome" => "hit");
        meters.hits.get_or_insert_with(hits).increment(1);
    });
}

fn of_resource(resource: &str, count: impl FnOnce(&mut ResourceMeters)) {
    thread_local! {
        static KNOWN: RefCell<HashMap<String, ResourceMeters, RandomState>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| match known.get_mut(resource) {
        Some(meters) => count(meters),
        None => count(known.entry(resource.to_owned()).or_insert(ResourceMeters::new(resource))),
    });
}

/// The counters of a resource's requests. Finding one by its labels takes a lock and a string per label, so each worker
/// caches those that it has used. There are as many as there are routes and statuses.
struct ResourceMeters {
    resource: String,
    durations: Histogram,
    by_status: Vec<(u16, Counter)>,
    hits: Option<Counter>,
}

impl ResourceMeters {
    fn new(resource: &str) -> Self {
        let durations = histogram!(HTTP_DURATION, "resource" => resource.to_owned());
        Self { resource: resource.to_owned(), durations, by_status: Vec::new(), hits: None }
    }

    fn count(&mut self, status: u16, took: Duration) {
        self.durations.record(took.as_secs_f64());
        if let Some((_, counter)) = self.by_status.iter().find(|(known, _)| *known == status) {
            return counter.increment(1);
        }
        let (resource, label) = (self.resource.clone(), status.to_string());
        let counter = counter!(HTTP_REQUESTS, "resource" => resource, "status" => label);
        counter.increment(1);
        self.by_status.push((status, counter));
    }
}

/// Records a gateway call that ended, with all its attempts.
pub fn gateway_call(gateway: &'static str, method: &str, outcome: &'static str, took: Duration) {
    let method = method.to_owned();
    counter!(GATEWAY_CALLS, "gateway" => gateway, "method" => method.clone(), "outcome" => outcome).increment(1);
    histogram!(GATEWAY_DURATION, "gateway" => gateway, "method" => method).record(took.as_secs_f64());
}

/// Counts an attempt of a gateway call.
pub fn gateway_attempt(gateway: &'static str, method: &str, outcome: &'static str) {
    let method = method.to_owned();
    counter!(GATEWAY_ATTEMPTS, "gateway" => gateway, "method" => method, "outcome" => outcome).increment(1);
}

/// Counts values of a gateway's answer that could not be read, in a field of our own lists.
pub fn gateway_odd_values(gateway: &'static str, method: &str, field: &str, count: u64) {
    let (method, field) = (method.to_owned(), field.to_owned());
    counter!(GATEWAY_ODD_VALUES, "gateway" => gateway, "method" => method, "field" => field).increment(count);
}

/// Counts a failure that was not retried because the retry budget was exhausted.
pub fn gateway_retry_denied(gateway: &'static str) {
    counter!(GATEWAY_RETRIES_DENIED, "gateway" => gateway).increment(1);
}

/// Counts a login at the gateway that ended.
pub fn gateway_login(gateway: &'static str, outcome: &'static str) {
    counter!(GATEWAY_LOGINS, "gateway" => gateway, "outcome" => outcome).increment(1);
}

/// Counts a circuit breaker that opened.
pub fn breaker_opened(gateway: &'static str) {
    counter!(BREAKER_OPENED, "gateway" => gateway).increment(1);
}

/// Sets how many circuit breakers of a vendor's accounts are in this state.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn breakers(gateway: &'static str, state: &'static str, count: usize) {
    gauge!(BREAKERS, "gateway" => gateway, "state" => state).set(count as f64);
}

/// Sets the largest clock offset of a vendor's accounts, and the calls under way and waiting.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn gateway_standing(gateway: &'static str, clock_offset: f64, under_way: usize, waiting: usize) {
    gauge!(GATEWAY_CLOCK_OFFSET, "gateway" => gateway).set(clock_offset);
    gauge!(GATEWAY_UNDER_WAY, "gateway" => gateway).set(under_way as f64);
    gauge!(GATEWAY_WAITING, "gateway" => gateway).set(waiting as f64);
}

/// Counts a connection to a worker that has reached its connection limit.
pub fn connection_limit_reached() {
    counter!(CONNECTION_LIMIT_REACHED).increment(1);
}

/// Counts a connection that was closed in favour of others, because it was idle or too many waited for a slot.
pub fn connection_closed(reason: &'static str) {
    counter!(CONNECTIONS_CLOSED, "reason" => reason).increment(1);
}

/// Counts a failed attempt that is retried.
pub fn gateway_retry(gateway: &'static str, cause: &'static str) {
    counter!(GATEWAY_RETRIES, "gateway" => gateway, "cause" => cause).increment(1);
}

/// Counts a fetch of a trusted issuer's keys.
pub fn issuer_key_fetch(issuer: &str, outcome: &'static str) {
    counter!(ISSUER_KEY_FETCHES, "issuer" => issuer.to_owned(), "outcome" => outcome).increment(1);
}

/// Counts a client authentication.
pub fn client_authentication(outcome: &'static str) {
    counter!(CLIENT_AUTHENTICATIONS, "outcome" => outcome).increment(1);
}

/// Counts a token that its client revoked.
pub fn token_revoked() {
    counter!(TOKENS_REVOKED).increment(1);
}

/// Sets the number of open event streams.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn event_streams(open: usize) {
    gauge!(EVENT_STREAMS).set(open as f64);
}

/// Counts an event that was sent on a stream.
pub fn event_sent(event: &'static str) {
    counter!(EVENTS_SENT, "event" => event).increment(1);
}

/// Counts a request that was refused because its client's quota is exhausted.
pub fn quota_refused() {
    counter!(QUOTA_REFUSED).increment(1);
}

/// Counts a reload of the configuration.
pub fn reload(outcome: &'static str) {
    counter!(RELOADS, "outcome" => outcome).increment(1);
}

/// Counts spans that were sent to the collector or dropped.
pub fn trace_spans(outcome: &'static str, count: u64) {
    counter!(TRACE_SPANS, "outcome" => outcome).increment(count);
}

/// Counts a lookup in the cache.
pub fn cache_read(resource: &'static str, outcome: &'static str) {
    counter!(CACHE_READS, "resource" => resource, "outcome" => outcome).increment(1);
}

/// Counts a response that left the cache, or was not admitted because the cached ones are requested more often.
pub fn cache_removal(cause: &'static str) {
    counter!(CACHE_REMOVALS, "cause" => cause).increment(1);
}

/// Counts a list that may lack an item: it changed during every reading, or the gateway counts more items.
pub fn gateway_list_unsettled(gateway: &'static str) {
    counter!(GATEWAY_LISTS_UNSETTLED, "gateway" => gateway).increment(1);
}

/// Sets the size of the cache.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn cache_size(entries: u64, bytes: u64) {
    gauge!(CACHE_ENTRIES).set(entries as f64);
    gauge!(CACHE_BYTES).set(bytes as f64);
}

/// Sets whether the shared Redis is in use.
pub fn shared_up(is_up: bool) {
    gauge!(SHARED_UP).set(f64::from(u8::from(is_up)));
}

/// Records a Redis operation for a request.
pub fn shared_operation(operation: &'static str, outcome: &'static str, took: Duration) {
    counter!(SHARED_OPERATIONS, "operation" => operation, "outcome" => outcome).increment(1);
    histogram!(SHARED_DURATION, "operation" => operation).record(took.as_secs_f64());
}

/// Counts the outcome of a lookup in the shared cache, after a miss in the local one.
pub fn shared_answer(outcome: &'static str) {
    counter!(SHARED_ANSWERS, "outcome" => outcome).increment(1);
}

/// Counts an event between replicas.
pub fn shared_event(event: &'static str, direction: &'static str) {
    counter!(SHARED_EVENTS, "event" => event, "direction" => direction).increment(1);
}

/// Sets the number of log lines that were dropped since the start.
pub fn log_lines_dropped(count: u64) {
    counter!(LOG_LINES_DROPPED).absolute(count);
}

/// Sets whether a long-lived task or thread runs, and how often it was restarted.
pub fn task(name: &'static str, is_up: bool, restarts: u64) {
    gauge!(TASK_UP, "task" => name).set(f64::from(u8::from(is_up)));
    counter!(TASK_RESTARTS, "task" => name).absolute(restarts);
}

fn handle() -> Option<&'static PrometheusHandle> {
    RECORDER.get()?.as_ref()
}
