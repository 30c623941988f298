//! Logs on stderr, readable or as JSON, each line under the request's id.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

use crate::settings::Section;

/// Ours, and what goes wrong in the server below us, but not a line for each malformed request.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=off";

/// `[telemetry]`: what is logged, and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `log`: a filter such as `info` or `warn,storegate=debug`. Default `info,actix_server=warn,actix_http=off`.
    pub filter: String,
    /// `format`: `readable` (default) or `json`.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Readable,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "readable" => Ok(Self::Readable),
            "json" => Ok(Self::Json),
            _ => Err("the log format is readable or json".to_owned()),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: DEFAULT_FILTER.to_owned(), format: LogFormat::Readable }
    }
}

impl LogSettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>) -> Self {
        let filter = section.text("log").unwrap_or_else(|| DEFAULT_FILTER.to_owned());
        if EnvFilter::try_new(&filter).is_err() {
            section.problem("log", "write a level such as info, or a filter such as warn,storegate=debug");
        }
        Self { filter, format: section.parsed("format").unwrap_or(LogFormat::Readable) }
    }
}

/// Starts logging. A second start in one process changes nothing.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let started = match settings.format {
        LogFormat::Readable => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
