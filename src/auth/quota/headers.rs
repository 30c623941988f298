//! What a caller sees of its quota: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers, in the form
//! of structured fields) on every answer that was counted, and the problem `quota-exceeded` when it is spent.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError};

use crate::auth::rate::{Exhausted, Rate, Standing};
use crate::http::problem::{Problem, whole_seconds};
use crate::http::problem_type::ProblemType;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Where the count of a request is left. It is shared, since a request that ends at its deadline is gone by then.
#[derive(Clone, Default)]
struct Slot(Rc<Cell<Option<Counted>>>);

/// How a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    rate: Rate,
    cost: u32,
    left: u32,
    more_in: Duration,
}

impl From<Standing> for Counted {
    fn from(standing: Standing) -> Self {
        Self { rate: standing.rate, cost: 1, left: standing.left, more_in: standing.more_in }
    }
}

impl Counted {
    /// A request that was refused.
    pub const fn refused(rate: Rate, exhausted: Exhausted) -> Self {
        Self { rate, cost: 1, left: exhausted.left, more_in: exhausted.retry_after }
    }

    /// The same of a request that costs so much.
    #[must_use]
    pub const fn costing(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    /// The same after the one that was taken has come back.
    #[must_use]
    pub fn given_back(self) -> Self {
        Self { left: self.left.saturating_add(1).min(self.rate.count()), ..self }
    }

    /// How the request was counted so far.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Slot>().and_then(|Slot(slot)| slot.get())
    }

    /// Leaves it for the headers of the answer.
    pub fn leave_at(self, request: &HttpRequest) {
        if let Some(Slot(slot)) = request.extensions().get::<Slot>() {
            slot.set(Some(self));
        }
    }

    /// Writes both headers. `t` is when there will be more, not when there will be all of it
    /// (draft-ietf-httpapi-ratelimit-headers-10), so on a
    /// refusal it is what `Retry-After` says.
    pub fn write(&self, headers: &mut HeaderMap) {
        let mut policy = format!("\"default\";q={};w={}", self.rate.count(), self.rate.per().as_secs());
        if self.cost > 1 {
            policy += &format!(";storegate-cost={}", self.cost);
        }
        let standing = format!("\"default\";r={};t={}", self.left, whole_seconds(self.more_in));
        for (name, value) in [(POLICY, policy), (STANDING, standing)] {
            // Digits and names of this program are always a header value.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// The problem of a caller who has less of its quota left than a request costs.
pub fn exceeded(rate: Rate, cost: u32, exhausted: Exhausted) -> Problem {
    let (kind, count, seconds) = (ProblemType::QuotaExceeded, rate.count(), rate.per().as_secs());
    let detail = if cost > 1 {
        let left = exhausted.left;
        format!("This request costs {cost}, and {left} are left of {count} in {seconds} s. {}", kind.remedy())
    } else {
        format!("This client may send {count} requests in {seconds} s. {}", kind.remedy())
    };
    Problem::new(kind, detail).retry_after(exhausted.retry_after)
}

/// The problem of a caller who asks for more at once than its quota ever has: waiting is no remedy.
pub fn never_fits(rate: Rate, cost: u32) -> Problem {
    let (count, seconds) = (rate.count(), rate.per().as_secs());
    let detail = format!(
        "This request costs {cost}, and this client's whole quota is {count} in {seconds} s. Ask for at most {count} things at once."
    );
    Problem::new(ProblemType::QuotaExceeded, detail)
}

/// The middleware that writes the headers, whatever became of the request after it was counted. It belongs around the
/// edge, which ends some requests with an error.
///
/// # Errors
/// What comes from below, with the headers.
pub async fn announce<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let outcome = next.call(request).await;
    let Some(counted) = slot.0.get() else { return outcome };
    match outcome {
        Ok(mut response) => {
            counted.write(response.headers_mut());
            Ok(response)
        }
        Err(error) => Err(Announced { error, counted }.into()),
    }
}

/// An error whose answer tells the count.
#[derive(Debug)]
struct Announced {
    error: Error,
    counted: Counted,
}

impl fmt::Display for Announced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl ResponseError for Announced {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.error_response();
        self.counted.write(response.headers_mut());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::{Counted, announce, exceeded, never_fits};
    use crate::auth::rate::{Exhausted, Rate, Spent};
    use crate::clock::Clock;
    use crate::http::client_address::AddressFinder;
    use crate::http::edge::{self, Edge};
    use crate::http::public_url::PublicUrl;
    use crate::http::stopping::Stopping;
    use crate::telemetry::traces::Traces;
    use actix_web::dev::Service as _;
    use actix_web::http::header::HeaderMap;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpRequest, HttpResponse, middleware, web};
    use std::future::pending;
    use std::time::Duration;

    #[test]
    fn on_a_refusal_both_headers_say_the_same_and_never_too_early() {
        let rate = Rate::new(7, Duration::from_secs(60));
        for (nanos, seconds) in [(1, 1), (999_999_999, 1), (1_000_000_000, 1), (1_000_000_001, 2), (8_571_428_571, 9)] {
            let exhausted = Exhausted { left: 0, retry_after: Duration::from_nanos(nanos) };
            let mut headers = HeaderMap::new();
            Counted::refused(rate, exhausted).write(&mut headers);
            let (_, wait) = exceeded(rate, 1, exhausted).headers().first().cloned().unwrap();
            assert_eq!(wait, seconds.to_string());
            assert_eq!(headers.get("ratelimit").unwrap(), format!("\"default\";r=0;t={seconds}").as_str());
        }
    }

    #[test]
    fn a_request_for_several_things_tells_what_it_costs() {
        let rate = Rate::new(7, Duration::from_secs(60));
        let exhausted = Exhausted { left: 3, retry_after: Duration::from_secs(9) };
        let mut headers = HeaderMap::new();
        Counted::refused(rate, exhausted).costing(4).write(&mut headers);
        assert_eq!(headers.get("ratelimit-policy").unwrap(), "\"default\";q=7;w=60;storegate-cost=4");
        assert_eq!(headers.get("ratelimit").unwrap(), "\"default\";r=3;t=9");
        assert!(
            exceeded(rate, 4, exhausted)
                .document(&PublicUrl::default(), "/", "r")
                .detail
                .starts_with("This request costs 4, and 3 are left of 7 in 60 s.")
        );
        let never = never_fits(rate, 8);
        assert!(
            never.document(&PublicUrl::default(), "/", "r").detail.ends_with("Ask for at most 7 things at once.")
                && never.headers().is_empty()
        );
    }

    fn count(request: &HttpRequest) {
        let rate = Rate::new(6, Duration::from_secs(60));
        let standing = rate.take(&mut Spent::default(), Duration::ZERO).unwrap();
        Counted::from(standing).leave_at(request);
    }

    async fn panicking(request: HttpRequest) -> HttpResponse {
        count(&request);
        panic!("a bomb in a test")
    }

    async fn endless(request: HttpRequest) -> HttpResponse {
        count(&request);
        pending().await
    }

    async fn counted(request: HttpRequest) -> HttpResponse {
        count(&request);
        HttpResponse::Ok().finish()
    }

    #[actix_web::test]
    async fn a_counted_request_tells_its_count_however_it_ends_and_another_tells_none() {
        let request_timeout = Duration::from_millis(50);
        let (stopping, hosts) = (Stopping::default(), Vec::new());
        let (traces, addresses) = (Traces::default(), AddressFinder::default());
        let edge = Edge {
            clock: Clock::system(),
            request_timeout,
            hosts,
            cors: None,
            public_url: PublicUrl::default(),
            stopping,
            traces,
            addresses,
            largest_head: 16 << 10,
        };
        let app = App::new()
            .app_data(web::Data::new(edge))
            .wrap(middleware::from_fn(edge::pass))
            .wrap(middleware::from_fn(announce))
            .route("/panicking", web::get().to(panicking))
            .route("/endless", web::to(endless))
            .route("/counted", web::get().to(counted))
            .route("/uncounted", web::get().to(HttpResponse::Ok));
        let service = init_service(app).await;
        let standing = Some("\"default\";r=5;t=10");
        for (request, status, told) in [
            (TestRequest::get().uri("/panicking"), 500, standing),
            (TestRequest::get().uri("/endless"), 504, standing),
            (TestRequest::post().uri("/endless"), 408, standing),
            (TestRequest::get().uri("/counted"), 200, standing),
            (TestRequest::get().uri("/uncounted"), 200, None),
        ] {
            let outcome = service.call(request.insert_header(("host", "a")).to_request()).await;
            let head = outcome.map_or_else(|error| error.error_response(), |response| response.into_parts().1);
            assert_eq!(head.status().as_u16(), status);
            assert_eq!(head.headers().get("ratelimit").map(|value| value.to_str().unwrap()), told, "{status}");
        }
    }
}
