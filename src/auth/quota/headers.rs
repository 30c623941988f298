//! What a caller sees of its quota: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, in the form
//! of structured fields) on every answer that was counted, and the problem `quota-exceeded` when it is spent.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};

use crate::auth::rate::{Exhausted, Rate, Standing};
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Left in a request's extensions by whoever counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    rate: Rate,
    left: u32,
    more_in: Duration,
}

impl From<Standing> for Counted {
    fn from(standing: Standing) -> Self {
        Self { rate: standing.rate, left: standing.left, more_in: standing.more_in }
    }
}

impl Counted {
    /// A request that was refused.
    pub const fn refused(rate: Rate, exhausted: Exhausted) -> Self {
        Self { rate, left: 0, more_in: exhausted.retry_after }
    }

    /// Writes both headers. `t` is when there will be more, not when there will be all of it (draft-ietf-httpapi-ratelimit-headers-10), so on a
    /// refusal it is what `Retry-After` says.
    pub fn write(&self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={}", self.rate.count(), self.rate.per().as_secs());
        let standing = format!("\"default\";r={};t={}", self.left, whole_seconds(self.more_in));
        for (name, value) in [(POLICY, policy), (STANDING, standing)] {
            // Digits and names of this program are always a header value.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// The problem of a caller whose quota is spent.
pub fn exceeded(rate: Rate, exhausted: Exhausted) -> Problem {
    let kind = ProblemType::QuotaExceeded;
    let detail =
        format!("This client may send {} requests in {} s. {}", rate.count(), rate.per().as_secs(), kind.remedy());
    Problem::new(kind, detail).retry_after(exhausted.retry_after)
}

/// The middleware that writes the headers, whatever became of the request after it was counted.
///
/// # Errors
/// What comes from below.
pub async fn announce<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let counted = response.request().extensions().get::<Counted>().copied();
    if let Some(counted) = counted {
        counted.write(response.headers_mut());
    }
    Ok(response)
}

/// Rounded up, so that whoever waits for it does not come too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
