//! What operators see: logs, and every metric by name.

pub mod logging;
pub mod metrics;
