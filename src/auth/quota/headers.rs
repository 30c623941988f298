//! The rate-limit status as callers see it: in the headers of a response, and in the problem `quota-exceeded`.

use crate::auth::rate::{Exhausted, Rate, RateLimitStatus};
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::http::rate_limit::RateLimit;

/// Returns the status in the headers of a request that was counted with `cost`.
pub fn rate_limit(rate: Rate, cost: u32, counted: Result<RateLimitStatus, Exhausted>) -> RateLimit {
    let (left, more_in) = match counted {
        Ok(RateLimitStatus { left, more_in, .. }) => (left, more_in),
        Err(Exhausted { left, retry_after }) => (left, retry_after),
    };
    RateLimit { count: rate.count(), per: rate.per(), cost, left, more_in }
}

/// Builds the problem for a caller who has less of its quota left than a request costs.
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

/// Builds the problem for a request that costs more than the quota ever has, so that waiting does not help.
pub fn never_fits(rate: Rate, cost: u32) -> Problem {
    let (count, seconds) = (rate.count(), rate.per().as_secs());
    let detail = format!(
        "This request costs {cost}, and this client's whole quota is {count} in {seconds} s. Ask for at most {count} things at once."
    );
    Problem::new(ProblemType::QuotaExceeded, detail)
}

#[cfg(test)]
mod tests {
    use super::{exceeded, never_fits, rate_limit};
    use crate::auth::rate::{Consumed, Exhausted, Rate};
    use crate::clock::Clock;
    use crate::http::client_address::TrustedProxies;
    use crate::http::edge::{self, Edge};
    use crate::http::exchange::Exchange;
    use crate::http::public_url::PublicUrl;
    use actix_web::dev::Service as _;
    use actix_web::http::header::HeaderMap;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpRequest, HttpResponse, middleware, web};
    use std::future::pending;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn on_a_refusal_both_headers_say_the_same_and_never_too_early() {
        let rate = Rate::new(7, Duration::from_secs(60));
        for (nanos, seconds) in [(1, 1), (999_999_999, 1), (1_000_000_000, 1), (1_000_000_001, 2), (8_571_428_571, 9)] {
            let exhausted = Exhausted { left: 0, retry_after: Duration::from_nanos(nanos) };
            let mut headers = HeaderMap::new();
            rate_limit(rate, 1, Err(exhausted)).write(&mut headers);
            let (_, wait) = exceeded(rate, 1, exhausted).headers.first().cloned().unwrap();
            assert_eq!(wait, seconds.to_string());
            assert_eq!(headers.get("ratelimit").unwrap(), format!("\"default\";r=0;t={seconds}").as_str());
        }
    }

    #[test]
    fn a_request_for_several_things_states_its_cost() {
        let rate = Rate::new(7, Duration::from_secs(60));
        let exhausted = Exhausted { left: 3, retry_after: Duration::from_secs(9) };
        let mut headers = HeaderMap::new();
        rate_limit(rate, 4, Err(exhausted)).write(&mut headers);
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
                && never.headers.is_empty()
        );
    }

    fn count(request: &HttpRequest) {
        let rate = Rate::new(6, Duration::from_secs(60));
        let counted = rate.take(&mut Consumed::default(), Duration::ZERO);
        Exchange::of(request).note_rate_limit(rate_limit(rate, 1, counted));
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
    async fn a_counted_request_states_the_rate_limit_whatever_its_outcome_and_another_does_not() {
        let request_timeout = Duration::from_millis(50);
        let edge = Edge {
            clock: Clock::system(),
            request_timeout,
            hosts: Vec::new(),
            cors: None,
            public_url: PublicUrl::default(),
            stopping: Arc::default(),
            traces: None,
            trusted_proxies: TrustedProxies::default(),
            largest_head: 16 << 10,
        };
        let app = App::new()
            .app_data(web::Data::new(edge))
            .wrap(middleware::from_fn(edge::pass))
            .route("/panicking", web::get().to(panicking))
            .route("/endless", web::to(endless))
            .route("/counted", web::get().to(counted))
            .route("/uncounted", web::get().to(HttpResponse::Ok));
        let service = init_service(app).await;
        let rate_limit = Some("\"default\";r=5;t=10");
        for (request, status, expected) in [
            (TestRequest::get().uri("/panicking"), 500, rate_limit),
            (TestRequest::get().uri("/endless"), 504, rate_limit),
            (TestRequest::post().uri("/endless"), 408, rate_limit),
            (TestRequest::get().uri("/counted"), 200, rate_limit),
            (TestRequest::get().uri("/uncounted"), 200, None),
        ] {
            let outcome = service.call(request.insert_header(("host", "a")).to_request()).await;
            let head = outcome.map_or_else(|error| error.error_response(), |response| response.into_parts().1);
            assert_eq!(head.status().as_u16(), status);
            assert_eq!(head.headers().get("ratelimit").map(|value| value.to_str().unwrap()), expected, "{status}");
        }
    }
}
