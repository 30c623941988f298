//! HTTP as callers see it: the edge that every request passes, errors, replies, pages.

pub mod accept;
pub mod access_log;
pub mod docs;
pub mod edge;
pub mod methods;
pub mod ops;
pub mod problem;
mod problem_pages;
pub mod problem_type;
pub mod reply;
mod request_id;
mod request_limits;
mod weights;
