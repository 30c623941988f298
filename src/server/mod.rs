//! Sockets: the listener and its workers, and the guard around each connection. What a request means is the subject of
//! [`crate::http`].

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
