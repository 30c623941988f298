//! Sockets: the listener, its workers, and the guard around each connection. [`crate::http`] handles the requests.

pub mod connection;
pub mod framing;
pub mod framing_error;
pub mod listener;
mod open_files;
mod parse_error;
pub mod pipelining;
pub mod signals;
mod slots;
pub mod slow_clients;
