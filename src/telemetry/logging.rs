//! Logs on stderr, readable or as JSON, each line with the request's id. The filter can change at run time; a line that
//! is filtered out costs the same either way, because each call site caches whether it is enabled.
//!
//! Logging never waits for stderr, and never fails with it: lines go through a queue, and are dropped when they cannot
//! be written.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::line_queue::LineQueue;
use crate::settings::{Section, SectionSettings, choices, section};
use crate::supervisor::{SupervisedThread, Supervisor};

section! {
    /// The log and the traces.
    #[derive(Clone, Debug)]
    pub struct LogSettings in "telemetry" on reload {
        // Our own messages and the server's errors, but not a line for each malformed request.
        /// A level, or a filter such as `warn,storegate=debug`. `warn,storegate::audit=info` includes the audit log:
        /// who was refused, purged and read stores.
        filter("log"): String = "info,actix_server=warn,actix_http=off";
        /// The format of a line: for people, or one JSON object.
        format: LogFormat = "readable", after restart;
    }
}

choices! {
    /// The format of log lines.
    pub enum LogFormat {
        /// For people.
        Readable = "readable",
        /// One JSON object a line.
        Json = "json",
    } else "the log format is readable or json"
}

impl LogSettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>) -> Self {
        let settings = Self::default().over(section);
        if EnvFilter::try_new(&settings.filter).is_err() {
            section.problem("log", "write a level such as info, or a filter such as warn,storegate=debug");
        }
        settings
    }
}

/// How long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_millis(500);

/// The queue in front of stderr. A process has one stderr, so there is one queue.
static LINES: LazyLock<LineQueue> = LazyLock::new(LineQueue::default);

/// The writer thread; `None` when the system cannot start one.
static WRITER: LazyLock<Option<SupervisedThread>> = LazyLock::new(|| {
    let write = || {
        let mut stderr = stderr().map_err(|error| error.to_string())?;
        LINES.write_to(&mut stderr, report_lost);
        Ok(())
    };
    Supervisor::of_process().thread("log", write).ok()
});

/// Opens standard error without Rust's lock: a write that hangs must not block others.
#[cfg(unix)]
fn stderr() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    io::stderr().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn stderr() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    io::stderr().as_handle().try_clone_to_owned().map(File::from)
}

fn report_lost(lines: u64) -> bool {
    tracing::warn!(lines, "log lines lost: they could not be written");
    tracing::enabled!(tracing::Level::WARN)
}

/// Queues a line for stderr, without waiting for it.
pub fn line(text: &str) {
    let _started = WRITER.is_some();
    LINES.push(format!("{text}\n").as_bytes());
}

/// The number of lines that were dropped since the start.
pub fn lines_lost() -> u64 {
    LINES.lost()
}

/// Waits a short time for the last lines when it is dropped.
#[derive(Debug)]
pub struct FlushAtEnd;

impl Drop for FlushAtEnd {
    fn drop(&mut self) {
        LINES.flush(FLUSH);
    }
}

/// Replaces the filter. A process has one log, so there is one such function.
static CHANGE: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Starts logging. Another start in the same process changes nothing.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new(LogSettings::default().filter));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(&*LINES).with_ansi(colours);
    // A formatting error is a mistake that tests find; to report it, the crate would write to stderr itself.
    let lines = lines.log_internal_errors(false);
    let _started = WRITER.is_some();
    match settings.format {
        LogFormat::Readable => {
            let lines = lines.with_filter_reloading();
            start_with(lines.reload_handle(), lines.finish());
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            start_with(lines.reload_handle(), lines.finish());
        }
    }
}

fn start_with<S: 'static>(handle: Handle<EnvFilter, S>, lines: impl Subscriber + Send + Sync) {
    if lines.try_init().is_err() {
        return tracing::debug!("logging already started");
    }
    let change = move |filter| {
        // This fails only when the subscriber is gone, and then there is no log.
        let _changed = handle.reload(filter);
    };
    CHANGE.get_or_init(|| Box::new(change));
}

/// The log settings in use: the filter changes on reload, the format only with a restart.
#[derive(Clone, Debug)]
pub struct CurrentLog(Arc<Mutex<LogSettings>>);

impl CurrentLog {
    /// Starts with the settings that logging was started with.
    pub fn new(started: &LogSettings) -> Self {
        Self(Arc::new(Mutex::new(started.clone())))
    }

    fn settings(&self) -> MutexGuard<'_, LogSettings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The filter in use.
    pub fn filter(&self) -> String {
        self.settings().filter.clone()
    }

    /// Applies another filter, and logs that under the new filter.
    pub fn renew(&self, settings: &LogSettings) {
        let mut current = self.settings();
        if current.filter == settings.filter {
            return;
        }
        let Ok(renewed) = EnvFilter::try_new(&settings.filter) else { return };
        if let Some(change) = CHANGE.get() {
            change(renewed);
        }
        current.filter.clone_from(&settings.filter);
        tracing::info!(filter = current.filter, "log filter changed");
    }

    /// The keys of changed settings that need a restart.
    pub fn waiting(&self, settings: &LogSettings) -> Vec<&'static str> {
        self.settings().waiting(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::{CurrentLog, LogFormat, LogSettings};

    #[test]
    fn a_filter_is_renewed_and_a_format_waits() {
        let log = CurrentLog::new(&LogSettings::default());
        let changed = LogSettings { filter: "warn".to_owned(), format: LogFormat::Json };
        assert_eq!(log.waiting(&changed), ["telemetry.format"]);
        log.renew(&changed);
        assert_eq!(log.filter(), "warn");
        log.renew(&LogSettings { filter: "a=b=c".to_owned(), ..changed });
        assert_eq!(log.filter(), "warn", "what cannot be read changes nothing");
    }
}
