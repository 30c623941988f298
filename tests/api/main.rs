//! The contract, tested from outside: a running service on a loopback port, in front of a gateway on another.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

mod answer;
mod background;
mod companies;
mod identity_provider;
mod independent_gateway;
mod independent_rules;
mod program;
mod raw_peer;
mod sandbox_gateway;
mod test_app;

mod attacks;
mod breaker;
mod caching;
mod clocks;
mod commands;
mod configuration;
mod documents;
mod errors;
mod gateway_answers;
mod issuers;
mod limits;
mod logins;
mod methods;
mod newcomer;
mod openid_provider;
mod outages;
mod pages;
mod purging;
mod questions;
mod reactions;
mod rehearsal;
mod repeats;
mod resources;
mod signature_properties;
mod signatures;
mod tokens;
mod transport_failures;
mod wire;
