//! The id of a request: the caller's own `X-Request-Id` when it is harmless, else a new one.

use std::ops::Deref;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

use crate::clock::Clock;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 128;

/// An id that can stand in a header, a line of the log and a document.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// As a header.
    pub const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        // It holds nothing but ASCII.
        self.0.to_str().unwrap_or_default()
    }
}

/// The id for a request with these headers.
pub fn of(headers: &HeaderMap, clock: &Clock) -> RequestId {
    let given = headers.get(HEADER).filter(|value| value.to_str().is_ok_and(is_harmless));
    RequestId(given.cloned().unwrap_or_else(|| new(clock)))
}

/// A new id (a UUID of version 7). It tells requests apart and keeps no secret, so fast randomness will do.
fn new(clock: &Clock) -> HeaderValue {
    let milliseconds = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    let id = Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid();
    let mut text = Uuid::encode_buffer();
    // Digits and hyphens are always a header value.
    HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("-"))
}

/// A new id for a request whose headers nobody has read.
pub fn fresh() -> RequestId {
    RequestId(HeaderValue::try_from(Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("-")))
}

/// What cannot break a line of a log or a header.
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
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        assert_eq!(id("build-7.3:a_b"), "build-7.3:a_b");
        for given in ["", "a b", "a\"b", &"x".repeat(LONGEST + 1)] {
            assert_ne!(id(given), given);
            assert_eq!(id(given).len(), 36);
        }
    }
}
