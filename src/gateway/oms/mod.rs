//! The ShopeX OMS dialect.

pub mod sign;
