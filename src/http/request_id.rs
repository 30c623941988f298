//! The request id: the client's own `X-Request-Id` if it is harmless, else a new one.

use std::ops::Deref;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use crate::clock::Clock;

/// The header of the request id in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// An id that is valid in a header, a log line and a document.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Returns the id as a header value.
    pub const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        // The id consists of ASCII characters only.
        self.0.to_str().unwrap_or_default()
    }
}

/// Returns the id of a request with these headers.
pub fn of(headers: &HeaderMap, clock: &Clock) -> RequestId {
    let given = headers.get(HEADER).filter(|value| value.to_str().is_ok_and(is_harmless));
    RequestId(given.cloned().unwrap_or_else(|| new(clock)))
}

/// Creates an id (a UUID of version 7). It identifies requests and protects nothing, so fast randomness is sufficient.
fn new(clock: &Clock) -> HeaderValue {
    let milliseconds = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
    let mut text = Uuid::encode_buffer();
    // Digits and hyphens are always a valid header value.
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("-"))
}

/// Creates an id for a request whose headers were not read.
pub fn fresh() -> RequestId {
    RequestId(HeaderValue::try_from(Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("-")))
}

/// Whether the id cannot break a log line or a header.
fn is_harmless(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{HEADER, LONGEST, of};
    use crate::clock::Clock;
    use actix_web::http::header::{HeaderMap, HeaderValue};

    fn id(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(given).unwrap());
        of(&headers, &Clock::system()).to_string()
    }

    #[test]
    fn a_harmless_id_is_used_and_any_other_replaced() {
        assert_eq!(id("build-7.3:a_b"), "build-7.3:a_b");
        for given in ["", "a b", "a\"b", &"x".repeat(LONGEST + 1)] {
            assert_ne!(id(given), given);
            assert_eq!(id(given).len(), 36);
        }
    }
}
