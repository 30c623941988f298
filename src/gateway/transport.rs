//! The only file that talks to gateways: sends a signed request and reads the whole response, with bounded size and
//! time. `http_client` decides where a response ends, and `body` what it may hold.

use std::sync::Arc;
use std::time::Duration;

use awc::http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT,
};
use awc::http::{Method, Uri};
use bytes::Bytes;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::body::{self, IncomingBody};
use super::error::{Error, Kind};
use super::protocol::{HttpMethod, SignedRequest};
use super::settings::GatewaySettings;
use super::transport_failure::TransportFailure;
use super::vendor::Vendor;
use crate::clock::Deadline;
use crate::http_client::{self, ConnectionReuse, HttpClient, Options, RequestFailure};
use crate::telemetry::traces;

/// How long an idle connection is kept. That is shorter than at common gateways, so that a pooled connection is rarely
/// found closed.
const IDLE: Duration = Duration::from_secs(14);

/// The most by which timers are late on a busy machine.
const TIMERS_ARE_LATE: Duration = Duration::from_secs(2);

/// The bytes of a body that are read at once. Decompressed, they may become a thousand times as many.
const PIECE: usize = 1 << 10;
/// The decompressed bytes after which other tasks get their turn.
const LONG_WORK: usize = 64 << 10;

/// The wait when a gateway asks to wait and the time cannot be read.
const SOME_TIME: Duration = Duration::from_secs(5);

/// One worker's connections to all gateways.
#[derive(Clone)]
pub struct Transport {
    client: HttpClient,
    attempt_timeout: Duration,
    max_body: usize,
}

/// A whole response of a gateway.
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// The complete body.
    pub body: Bytes,
    /// The gateway's clock from its `Date` header.
    pub date: Option<Timestamp>,
    /// How long the gateway asks to wait.
    pub retry_after: Option<Duration>,
    /// The target of a redirect, without query and user information.
    pub location: Option<String>,
}

impl Transport {
    /// Creates the connections of one worker.
    pub fn new(settings: &GatewaySettings, tls: Arc<rustls::ClientConfig>) -> Self {
        let options =
            Options { connect_timeout: settings.connect_timeout, idle: IDLE, probation: settings.reuse_after };
        let client = HttpClient::new(options, Some(tls));
        Self { client, attempt_timeout: settings.attempt_timeout, max_body: settings.max_body }
    }

    /// Sends one request and reads the whole response, within the time of one attempt and the rest of the call's
    /// deadline.
    ///
    /// # Errors
    /// HTTP cannot carry the request, or there is no whole response, whatever its status.
    pub async fn send(
        &self,
        vendor: Vendor,
        request: SignedRequest,
        connection: ConnectionReuse,
        deadline: &Deadline,
    ) -> Result<Response, Error> {
        if let Some(flaw) = flaw(&request) {
            return Err(Error::local(vendor, Kind::NotSent, format!("the call cannot be sent: {flaw}")));
        }
        let time = self.attempt_timeout.min(deadline.left());
        let whole = tokio::time::timeout(time, self.exchange(request, connection)).await;
        let whole = whole.unwrap_or(Err(TransportFailure::NotInTime));
        whole.map_err(|failure| Error::transport(vendor, failure))
    }

    /// Whether an attempt took longer by our clock than the timers allow. Then the machine was suspended meanwhile, and
    /// the age of the response is unknown.
    pub fn is_overdue(&self, took: Duration) -> bool {
        took > self.attempt_timeout + TIMERS_ARE_LATE
    }

    /// Whether an attempt that is sent now has at least half the time of an attempt.
    pub fn has_time(&self, deadline: &Deadline) -> bool {
        deadline.left() >= self.attempt_timeout / 2
    }

    async fn exchange(
        &self,
        request: SignedRequest,
        connection: ConnectionReuse,
    ) -> Result<Response, TransportFailure> {
        let method = match request.http {
            HttpMethod::Post => Method::POST,
            HttpMethod::Get => Method::GET,
        };
        let post = self.client.request(method, &request.url, connection).map_err(of_client)?;
        let mut post = post
            .insert_header((USER_AGENT, http_client::USER_AGENT))
            .insert_header((ACCEPT, "application/json"))
            .insert_header((ACCEPT_ENCODING, body::ACCEPTED));
        if let Some(content_type) = request.content_type {
            post = post.insert_header((CONTENT_TYPE, content_type));
        }
        for (name, secret) in &request.headers {
            let mut value =
                HeaderValue::from_str(secret.expose_secret()).map_err(|_| TransportFailure::NotAnEnvelope)?;
            value.set_sensitive(true);
            post = post.insert_header((name.as_str(), value));
        }
        for header in traces::outgoing() {
            post = post.insert_header(header);
        }
        let mut response = post.send_body(request.body).await.map_err(|error| of_client(error.into()))?;
        let mut body = IncomingBody::behind(response.headers(), self.max_body)?;
        while let Some(chunk) = response.next().await {
            for piece in chunk.map_err(|error| of_client(error.into()))?.chunks(PIECE) {
                // Other tasks get their turn after this much decompression.
                if body.take(piece)? >= LONG_WORK {
                    tokio::task::yield_now().await;
                }
            }
        }
        let (status, headers) = (response.status(), response.headers());
        let body = body.finish(status.is_success())?;
        let location = status.is_redirection().then(|| location(headers)).flatten();
        Ok(Response { status: status.as_u16(), date: date(headers), retry_after: retry_after(headers), location, body })
    }
}

/// The part of a request that HTTP cannot carry, without its value.
fn flaw(request: &SignedRequest) -> Option<String> {
    if request.url.parse::<Uri>().is_err() {
        return Some("its address and path are no URL".to_owned());
    }
    request.headers.iter().find_map(|(name, value)| {
        let value = value.expose_secret();
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Some(format!("{name:?} is no name of a header"));
        }
        if value.contains(['\r', '\n']) {
            return Some(format!("header {name} has a line break"));
        }
        HeaderValue::from_str(value).err().map(|_| format!("header {name} has a control character"))
    })
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// The target of a redirect. The query may be the call, and user information a password, so both are removed.
fn location(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(LOCATION)?.to_str().ok()?;
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("//").unwrap_or(("", text));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let slashes = if text.contains("//") && !text.starts_with('/') { "//" } else { "" };
    Some(if slashes.is_empty() { text.to_owned() } else { format!("{scheme}{slashes}{host}{path}") })
}

/// Reads `Retry-After`: seconds, or a date that is compared with the gateway's own (RFC 9110 §10.2.3). An unreadable
/// value still asks to wait.
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

fn of_client(failure: RequestFailure) -> TransportFailure {
    match failure {
        RequestFailure::NameNotResolved => TransportFailure::NameNotResolved,
        RequestFailure::ConnectionRefused | RequestFailure::BadAddress => TransportFailure::ConnectionRefused,
        RequestFailure::NoConnectionInTime => TransportFailure::NoConnectionInTime,
        RequestFailure::TlsFailed => TransportFailure::TlsFailed,
        RequestFailure::StaleConnection => TransportFailure::StaleConnection,
        RequestFailure::Closed => TransportFailure::Closed,
        RequestFailure::Reset => TransportFailure::Reset,
        RequestFailure::Malformed => TransportFailure::MalformedHttp,
        RequestFailure::CutShort => TransportFailure::CutShort,
        RequestFailure::BrokeOff => TransportFailure::BrokeOff,
        RequestFailure::TooLarge => TransportFailure::TooLarge,
        RequestFailure::NotInTime => TransportFailure::NotInTime,
    }
}
