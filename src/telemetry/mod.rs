//! What operators see: logs, every metric by name, and traces.

pub mod logging;
pub mod metrics;
pub mod traces;
