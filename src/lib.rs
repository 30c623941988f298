//! storegate: plain REST in, signed vendor RPC out.
//!
//! # How one request flows
//!
//! 1. [`app`] has built the state and the routes; a worker of [`server`] takes the request from its socket.
//! 2. The [`fast_path`] answers what somebody with the same rights has asked before, to the letter. Anything else goes on:
//! 3. [`http::edge`] gives it an id, checks its size and its form, and watches its deadline.
//! 4. [`auth::caller`] checks the token; the handler's signature names the scope that it must hold.
//! 5. A file of [`resources`] reads what the caller asks, and whether the token grants that store.
//! 6. [`cache`] gives a kept answer, or one that other [`replicas`] have, or lets one fetch run for all who ask the same.
//! 7. [`gateway`] signs the call in the vendor's dialect, sends it, reads the envelope, and tries again where that helps.
//! 8. The resource translates what came, [`http::reply`] adds ETag, age and encoding, or [`http::problem`] explains the
//!    error.
//!
//! Each module uses only those below it in this list: [`cli`], [`app`], [`reload`] and [`config`] put the program together,
//! [`sandbox`] is a gateway to try all of it on, and [`vendors`] compiles what is known of a vendor.

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
