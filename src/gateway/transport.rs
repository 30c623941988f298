//! The only file that touches the network: sends a signed request with awc and reads the whole answer.
//! It guards against what the client library lets pass: bodies cut short, redirects, bodies without end.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use actix_web::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, USER_AGENT};
use awc::{Client, Connector};
use bytes::Bytes;
use jiff::Timestamp;

use super::dialect::SignedRequest;
use super::error::Kind;
use super::settings::GatewaySettings;

const FORM: &str = "application/x-www-form-urlencoded";
const SELF: &str = concat!("storegate/", env!("CARGO_PKG_VERSION"));

/// Idle connections are closed before common gateways close theirs, so that a pooled one is rarely found dead.
const IDLE: Duration = Duration::from_secs(14);

/// One worker's connections to all gateways. awc's client belongs to one thread.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    attempt_timeout: Duration,
    max_body: usize,
}

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The complete body.
    pub body: Bytes,
    /// The gateway's clock from its `Date` header.
    pub date: Option<Timestamp>,
}

/// Why there is no whole answer. The cause names no address and holds no part of the request.
#[derive(Debug)]
pub struct TransportError {
    /// What kind of failure.
    pub kind: Kind,
    /// For the log.
    pub cause: String,
}

impl Transport {
    /// The connections of one worker.
    pub fn new(settings: &GatewaySettings, tls: Arc<rustls::ClientConfig>) -> Self {
        let connector = Connector::new()
            .rustls_0_23(tls)
            .timeout(settings.connect_timeout)
            .handshake_timeout(settings.connect_timeout)
            .conn_keep_alive(IDLE)
            .limit(settings.connections);
        // A redirect would post the signed form to another place.
        let client = Client::builder()
            .connector(connector)
            .disable_redirects()
            .timeout(settings.attempt_timeout)
            .add_default_header((USER_AGENT, SELF))
            .add_default_header((ACCEPT, "application/json"))
            .finish();
        Self { client, attempt_timeout: settings.attempt_timeout, max_body: settings.max_body }
    }

    /// Sends one request and reads the whole answer, within the time of one attempt.
    ///
    /// # Errors
    /// [`TransportError`] when there is no whole answer, whatever its status.
    pub async fn send(&self, request: SignedRequest) -> Result<Response, TransportError> {
        // awc's own timeout ends at the head of the answer, so the deadline goes around head and body.
        match tokio::time::timeout(self.attempt_timeout, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(TransportError { kind: Kind::TimedOut, cause: "no complete answer in time".to_owned() }),
        }
    }

    async fn exchange(&self, request: SignedRequest) -> Result<Response, TransportError> {
        let sent = self.client.post(request.url).insert_header((CONTENT_TYPE, FORM)).send_body(request.body).await;
        let mut response = sent.map_err(|error| send_failure(&error))?;
        let body = response.body().limit(self.max_body).await.map_err(|error| body_failure(&error))?;
        check_length(response.headers(), body.len())?;
        Ok(Response { status: response.status().as_u16(), date: date(response.headers()), body })
    }
}

/// A body cut short is given as complete by the client library, so its length is compared with the one promised.
/// With a content encoding the length is of the encoded bytes, and the decoder notices the cut.
fn check_length(headers: &HeaderMap, received: usize) -> Result<(), TransportError> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    let promised = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match promised {
        Some(promised) if promised != received => Err(TransportError {
            kind: Kind::Unreadable,
            cause: format!("the body was cut short: {received} of {promised} bytes"),
        }),
        _ => Ok(()),
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let zoned = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(zoned.timestamp())
}

/// Only a failure to connect proves that nothing was sent; a lost connection does not.
fn send_failure(error: &SendRequestError) -> TransportError {
    let (kind, cause) = match error {
        SendRequestError::Connect(ConnectError::Disconnected) => (Kind::Disconnected, "the connection was closed"),
        SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => {
            (Kind::Unreachable, "the gateway's name cannot be resolved")
        }
        SendRequestError::Connect(ConnectError::Timeout) => (Kind::Unreachable, "no connection in time"),
        // rustls reports what it does not accept as invalid data.
        SendRequestError::Connect(ConnectError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
            (Kind::Unreachable, "TLS could not be agreed, or the certificate is not trusted")
        }
        SendRequestError::Connect(ConnectError::Io(error)) => {
            return TransportError { kind: Kind::Unreachable, cause: format!("no connection: {}", error.kind()) };
        }
        SendRequestError::Connect(_) | SendRequestError::Url(_) => (Kind::Unreachable, "no connection"),
        SendRequestError::Timeout => (Kind::TimedOut, "no answer in time"),
        SendRequestError::Send(_) => (Kind::Disconnected, "the connection broke while sending"),
        SendRequestError::Response(ParseError::Io(_)) => (Kind::Disconnected, "the connection broke before the answer"),
        SendRequestError::Response(_) => (Kind::Unreadable, "the answer is not well-formed HTTP"),
        _ => (Kind::Disconnected, "the exchange failed"),
    };
    TransportError { kind, cause: cause.to_owned() }
}

fn body_failure(error: &PayloadError) -> TransportError {
    let (kind, cause) = match error {
        PayloadError::Overflow => (Kind::Unreadable, "the body is larger than gateway.max_body"),
        PayloadError::Incomplete(_) | PayloadError::Io(_) => (Kind::Unreadable, "the body broke off"),
        _ => (Kind::Unreadable, "the body cannot be decoded"),
    };
    TransportError { kind, cause: cause.to_owned() }
}
