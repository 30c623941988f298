//! The id of a request: the caller's own `X-Request-Id` when it is harmless, else a new one.

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// The header that carries it, both ways.
pub const HEADER: &str = "x-request-id";

const LONGEST: usize = 128;

/// The id for a request with these headers.
pub fn of(headers: &HeaderMap) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_harmless(id));
    given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// What cannot break a line of a log or a header.
fn is_harmless(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{HEADER, LONGEST, of};
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn id(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(HEADER), HeaderValue::from_str(given).unwrap());
        of(&headers)
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
