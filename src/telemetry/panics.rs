//! Logs panics like other errors. Rust's own hook writes to stderr directly, and would block on a pipe that nobody
//! reads.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

use super::logging;

/// Logs panics from now on, or writes plain lines where there is no log.
pub fn log_them() {
    panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    // Captured with RUST_BACKTRACE only.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!(panic = message, location, thread, backtrace, "thread panicked");
    } else {
        let backtrace = backtrace.map(|backtrace| format!("\n{backtrace}")).unwrap_or_default();
        logging::line(&format!("storegate: thread {thread} panicked at {location}: {message}{backtrace}"));
    }
}
