//! The only file that talks to gateways: sends a signed request with awc and reads the whole answer.
//! It guards against what the client library lets pass: redirects here, bodies cut short and without end in `body`.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use actix_web::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use awc::{Client, Connector};
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::body::{self, Body};
use super::dialect::SignedRequest;
use super::settings::GatewaySettings;
use super::transport_failure::TransportFailure;
use crate::clock::Deadline;
use crate::telemetry::traces;

const FORM: &str = "application/x-www-form-urlencoded";
const SELF: &str = concat!("storegate/", env!("CARGO_PKG_VERSION"));

/// Idle connections are closed before common gateways close theirs, so that a pooled one is rarely found dead.
const IDLE: Duration = Duration::from_secs(14);

/// How much of a body is taken at once. Compressed, it may be a thousand times as much.
const PIECE: usize = 1 << 10;
/// How many bytes are inflated before others get their turn.
const LONG_WORK: usize = 64 << 10;

/// What is waited when a gateway asks to wait and it cannot be read how long.
const SOME_TIME: Duration = Duration::from_secs(5);

/// One worker's connections to all gateways. awc's client belongs to one thread.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    attempt_timeout: Duration,
    max_body: usize,
}

/// A whole answer.
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The complete body.
    pub body: Bytes,
    /// The gateway's clock from its `Date` header.
    pub date: Option<Timestamp>,
    /// How long the gateway asks to wait.
    pub retry_after: Option<Duration>,
}

impl Transport {
    /// The connections of one worker.
    pub fn new(settings: &GatewaySettings, tls: Arc<rustls::ClientConfig>) -> Self {
        let connector = Connector::new()
            .rustls_0_23(tls)
            .timeout(settings.connect_timeout)
            .handshake_timeout(settings.connect_timeout)
            .conn_keep_alive(IDLE)
            // `limit.rs` bounds the calls under way; waiting for a connection here would look like a gateway that hangs.
            .limit(0);
        // A redirect would post the signed form to another place.
        let client = Client::builder()
            .connector(connector)
            .disable_redirects()
            .timeout(settings.attempt_timeout)
            .add_default_header((USER_AGENT, SELF))
            .add_default_header((ACCEPT, "application/json"))
            .add_default_header((ACCEPT_ENCODING, body::ACCEPTED))
            .finish();
        Self { client, attempt_timeout: settings.attempt_timeout, max_body: settings.max_body }
    }

    /// Sends one request and reads the whole answer, within the time of one attempt and what is left of the call's.
    ///
    /// # Errors
    /// [`TransportFailure`] when there is no whole answer, whatever its status.
    pub async fn send(&self, request: SignedRequest, deadline: &Deadline) -> Result<Response, TransportFailure> {
        let time = self.attempt_timeout.min(deadline.left());
        // The client library's own timeout ends at the head of the answer, so this one goes around head and body.
        let whole = tokio::time::timeout(time, self.exchange(request)).await;
        whole.unwrap_or(Err(TransportFailure::NotInTime))
    }

    /// Whether an attempt that is sent now has at least half the time that an attempt is given.
    pub fn has_time(&self, deadline: &Deadline) -> bool {
        deadline.left() >= self.attempt_timeout / 2
    }

    async fn exchange(&self, request: SignedRequest) -> Result<Response, TransportFailure> {
        let mut post = self.client.post(request.url).insert_header((CONTENT_TYPE, FORM)).no_decompress();
        if let Some((name, token)) = request.login {
            let mut value =
                HeaderValue::from_str(token.expose_secret()).map_err(|_| TransportFailure::NotAnEnvelope)?;
            value.set_sensitive(true);
            post = post.insert_header((name, value));
        }
        for header in traces::outgoing() {
            post = post.insert_header(header);
        }
        let mut response = post.send_body(request.body).await.map_err(|error| send_failure(&error))?;
        let mut body = Body::behind(response.headers(), self.max_body)?;
        while let Some(chunk) = response.next().await {
            for piece in chunk.map_err(|error| body_failure(&error))?.chunks(PIECE) {
                // Others go on between two pieces that inflate so much.
                if body.take(piece)? >= LONG_WORK {
                    tokio::task::yield_now().await;
                }
            }
        }
        let (status, headers) = (response.status(), response.headers());
        let body = body.finish(status.is_success())?;
        Ok(Response { status: status.as_u16(), date: date(headers), retry_after: retry_after(headers), body })
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// Seconds, or a date that is compared with the gateway's own (RFC 9110 §10.2.3). A wish that cannot be read is a wish.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?;
    let text = value.to_str().unwrap_or_default().trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let date = || Duration::try_from(http_date(text)?.duration_since(date(headers)?)).ok();
    Some(seconds.or_else(date).unwrap_or(SOME_TIME))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// Only a failure to connect proves that nothing was sent; a lost connection does not.
fn send_failure(error: &SendRequestError) -> TransportFailure {
    use TransportFailure as Failure;
    match error {
        SendRequestError::Connect(ConnectError::Disconnected) => Failure::Closed,
        SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => Failure::NameNotResolved,
        SendRequestError::Connect(ConnectError::Timeout) => Failure::NoConnectionInTime,
        // rustls reports what it does not accept as invalid data, and a peer that hangs up on it as the end of the file.
        SendRequestError::Connect(ConnectError::Io(error))
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            Failure::TlsFailed
        }
        SendRequestError::Connect(_) | SendRequestError::Url(_) => Failure::ConnectionRefused,
        SendRequestError::Timeout => Failure::NotInTime,
        SendRequestError::Response(ParseError::Io(_)) | SendRequestError::Send(_) => Failure::Reset,
        SendRequestError::Response(_) => Failure::MalformedHttp,
        _ => Failure::Closed,
    }
}

fn body_failure(error: &PayloadError) -> TransportFailure {
    match error {
        // The reader of chunks reports those that are malformed as invalid.
        PayloadError::Io(error) | PayloadError::Incomplete(Some(error))
            if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) =>
        {
            TransportFailure::MalformedHttp
        }
        PayloadError::Incomplete(_) | PayloadError::Io(_) => TransportFailure::BrokeOff,
        _ => TransportFailure::MalformedHttp,
    }
}
