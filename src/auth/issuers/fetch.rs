//! Fetches one small JSON document over HTTP. It follows no redirect, reads nothing large, and does not wait long.

use std::sync::Arc;
use std::time::Duration;

use awc::http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, USER_AGENT};
use awc::http::{Method, StatusCode};
use bytes::Bytes;
use rustls::ClientConfig;

use super::key_url::KeyUrl;
use crate::http_client::{self, ConnectionReuse, HttpClient, Options, RequestFailure};

/// The longest time for one document, to its last byte. A fetch has at most three documents.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest time for a whole fetch.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(9);

/// The largest document in bytes. Key sets have a few KiB.
const MAXIMUM_BYTES: usize = 256 << 10;

const UNCOMPRESSED: &str = "identity";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a document could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// There was no connection, or it ended before the response.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(RequestFailure),
    /// The response is malformed or incomplete.
    #[error("the provider's answer cannot be read: {0}")]
    Unreadable(RequestFailure),
    /// The response was not complete in time.
    #[error("the provider did not answer within {} s", DOCUMENT_TIMEOUT.as_secs())]
    NotInTime,
    /// The status is not 200; redirects count, too.
    #[error("the provider answered with status {0}; redirects are not followed")]
    Status(u16),
    /// The document is too large.
    #[error("the provider's answer is larger than {} KiB", MAXIMUM_BYTES >> 10)]
    TooLarge,
    /// The response is compressed although that was not requested.
    #[error("the provider's answer is compressed, which was not asked for")]
    Compressed,
}

impl FetchError {
    /// Returns the name in metrics.
    pub(super) const fn outcome(self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Unreadable(_) => "unreadable",
            Self::NotInTime => "timeout",
            Self::Status(_) => "http_status",
            Self::TooLarge => "too_large",
            Self::Compressed => "compressed",
        }
    }
}

impl From<RequestFailure> for FetchError {
    fn from(failure: RequestFailure) -> Self {
        match failure {
            RequestFailure::TooLarge => Self::TooLarge,
            RequestFailure::NotInTime => Self::NotInTime,
            RequestFailure::Malformed | RequestFailure::CutShort | RequestFailure::BrokeOff => {
                Self::Unreadable(failure)
            }
            _ => Self::Unreachable(failure),
        }
    }
}

/// A document, with its freshness by `Cache-Control`.
pub(super) struct IssuerDocument {
    pub(super) body: Bytes,
    pub(super) max_age: Option<Duration>,
}

/// The connections to one provider. They belong to one thread.
pub(super) struct Fetcher(HttpClient);

impl Fetcher {
    pub(super) fn new(tls: Arc<ClientConfig>) -> Self {
        // Keys are fetched every few minutes, so an idle connection would be found closed each time.
        let options = Options { connect_timeout: DOCUMENT_TIMEOUT, idle: Duration::ZERO, probation: Duration::ZERO };
        Self(HttpClient::new(options, Some(tls)))
    }

    pub(super) async fn get(&self, address: &KeyUrl) -> Result<IssuerDocument, FetchError> {
        let whole = tokio::time::timeout(DOCUMENT_TIMEOUT, self.exchange(address)).await;
        whole.unwrap_or(Err(FetchError::NotInTime))
    }

    async fn exchange(&self, address: &KeyUrl) -> Result<IssuerDocument, FetchError> {
        // A compressed document would be inflated before its size is known: a kilobyte to hundreds of megabytes.
        let request = self.0.request(Method::GET, &address.to_string(), ConnectionReuse::New)?.force_close();
        let request = request
            .insert_header((USER_AGENT, http_client::USER_AGENT))
            .insert_header((ACCEPT, "application/json"))
            .insert_header((ACCEPT_ENCODING, UNCOMPRESSED));
        let mut response = request.send().await.map_err(RequestFailure::from)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        if is_compressed(response.headers()) {
            return Err(FetchError::Compressed);
        }
        let body = response.body().limit(MAXIMUM_BYTES).await.map_err(RequestFailure::from)?;
        let marked = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(IssuerDocument { body: body.slice(marked..), max_age: max_age(response.headers()) })
    }
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(UNCOMPRESSED.as_bytes()))
}

/// Reads `max-age` (RFC 9111 §5.2.2.1). With `no-store` or `no-cache` beside it, it does not state how long the keys
/// are valid.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(CACHE_CONTROL)?.to_str().ok()?.to_ascii_lowercase();
    let mut directives = text.split(',').map(str::trim);
    if directives.clone().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return None;
    }
    let seconds = directives.find_map(|directive| directive.strip_prefix("max-age="))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::{CACHE_CONTROL, HeaderMap, max_age};
    use awc::http::header::HeaderValue;
    use std::time::Duration;

    #[test]
    fn how_long_keys_are_good_is_read_from_cache_control() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(text));
            max_age(&headers)
        };
        assert_eq!(read("public, max-age=3600"), Some(Duration::from_secs(3600)));
        assert_eq!(read("Max-Age=\"60\""), Some(Duration::from_secs(60)));
        for silent in ["no-store", "no-cache, max-age=60", "max-age=-1", "max-age=soon", "s-maxage=60", ""] {
            assert_eq!(read(silent), None, "{silent}");
        }
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
