//! HTTP semantics: the edge that every request passes, errors, replies and pages.

pub mod accept;
pub mod access_log;
pub mod answer_by;
pub mod audit;
pub mod client_address;
pub mod cors;
mod dashboard;
pub mod docs;
pub mod edge;
pub mod form_pairs;
pub mod host;
pub mod methods;
pub mod ops;
mod page_protection;
mod pages;
pub mod problem;
mod problem_pages;
pub mod problem_type;
pub mod public_url;
pub mod reply;
pub mod request_id;
pub mod request_limits;
mod shown_path;
pub mod stopping;
mod weights;
mod well_formed;
