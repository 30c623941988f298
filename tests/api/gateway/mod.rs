//! The vendor's side: calls, answers, failures, and what is done about each.

mod answers;
mod calls;
mod circuit_breaker;
mod clock_skew;
mod connections;
mod endpoints;
mod fair_shares;
mod http_client;
mod inconsistent_lists;
mod invalid_bodies;
mod invalid_values;
mod limits;
mod logins;
mod outages;
mod reactions;
mod transport_failures;
mod truncated_bodies;
mod unique_signatures;
