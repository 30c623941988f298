//! The vendors' side: the whole outbound pipeline.

pub mod dialect;
pub mod error;
pub mod oms;
pub mod opretail;
pub mod parameters;
