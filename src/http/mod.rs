//! HTTP semantics: the edge middleware, error documents, replies and pages.

pub mod accept;
pub mod access_log;
pub mod answer_deadline;
pub mod audit;
pub mod client_address;
pub mod cors;
mod dashboard;
pub mod docs;
pub mod edge;
pub mod exchange;
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
mod q_values;
pub mod rate_limit;
pub mod redacted_path;
pub mod reply;
pub mod request_id;
pub mod request_limits;
mod request_validation;
