//! `storegate health`: requests the health of a running service, for containers that have no other program.

use std::time::Duration;

use awc::http::{Method, StatusCode};

use super::error::CliError;
use super::output;
use crate::http_client::{ConnectionReuse, HttpClient, Options, RequestFailure};
use crate::settings::http_url;

const PATIENCE: Duration = Duration::from_secs(3);

/// Ask a running service for its health.
#[derive(clap::Args)]
pub struct HealthCommand {
    /// The address of the health check: http://, which the service itself speaks
    #[arg(default_value = "http://127.0.0.1:8080/healthz")]
    url: String,
}

impl HealthCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let help = "write the address as http://127.0.0.1:8080/healthz";
        let url = http_url::parse(&self.url).map_err(|error| CliError::message(format!("{error}; {help}")))?;
        if url.scheme_str() != Some("http") {
            return Err(CliError::message(format!("the service itself speaks http alone, without TLS; {help}")));
        }
        let status = tokio::time::timeout(PATIENCE, self.status()).await.unwrap_or(Err(RequestFailure::NotInTime));
        let status = status.map_err(|failure| CliError::message(format!("{} does not answer: {failure}", self.url)))?;
        if status.is_success() {
            return Ok(output::line("healthy")?);
        }
        Err(CliError::message(format!("{} answered {status}", self.url)))
    }

    async fn status(&self) -> Result<StatusCode, RequestFailure> {
        let client = HttpClient::new(
            Options { connect_timeout: PATIENCE, idle: Duration::ZERO, probation: Duration::ZERO },
            None,
        );
        let request = client.request(Method::GET, &self.url, ConnectionReuse::New)?.force_close();
        Ok(request.send().await?.status())
    }
}
