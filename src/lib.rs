//! storegate: plain REST in, signed vendor RPC out.
//!
//! # How one request flows
//!
//! 1. [`app`] has built the state and the routes; a worker of [`server`] reads the request from its socket.
//! 2. The [`fast_path`] answers a request that a caller with the same rights has sent before in exactly the same form.
//!    Any other request continues.
//! 3. [`http::edge`] assigns the request id, checks size and form, and enforces the deadline.
//! 4. [`auth::caller`] verifies the token; the handler's signature names the required scope.
//! 5. A file of [`resources`] parses the parameters, and checks that the token grants the store.
//! 6. [`cache`] returns a cached response, or one that other [`replicas`] share, or runs one fetch for all callers of
//!    the same lookup.
//! 7. [`gateway`] signs the call in the vendor's dialect, sends it, parses the envelope, and retries where that helps.
//! 8. The resource translates the result. [`http::reply`] adds ETag, age and encoding, or [`http::problem`] explains
//!    the error.
//!
//! Each module uses only those below it in this list: [`cli`], [`app`], [`reload`] and [`config`] assemble the program,
//! [`sandbox`] is a vendor's gateway to try it with, and [`vendors`] compiles the facts about a vendor.

pub mod cli;

pub mod app;

pub mod reload;

pub mod config;

pub mod openapi;

pub mod resources;

pub mod fast_path;

pub mod auth;

pub mod server;

pub mod http;

pub mod sandbox;

pub mod vendors;

pub mod directory;

pub mod gateway;

pub mod cache;

pub mod replicas;

pub mod fair_queue;

pub mod single_flight;

pub mod purge_list;

pub mod json;

pub mod telemetry;

pub mod http_client;

pub mod supervisor;

pub mod settings;

pub mod clock;

pub mod sha256;
