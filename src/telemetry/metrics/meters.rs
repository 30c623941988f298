//! Declares every metric: its labels, its name and the description that `/metrics` gives. Each is a function that
//! returns the meter for the values of its labels.

use metrics::{Counter, Gauge, Histogram, SharedString, counter, gauge, histogram};
use metrics::{describe_counter, describe_gauge, describe_histogram};

macro_rules! meters {
    ($kind:ident by $make:ident, $describe:ident in $all:ident: $(
        $(#[$doc:meta])*
        $meter:ident($($label:ident),*) = $name:literal, $words:literal;
    )+) => {
        $(
            #[doc = $words]
            $(#[$doc])*
            pub fn $meter($($label: impl Into<SharedString>),*) -> $kind {
                $make!($name $(, stringify!($label) => $label)*)
            }
        )+

        fn $all() {
            $($describe!($name, $words);)+
        }
    };
}

/// Gives the recorder the description of every metric.
pub(super) fn describe() {
    describe_counters();
    describe_gauges();
    describe_histograms();
}

meters! { Counter by counter, describe_counter in describe_counters:
    http_requests(resource, status) = "storegate_http_requests_total", "Requests answered, by resource and status";
    connection_limit_reached() = "storegate_connection_limit_reached_total",
        "Connections that arrived while their worker was at its connection limit";
    ///
    /// They were idle, or too many waited for a slot.
    connections_closed(reason) = "storegate_connections_closed_total",
        "Connections that were closed for others at the limit, by reason";
    gateway_calls(gateway, method, outcome) = "storegate_gateway_calls_total",
        "Gateway calls after all attempts, by gateway, method and outcome";
    gateway_attempts(gateway, method, outcome) = "storegate_gateway_attempts_total",
        "Attempts of gateway calls, by gateway, method and outcome";
    gateway_retries(gateway, cause) = "storegate_gateway_retries_total",
        "Attempts that were retried, by the failure's kind";
    gateway_retries_denied(gateway) = "storegate_gateway_retries_denied_total",
        "Retries that the retry budget did not allow";
    gateway_logins(gateway, outcome) = "storegate_gateway_logins_total", "User logins at gateways, by outcome";
    gateway_odd_values(gateway, method, field) = "storegate_gateway_odd_values_total",
        "Values that could not be read and rows that were skipped, by gateway, method and field";
    ///
    /// They are returned nevertheless. The gateway may also count more items than it sends.
    gateway_lists_unsettled(gateway) = "storegate_gateway_lists_unsettled_total",
        "Lists in which an item may be missing, by gateway: they changed while they were read";
    breaker_opened(gateway) = "storegate_gateway_breaker_opened_total", "How often a circuit breaker opened";
    issuer_key_fetches(issuer, outcome) = "storegate_issuer_key_fetches_total",
        "Fetches of the keys of trusted issuers, by the issuer's name in the settings and outcome";
    client_authentications(outcome) = "storegate_client_authentications_total",
        "Client authentications, by outcome";
    tokens_revoked() = "storegate_tokens_revoked_total", "Tokens revoked by their clients";
    quota_refused() = "storegate_quota_refused_total", "Requests refused because their client's quota is exhausted";
    reloads(outcome) = "storegate_reloads_total", "Reloads of the configuration, by outcome";
    events_sent(event) = "storegate_events_sent_total", "Events that were sent on streams, by event";
    trace_spans(outcome) = "storegate_trace_spans_total",
        "Spans for the collector of traces: sent, failed or dropped";
    cache_reads(resource, outcome) = "storegate_cache_reads_total",
        "Cache lookups, by resource and outcome";
    ///
    /// Some were not admitted, because the cached ones are requested more often.
    cache_removals(cause) = "storegate_cache_removals_total", "Responses that left the cache, by cause";
    shared_operations(operation, outcome) = "storegate_shared_operations_total",
        "Redis operations for requests, by operation and outcome";
    shared_answers(outcome) = "storegate_shared_answers_total",
        "Lookups in the cache that replicas share, by outcome";
    shared_events(event, direction) = "storegate_shared_events_total",
        "Events between replicas, by event and direction";
    log_lines_dropped() = "storegate_log_lines_dropped_total", "Lines of the log that could not be written";
    task_restarts(task) = "storegate_task_restarts_total",
        "How often a long-lived task or thread failed and was restarted";
}

meters! { Gauge by gauge, describe_gauge in describe_gauges:
    build_info(version, commit) = "storegate_build_info",
        "Always 1, with the program's version and the commit that it was built from";
    gateway_clock_offset(gateway) = "storegate_gateway_clock_offset_seconds",
        "How far the gateway's clock is ahead, the largest of a vendor's accounts";
    gateway_calls_in_flight(gateway) = "storegate_gateway_calls_in_flight", "Gateway calls under way";
    gateway_calls_waiting(gateway) = "storegate_gateway_calls_waiting", "Gateway calls that wait for their turn";
    breakers(gateway, state) = "storegate_gateway_breakers", "Circuit breakers of a vendor's accounts, by state";
    event_streams() = "storegate_event_streams", "Open event streams";
    cache_entries() = "storegate_cache_entries", "Responses in the cache";
    cache_bytes() = "storegate_cache_bytes", "Size of the responses in the cache, in bytes";
    shared_up() = "storegate_shared_up", "Whether the Redis that replicas share is in use: 1 or 0";
    task_up(task) = "storegate_task_up",
        "Whether a long-lived task or thread runs: 1, or 0 while it waits for its restart";
}

meters! { Histogram by histogram, describe_histogram in describe_histograms:
    http_duration(resource) = "storegate_http_request_duration_seconds", "Time to answer a request, by resource";
    gateway_duration(gateway, method) = "storegate_gateway_call_duration_seconds",
        "Time of a gateway call with all its attempts";
    shared_duration(operation) = "storegate_shared_operation_duration_seconds", "Time of a Redis operation";
}
