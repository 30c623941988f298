//! The contract, tested from outside: a running service on a loopback port, in front of a gateway on another.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "../app/mod.rs"]
mod app;
mod fixtures;
mod peers;

mod architecture;
mod auth;
mod cache;
mod commands;
mod configuration;
mod connections;
mod directory;
mod documents;
mod gateway;
mod http;
mod packs;
mod resources;
mod telemetry;
