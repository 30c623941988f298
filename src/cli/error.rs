//! The failure of a command: one message on stderr and an exit code.

use std::io;
use std::process::ExitCode;

use crate::app::AppError;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::Error as GatewayError;
use crate::gateway::tenants::NotConfigured;
use crate::settings::Problems;
use crate::telemetry::logging;

/// `EX_CONFIG` of sysexits.h: the configuration is invalid.
pub const EXIT_CONFIGURATION: u8 = 78;
const EXIT_FAILURE: u8 = 1;
/// The exit code of a wrong command line, as clap has it.
const EXIT_USAGE: u8 = 2;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is incomplete or wrong.
    #[error(transparent)]
    Configuration(#[from] Problems),
    /// The service cannot be built.
    #[error(transparent)]
    App(#[from] AppError),
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The tenant has no account at the gateway.
    #[error("{0}")]
    NotConfigured(#[from] NotConfigured),
    /// A gateway call failed.
    #[error("{}", error_text(.0))]
    Gateway(#[from] GatewayError),
    /// A flag has a wrong value.
    #[error("{0}")]
    Usage(String),
    /// Any other failure, as a text.
    #[error("{0}")]
    Message(String),
}

/// The text of a refused call. It names what was refused, because one kind of failure covers both credentials and
/// methods.
fn error_text(error: &GatewayError) -> String {
    let (vendor, cause) = (error.vendor, &error.cause);
    match error.diagnosis() {
        Diagnosis::Method => format!("{vendor} method_refused: {cause}"),
        Diagnosis::Permission => format!("{vendor} permission_refused: {cause}"),
        Diagnosis::SystemParameter => format!("{vendor} system_parameter_refused: {cause}"),
        _ => error.to_string(),
    }
}

impl CliError {
    /// Creates a failure from a text.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Prints the message and returns the exit code.
    pub fn report(self) -> ExitCode {
        let code = match self {
            Self::Configuration(_) | Self::NotConfigured(_) => EXIT_CONFIGURATION,
            Self::Usage(_) => EXIT_USAGE,
            _ => EXIT_FAILURE,
        };
        let text = self.to_string();
        logging::line(&format!("storegate: {}", text.trim_end()));
        ExitCode::from(code)
    }
}
