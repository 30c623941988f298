//! Request validation: refuses requests that two readers could understand differently, by host, target or framing.
//!
//! The framework's parser refuses most ambiguous requests (two lengths, a length beside chunks, folded lines, control
//! bytes), and `server/framing.rs` refuses bare LF and `#`. This module checks the rest.

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE};

use super::host::{self, Host};
use super::problem::Problem;
use super::problem_type::ProblemType;

/// The largest ignored body, in bytes, of a request that needs none. Some clients send `{}`.
const IDLE_BODY: u64 = 1024;

/// Passes an unambiguous request.
///
/// # Errors
/// Returns 400, 413, 417 or 421.
pub fn check(request: &ServiceRequest, served: &[Host]) -> Result<(), Problem> {
    let host = host::check(request, served)?;
    check_target(request, host)?;
    check_expectation(request)?;
    check_framing(request)
}

/// Accepts a path, or a whole URL for the same host (RFC 9112 §3.2). `CONNECT` has neither, and there are no tunnels
/// here.
fn check_target(request: &ServiceRequest, host: Option<&str>) -> Result<(), Problem> {
    let target = request.uri();
    let is_path = target.path().starts_with('/') || (target.path() == "*" && request.method() == Method::OPTIONS);
    let is_fitting = match (target.scheme_str(), target.authority()) {
        (None, None) => true,
        (Some("http" | "https"), Some(named)) => host.is_none_or(|host| named.as_str().eq_ignore_ascii_case(host)),
        _ => false,
    };
    if is_path && is_fitting && request.method() != Method::CONNECT {
        return Ok(());
    }
    Err(bad("The request target is neither a path nor a URL of the host that `Host` names."))
}

/// Accepts the only standard expectation (RFC 9110 §10.1.1), which the framework implements.
fn check_expectation(request: &ServiceRequest) -> Result<(), Problem> {
    let mut expected = request.headers().get_all(EXPECT);
    let is_known = expected.all(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue"));
    if is_known { Ok(()) } else { Err(Problem::of(ProblemType::ExpectationFailed)) }
}

/// Refuses WebSocket requests with a body: the framework would read it up to the connection's end, whatever its length
/// is.
fn check_framing(request: &ServiceRequest) -> Result<(), Problem> {
    let headers = request.headers();
    if headers.get_all(UPGRADE).any(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        return Err(bad("There are no WebSockets here. Send the request without `Upgrade`."));
    }
    if request.method() == Method::POST {
        return Ok(());
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.trim().parse::<u64>().ok());
    if headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length > IDLE_BODY) {
        let detail = "This method takes no body. Send the request without one.";
        return Err(Problem::new(ProblemType::PayloadTooLarge, detail));
    }
    Ok(())
}

fn bad(detail: &str) -> Problem {
    Problem::new(ProblemType::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::check;
    use actix_web::http::{Method, Uri};
    use actix_web::test::TestRequest;

    fn status(method: &str, target: &str, headers: &[(&'static str, &str)]) -> u16 {
        let method: Method = method.parse().unwrap();
        let mut request = TestRequest::default().method(method).insert_header(("host", "a:1"));
        for header in headers {
            request = request.insert_header(*header);
        }
        let mut request = request.to_srv_request();
        request.head_mut().uri = target.parse::<Uri>().unwrap();
        check(&request, &[]).err().map_or(200, |problem| problem.kind.status())
    }

    #[test]
    fn a_target_is_a_path_or_a_url_of_the_same_host() {
        for target in ["/", "/stores?a=b", "http://a:1/stores", "https://A:1/", "http://a:1"] {
            assert_eq!(status("GET", target, &[]), 200, "{target}");
        }
        for target in ["http://b/stores", "http://a/", "http://u@a:1/", "a:1", "*", "ftp://a:1/", "stores"] {
            assert_eq!(status("GET", target, &[]), 400, "{target}");
        }
        assert_eq!(status("OPTIONS", "*", &[]), 200);
        assert_eq!(status("CONNECT", "a:1", &[]), 400);
        assert_eq!(status("CONNECT", "/stores", &[]), 400);
    }

    #[test]
    fn a_body_that_nobody_reads_is_small() {
        for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
            assert_eq!(status(method, "/", &[("content-length", "1024")]), 200);
            assert_eq!(status(method, "/", &[("content-length", "1025")]), 413);
            assert_eq!(status(method, "/", &[("transfer-encoding", "chunked")]), 413);
        }
        assert_eq!(status("POST", "/", &[("content-length", "1025")]), 200);
        assert_eq!(status("POST", "/", &[("transfer-encoding", "chunked")]), 200);
    }

    #[test]
    fn only_100_continue_may_be_expected() {
        for met in ["100-continue", "100-Continue", " 100-continue "] {
            assert_eq!(status("POST", "/", &[("expect", met)]), 200, "{met}");
        }
        for unmet in ["200-ok", "", "100-continue, x=1", "100-continu", "x=\"100-continue\""] {
            assert_eq!(status("GET", "/", &[("expect", unmet)]), 417, "{unmet}");
        }
    }

    #[test]
    fn no_websocket_is_opened() {
        assert_eq!(status("GET", "/", &[("upgrade", "WebSocket")]), 400);
        assert_eq!(status("GET", "/", &[("upgrade", "h2c")]), 200);
    }
}
