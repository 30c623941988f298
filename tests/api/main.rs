//! The contract, tested from outside: a running service on a loopback port, in front of a gateway on another.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod answer;
mod background;
mod companies;
mod hostile_bodies;
mod independent_gateway;
mod independent_rules;
mod program;
mod raw_connection;
mod raw_peer;
mod sandbox_gateway;
mod test_app;

mod bodies;
mod breaker;
mod caching;
mod clocks;
mod commands;
mod configuration;
mod cors;
mod cuts;
mod documents;
mod errors;
mod gateway_answers;
mod guesses;
mod hostile;
mod introspection;
mod limits;
mod logins;
mod methods;
mod newcomer;
mod outages;
mod page_headers;
mod pages;
mod planted_secrets;
mod purging;
mod questions;
mod quotas;
mod reactions;
mod ready_file;
mod rehearsal;
mod reloading;
mod repeats;
mod resources;
mod revocation;
mod signature_properties;
mod signatures;
mod stalls;
mod tenants;
mod tokens;
mod transport_failures;
mod wire;
