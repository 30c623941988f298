//! Records and renders metrics; `meters` declares them. Labels have few values: names of resources, gateways, methods
//! and outcomes; never an id, a path or a tenant.

mod meters;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use foldhash::fast::RandomState;
use metrics::{Counter, Gauge, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

pub use meters::*;

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
        meters::describe();
        build_info(env!("CARGO_PKG_VERSION"), COMMIT.unwrap_or("unknown")).set(1);
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
        let hits = || cache_reads(meters.resource.clone(), "hit");
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
        let durations = http_duration(resource.to_owned());
        Self { resource: resource.to_owned(), durations, by_status: Vec::new(), hits: None }
    }

    fn count(&mut self, status: u16, took: Duration) {
        self.durations.record(took);
        if let Some((_, counter)) = self.by_status.iter().find(|(known, _)| *known == status) {
            return counter.increment(1);
        }
        let counter = http_requests(self.resource.clone(), status.to_string());
        counter.increment(1);
        self.by_status.push((status, counter));
    }
}

/// Sets a gauge to a count.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn set(gauge: &Gauge, count: u64) {
    gauge.set(count as f64);
}

fn handle() -> Option<&'static PrometheusHandle> {
    RECORDER.get()?.as_ref()
}
