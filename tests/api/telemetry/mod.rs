//! Logs and traces: what stands there, what does not, and what happens when nobody reads them.

mod access_log;
mod redaction;
mod traces;
mod unwritable_log;
