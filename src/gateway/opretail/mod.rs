//! The OPRetail (万店掌) dialect.

pub mod sign;
