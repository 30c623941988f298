//! What talks with the service in the tests: gateways, an identity provider, a collector of traces, a proxy, and clients that
//! write their own bytes.

pub mod collector;
pub mod event_stream;
pub mod identity_provider;
pub mod independent_gateway;
pub mod independent_rules;
pub mod independent_signatures;
pub mod lumen;
pub mod prefix_proxy;
pub mod raw_connection;
pub mod raw_peer;
pub mod scripted_peer;
