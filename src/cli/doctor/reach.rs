//! Checks that an address can be reached with the service's own HTTP client, and names the step that failed: DNS,
//! connection or TLS.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::oneshot;

use super::finding::Finding;
use crate::http_client::connect::{ConnectError, connect};
use crate::settings::http_url;

const CHECK: &str = "reach";

/// The longest time of the connection, and of TLS.
const STEP: Duration = Duration::from_secs(4);
/// The longest time of the whole check.
const WHOLE: Duration = Duration::from_secs(10);

/// The step that failed.
#[derive(Debug, thiserror::Error)]
enum ReachFailure {
    #[error(transparent)]
    Connection(#[from] ConnectError),
    #[error("{0} was not reached within {seconds} s", seconds = WHOLE.as_secs())]
    NotInTime(String),
    #[error("{0} is no address that can be called")]
    NoAddress(String),
}

impl ReachFailure {
    const fn remedy(&self) -> &'static str {
        match self {
            Self::Connection(ConnectError::Name(..)) => {
                "check the spelling of the address in the configuration, and this machine's DNS"
            }
            Self::Connection(ConnectError::Connect(..) | ConnectError::NotInTime(_)) | Self::NotInTime(_) => {
                "check address and port, and whether a firewall lets this machine out to them"
            }
            Self::Connection(ConnectError::Tls(..)) => {
                "check the host in the address; name the authority of its certificate in gateway.ca_file, or have it renewed"
            }
            Self::NoAddress(_) => "write it as https://host/path",
        }
    }
}

/// Checks that a URL can be reached.
pub(super) async fn check(url: &str, tls: Arc<ClientConfig>) -> Finding {
    match within_time(url, tls).await {
        Ok(way) => Finding::ok(CHECK, way),
        Err(trouble) => Finding::failed(CHECK, trouble.to_string(), trouble.remedy()),
    }
}

/// Runs the check on a thread of its own, which is not joined: a resolver that hangs does not delay the end of the
/// process.
async fn within_time(url: &str, tls: Arc<ClientConfig>) -> Result<String, ReachFailure> {
    let (tell, told) = oneshot::channel();
    let its_url = url.to_owned();
    let going = thread::Builder::new().name("reach".to_owned()).spawn(move || {
        // The receiver may have given up.
        let _late = tell.send(go(&its_url, &tls));
    });
    let way = match going {
        Ok(_) => tokio::time::timeout(WHOLE, told).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    way.unwrap_or_else(|| Err(ReachFailure::NotInTime(url.to_owned())))
}

fn go(url: &str, tls: &Arc<ClientConfig>) -> Result<String, ReachFailure> {
    let no_address = || ReachFailure::NoAddress(url.to_owned());
    let uri = http_url::parse(url).map_err(|_| no_address())?;
    let is_tls = uri.scheme_str() == Some("https");
    let authority = uri.authority().ok_or_else(no_address)?;
    let host = authority.host();
    let port = http_url::port(authority, if is_tls { 443 } else { 80 }).ok_or_else(no_address)?;
    // A separate runtime ends with this thread, whatever its resolver does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| no_address())?;
    let way = runtime.block_on(connect(host, port, is_tls.then_some(tls), STEP));
    // This does not wait for a resolver that hangs.
    runtime.shutdown_background();
    way?;
    let security = if is_tls { "and its certificate is trusted" } else { "without TLS" };
    Ok(format!("{host}:{port} takes connections, {security}"))
}
