//! Asks for each resource of a pack as a caller would, from the service with the pack's gateway in the sandbox behind it.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use awc::http::{Method, StatusCode};
use bytes::Bytes;

use crate::cli::declared_resources::DeclaredResources;
use crate::cli::demo::StartedDemo;
use crate::cli::error::CliError;
use crate::cli::packs::NamedPacks;
use crate::cli::sandbox_flags::SandboxFlags;
use crate::http_client::{ConnectionReuse, HttpClient, Options, RequestFailure};

const PATIENCE: Duration = Duration::from_secs(10);

/// A request, and what came of it.
pub struct RoundTrip {
    request: String,
    outcome: Result<(StatusCode, Bytes), RequestFailure>,
}

impl RoundTrip {
    /// Whether the resource answered.
    pub fn has_succeeded(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|(status, _)| status.is_success())
    }
}

impl fmt::Display for RoundTrip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "resource: GET {}: ", self.request)?;
        match &self.outcome {
            Ok((status, _)) if status.is_success() => write!(formatter, "{}", status.as_u16()),
            Ok((status, body)) => write!(formatter, "{}: {}", status.as_u16(), String::from_utf8_lossy(body)),
            Err(failure) => write!(formatter, "{failure}"),
        }
    }
}

/// Asks for all resources of a pack.
pub async fn all(pack: &str) -> Result<Vec<RoundTrip>, CliError> {
    let packs = NamedPacks::read(&[pack.to_owned()])?;
    let declared = DeclaredResources::read(None, &packs)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let StartedDemo { app, sandbox, ready, examples } =
        StartedDemo::start(listener, SandboxFlags::default(), &packs, declared)?;
    let handle = app.handle();
    let serving = actix_web::rt::spawn(app.run());
    let token = ready.token.unwrap_or_default();
    let mut trips = Vec::new();
    for request in examples {
        let url = format!("{}{request}", ready.base_url);
        let outcome = tokio::time::timeout(PATIENCE, get(&url, &token)).await;
        trips.push(RoundTrip { request, outcome: outcome.unwrap_or(Err(RequestFailure::NotInTime)) });
    }
    handle.stop(false).await;
    let _ended = serving.await;
    sandbox.stop().await;
    Ok(trips)
}

async fn get(url: &str, token: &str) -> Result<(StatusCode, Bytes), RequestFailure> {
    let options = Options { connect_timeout: PATIENCE, idle: Duration::ZERO, probation: Duration::ZERO };
    let request = HttpClient::new(options, None).request(Method::GET, url, ConnectionReuse::New)?;
    let mut response = request.force_close().bearer_auth(token).send().await?;
    let body = response.body().await.unwrap_or_default();
    Ok((response.status(), body))
}
