//! The bearer token as it comes in a request (RFC 6750 §2.1), and the challenges of answers that refuse one (§3).

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::REALM;
use super::verify::{TokenError, claimed_client};
use crate::http::audit;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// The token of the one `Authorization` header. With two of them, who asks would depend on who reads.
pub(super) fn bearer_token(request: &HttpRequest) -> Result<&str, Problem> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or_else(no_token)?;
    if headers.next().is_some() {
        return Err(malformed_request("There is more than one Authorization header"));
    }
    let header = header.to_str().map_err(|_| malformed_request("The Authorization header cannot be read"))?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(no_token());
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || memchr::memchr3(b' ', b',', b'\t', token.as_bytes()).is_some() {
        return Err(malformed_request("The Authorization header does not hold exactly one token"));
    }
    Ok(token)
}

/// RFC 6750 §3.1: without a token there is no error code, since the client may not have known that it needs one.
fn no_token() -> Problem {
    challenged(ProblemType::InvalidToken, "No bearer token was sent", "")
}

/// RFC 6750 §3.1 counts a malformed token as an invalid one, which is 401; its `invalid_request` would be 400.
fn malformed_request(what: &str) -> Problem {
    let parameters = format!(", error=\"invalid_token\", error_description=\"{what}\"");
    challenged(ProblemType::InvalidToken, what, &parameters)
}

pub(super) fn refused_token(request: &HttpRequest, error: TokenError) -> Problem {
    let claimed = bearer_token(request).ok().and_then(claimed_client);
    // Nothing of the token is in these words.
    audit::token_refused(request, claimed.as_deref(), &error.to_string());
    if error == TokenError::KeysUnavailable {
        // The token may be good: who is told 401 would throw it away.
        return Problem::new(
            ProblemType::IssuerUnavailable,
            format!("{error}. {}", ProblemType::IssuerUnavailable.remedy()),
        )
        .with_header(RETRY_AFTER, HeaderValue::from_static("30"));
    }
    let what = error.to_string();
    let parameters = format!(", error=\"invalid_token\", error_description=\"{what}\"");
    challenged(ProblemType::InvalidToken, &what, &parameters)
}

pub(super) fn missing_scope(scope: &str) -> Problem {
    let parameters = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
    challenged(ProblemType::InsufficientScope, &format!("The token does not hold the scope {scope}"), &parameters)
}

/// The error with its challenge (RFC 6750 §3).
pub(super) fn challenged(kind: ProblemType, what: &str, parameters: &str) -> Problem {
    let problem = Problem::new(kind, format!("{what}. {}", kind.remedy()));
    // Everything in it is text of this program, and ASCII.
    match HeaderValue::try_from(format!("Bearer realm=\"{REALM}\"{parameters}")) {
        Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
    }
}
