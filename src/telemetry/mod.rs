//! Telemetry for operators: logs, metrics and traces.

pub mod call_tally;
pub mod line_queue;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod traces;
