//! What operators see: logs, every metric by name, and traces.

pub mod call_tally;
pub mod line_queue;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod traces;
