//! storegate: plain REST in, signed vendor RPC out.

pub mod auth;
pub mod clock;
pub mod gateway;
pub mod http;
pub mod sandbox;
pub mod settings;
