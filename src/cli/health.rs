//! `storegate health`: asks a running service for its health, for containers that have no other program.

use std::time::Duration;

use super::error::CliError;
use super::output;

const PATIENCE: Duration = Duration::from_secs(3);

/// Ask a running service for its health.
#[derive(clap::Args)]
pub struct HealthCommand {
    /// The address of the health check; http only
    #[arg(default_value = "http://127.0.0.1:8080/healthz")]
    url: String,
}

impl HealthCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let client = awc::Client::builder().timeout(PATIENCE).disable_redirects().finish();
        let answer = client.get(&self.url).send().await;
        let answer = answer.map_err(|error| CliError::message(format!("{} does not answer: {error}", self.url)))?;
        if answer.status().is_success() {
            return Ok(output::line("healthy")?);
        }
        Err(CliError::message(format!("{} answered {}", self.url, answer.status())))
    }
}
