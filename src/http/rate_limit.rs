//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, as structured fields): the caller's
//! rate-limit status on every response to a request that was counted.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::problem::whole_seconds;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// The caller's rate-limit status after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The number of requests that the quota allows in its window.
    pub count: u32,
    /// The window.
    pub per: Duration,
    /// The number of requests that this one counts as.
    pub cost: u32,
    /// The number of requests that are left.
    pub left: u32,
    /// The time until more requests are available.
    pub more_in: Duration,
}

impl RateLimit {
    /// Returns the status after the counted request is returned to the quota.
    #[must_use]
    pub fn given_back(self) -> Self {
        Self { left: self.left.saturating_add(1).min(self.count), ..self }
    }

    /// Writes both headers. `t` is the time until more requests are available, not until all are
    /// (draft-ietf-httpapi-ratelimit-headers-10), so on a refusal it equals `Retry-After`.
    pub fn write(&self, headers: &mut HeaderMap) {
        let mut policy = format!("\"default\";q={};w={}", self.count, self.per.as_secs());
        if self.cost > 1 {
            policy += &format!(";storegate-cost={}", self.cost);
        }
        let standing = format!("\"default\";r={};t={}", self.left, whole_seconds(self.more_in));
        for (name, value) in [(POLICY, policy), (STANDING, standing)] {
            // Digits and names of this program are always a valid header value.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}
