//! The names of all metrics, with the descriptions that `/metrics` gives.

use metrics::{describe_counter, describe_gauge, describe_histogram};

pub(super) const BUILD_INFO: &str = "storegate_build_info";
pub(super) const HTTP_REQUESTS: &str = "storegate_http_requests_total";
pub(super) const HTTP_DURATION: &str = "storegate_http_request_duration_seconds";
pub(super) const CONNECTION_LIMIT_REACHED: &str = "storegate_connection_limit_reached_total";
pub(super) const CONNECTIONS_CLOSED: &str = "storegate_connections_closed_total";
pub(super) const GATEWAY_CALLS: &str = "storegate_gateway_calls_total";
pub(super) const GATEWAY_DURATION: &str = "storegate_gateway_call_duration_seconds";
pub(super) const GATEWAY_ATTEMPTS: &str = "storegate_gateway_attempts_total";
pub(super) const GATEWAY_RETRIES: &str = "storegate_gateway_retries_total";
pub(super) const GATEWAY_RETRIES_DENIED: &str = "storegate_gateway_retries_denied_total";
pub(super) const GATEWAY_LOGINS: &str = "storegate_gateway_logins_total";
pub(super) const GATEWAY_ODD_VALUES: &str = "storegate_gateway_odd_values_total";
pub(super) const GATEWAY_LISTS_UNSETTLED: &str = "storegate_gateway_lists_unsettled_total";
pub(super) const GATEWAY_CLOCK_OFFSET: &str = "storegate_gateway_clock_offset_seconds";
pub(super) const GATEWAY_UNDER_WAY: &str = "storegate_gateway_calls_in_flight";
pub(super) const GATEWAY_WAITING: &str = "storegate_gateway_calls_waiting";
pub(super) const BREAKERS: &str = "storegate_gateway_breakers";
pub(super) const BREAKER_OPENED: &str = "storegate_gateway_breaker_opened_total";
pub(super) const ISSUER_KEY_FETCHES: &str = "storegate_issuer_key_fetches_total";
pub(super) const CLIENT_AUTHENTICATIONS: &str = "storegate_client_authentications_total";
pub(super) const TOKENS_REVOKED: &str = "storegate_tokens_revoked_total";
pub(super) const QUOTA_REFUSED: &str = "storegate_quota_refused_total";
pub(super) const RELOADS: &str = "storegate_reloads_total";
pub(super) const EVENT_STREAMS: &str = "storegate_event_streams";
pub(super) const EVENTS_SENT: &str = "storegate_events_sent_total";
pub(super) const TRACE_SPANS: &str = "storegate_trace_spans_total";
pub(super) const CACHE_READS: &str = "storegate_cache_reads_total";
pub(super) const CACHE_ENTRIES: &str = "storegate_cache_entries";
pub(super) const CACHE_BYTES: &str = "storegate_cache_bytes";
pub(super) const CACHE_REMOVALS: &str = "storegate_cache_removals_total";
pub(super) const SHARED_UP: &str = "storegate_shared_up";
pub(super) const SHARED_OPERATIONS: &str = "storegate_shared_operations_total";
pub(super) const SHARED_DURATION: &str = "storegate_shared_operation_duration_seconds";
pub(super) const SHARED_ANSWERS: &str = "storegate_shared_answers_total";
pub(super) const LOG_LINES_DROPPED: &str = "storegate_log_lines_dropped_total";
pub(super) const TASK_UP: &str = "storegate_task_up";
pub(super) const TASK_RESTARTS: &str = "storegate_task_restarts_total";
pub(super) const SHARED_EVENTS: &str = "storegate_shared_events_total";

pub(super) fn describe() {
    describe_counter!(HTTP_REQUESTS, "Requests answered, by resource and status");
    describe_histogram!(HTTP_DURATION, "Time to answer a request, by resource");
    describe_counter!(CONNECTION_LIMIT_REACHED, "Connections that came when their worker had as many as it may have");
    describe_counter!(CONNECTIONS_CLOSED, "Connections that were closed for others at the limit, by reason");
    describe_counter!(GATEWAY_CALLS, "Gateway calls after all attempts, by gateway, method and outcome");
    describe_histogram!(GATEWAY_DURATION, "Time of a gateway call with all its attempts");
    describe_counter!(GATEWAY_ATTEMPTS, "Attempts of gateway calls, by gateway, method and outcome");
    describe_counter!(GATEWAY_RETRIES, "Attempts that were followed by another, by the failure's kind");
    describe_counter!(GATEWAY_RETRIES_DENIED, "Retries that the retry budget did not allow");
    describe_counter!(GATEWAY_LOGINS, "User logins at gateways, by outcome");
    describe_counter!(
        GATEWAY_ODD_VALUES,
        "Values that could not be read and rows that were left out, by gateway, method and field"
    );
    describe_counter!(
        GATEWAY_LISTS_UNSETTLED,
        "Lists in which an item may be missing, by gateway: they changed while they were read"
    );
    describe_gauge!(GATEWAY_CLOCK_OFFSET, "How far the gateway's clock is ahead, the largest of a vendor's accounts");
    describe_gauge!(GATEWAY_UNDER_WAY, "Gateway calls under way");
    describe_gauge!(GATEWAY_WAITING, "Gateway calls that wait for their turn");
    describe_gauge!(BREAKERS, "Breakers of a vendor's accounts, by state");
    describe_counter!(BREAKER_OPENED, "How often a breaker opened");
    describe_counter!(
        ISSUER_KEY_FETCHES,
        "Fetches of the keys of trusted issuers, by the issuer's name in the settings and outcome"
    );
    describe_counter!(CLIENT_AUTHENTICATIONS, "Secrets shown by clients, by outcome");
    describe_counter!(TOKENS_REVOKED, "Tokens given back by their clients");
    describe_counter!(QUOTA_REFUSED, "Requests refused because their client's quota is spent");
    describe_counter!(RELOADS, "How often the configuration was read again, by outcome");
    describe_gauge!(EVENT_STREAMS, "Event streams that are open");
    describe_counter!(EVENTS_SENT, "Events that were sent on streams, by event");
    describe_counter!(TRACE_SPANS, "Spans for the collector of traces: sent, failed or dropped");
    describe_counter!(CACHE_READS, "Questions to the cache, by resource and outcome");
    describe_counter!(CACHE_REMOVALS, "Answers that left the cache, by cause");
    describe_gauge!(CACHE_ENTRIES, "Answers in the cache");
    describe_gauge!(SHARED_UP, "Whether what replicas share through Redis is in use: 1 or 0");
    describe_counter!(SHARED_OPERATIONS, "What was done at Redis for requests, by operation and outcome");
    describe_histogram!(SHARED_DURATION, "Time of an operation at Redis");
    describe_counter!(SHARED_ANSWERS, "Answers looked for where replicas share them, by what was found");
    describe_counter!(SHARED_EVENTS, "What replicas told each other, by event and direction");
    describe_gauge!(BUILD_INFO, "Always 1, with the program's version and the commit that it was built from");
    describe_counter!(LOG_LINES_DROPPED, "Lines of the log that could not be written");
    describe_gauge!(TASK_UP, "Whether a long-lived task or thread runs: 1, or 0 while it waits for its restart");
    describe_counter!(TASK_RESTARTS, "How often a long-lived task or thread failed and was started again");
    describe_gauge!(CACHE_BYTES, "Weight of the answers in the cache, in bytes");
}
