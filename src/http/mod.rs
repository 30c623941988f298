//! HTTP as callers see it: errors, replies, pages.

pub mod problem;
