//! The only HTTP client: calls to vendors' gateways, issuers' keys, trace export, health checks. It connects
//! ([`connect`]), pools connections ([`pool`]) and decides where a response ends ([`framing`]), and gives the client
//! library awc one well-formed response per connection. HTTP/1.1 only, no redirects.

pub mod connect;
mod connector;
mod failure;
pub mod framing;
pub mod loopback;
mod pool;
mod pooled_connection;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use awc::http::header::{HOST, HeaderValue};
use awc::http::uri::{Authority, Scheme};
use awc::http::{Method, Uri};
use awc::{Client, ClientRequest};
use rustls::ClientConfig;

use connector::Connector;
use pool::Pool;

use crate::settings::http_url;

pub use failure::RequestFailure;

/// The `User-Agent` of each request.
pub const USER_AGENT: &str = concat!("storegate/", env!("CARGO_PKG_VERSION"));

/// Longer than any request takes: each user sets a deadline of its own around the whole request.
const NO_TIMEOUT: Duration = Duration::from_secs(24 * 3_600);

/// Which connection a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionReuse {
    /// A connection from the pool or a new one.
    Any,
    /// A new connection.
    New,
}

/// How connections are made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The longest time to resolve and connect, and again for TLS.
    pub connect_timeout: Duration,
    /// How long a connection may be idle before its next request; zero for one request per connection.
    pub idle: Duration,
    /// How long the first connections to a server must stay quiet after a response before any is reused sooner.
    pub probation: Duration,
}

/// The connections of one thread to servers.
#[derive(Clone)]
pub struct HttpClient {
    plain: ClientKey,
    tls: Option<ClientKey>,
}

#[derive(Clone)]
struct ClientKey {
    any: Client,
    new: Client,
}

impl ClientKey {
    fn new(options: Options, tls: Option<&Arc<ClientConfig>>, pool: &Pool) -> Self {
        let client = |reuses| {
            let connector = Connector { tls: tls.cloned(), reuses, pool: pool.clone(), time: options.connect_timeout };
            let connector = awc::Connector::new().connector(connector).timeout(NO_TIMEOUT).limit(0);
            Client::builder().connector(connector).disable_redirects().disable_timeout().finish()
        };
        Self { any: client(true), new: client(false) }
    }
}

impl HttpClient {
    /// Creates a client for one thread. Without a TLS configuration it can only call `http://`.
    pub fn new(options: Options, tls: Option<Arc<ClientConfig>>) -> Self {
        let pool = Pool::new(options);
        let tls = tls.map(|tls| ClientKey::new(options, Some(&tls), &pool));
        Self { plain: ClientKey::new(options, None, &pool), tls }
    }

    /// Builds a request to this URL. Sending it and reading its response fail with errors from which a
    /// [`RequestFailure`] is made. Bodies are not decompressed.
    ///
    /// # Errors
    /// Returns an error if the URL cannot be called.
    pub fn request(
        &self,
        method: Method,
        url: &str,
        connection: ConnectionReuse,
    ) -> Result<ClientRequest, RequestFailure> {
        let uri = http_url::parse(url).map_err(|_| RequestFailure::BadAddress)?;
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let way = if is_https { self.tls.as_ref().ok_or(RequestFailure::TlsFailed)? } else { &self.plain };
        let authority = uri.authority().ok_or(RequestFailure::BadAddress)?;
        let host = host(authority, if is_https { 443 } else { 80 }).ok_or(RequestFailure::BadAddress)?;
        let client = match connection {
            ConnectionReuse::Any => &way.any,
            ConnectionReuse::New => &way.new,
        };
        let uri = as_plain(uri).ok_or(RequestFailure::BadAddress)?;
        Ok(client.request(method, uri).insert_header((HOST, host)).no_decompress())
    }
}

/// Returns the `Host` field, without the scheme's default port.
fn host(authority: &Authority, usual: u16) -> Option<HeaderValue> {
    let is_usual = http_url::port(authority, usual)? == usual;
    let host = if is_usual { authority.host() } else { authority.as_str() };
    HeaderValue::from_str(host).ok()
}

/// Replaces `https` by `http`: the connector does TLS, so that the client library sees the decrypted bytes.
fn as_plain(uri: Uri) -> Option<Uri> {
    let mut parts = uri.into_parts();
    match parts.scheme.replace(Scheme::HTTP) {
        Some(scheme) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => Uri::from_parts(parts).ok(),
        _ => None,
    }
}
