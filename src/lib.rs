//! storegate: plain REST in, signed vendor RPC out.

pub mod auth;
pub mod cache;
pub mod clock;
pub mod directory;
pub mod gateway;
pub mod http;
pub mod sandbox;
pub mod settings;
pub mod telemetry;
