//! HTTP as callers see it: the server and its connections, the edge that every request passes, errors, replies, pages.

pub mod accept;
pub mod access_log;
pub mod connection;
pub mod cors;
pub mod docs;
pub mod edge;
pub mod head_scan;
pub mod host;
pub mod in_turn;
mod last_words;
pub mod methods;
mod open_files;
pub mod ops;
mod page_protection;
pub mod problem;
mod problem_pages;
pub mod problem_type;
pub mod refusal;
pub mod reply;
pub mod request_id;
pub mod request_limits;
pub mod server;
mod shown_path;
pub mod watch;
mod weights;
mod well_formed;
