//! The bearer token of a request (RFC 6750 §2.1), and the challenges of responses that refuse one (§3).

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::REALM;
use super::verify::{TokenError, claimed_client};
use crate::http::audit;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// Returns the token of the only `Authorization` header. With two of them, two readers could identify different
/// callers.
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

/// Builds the refusal of a request without a token. It has no error code, since the client may not have known that it
/// needs a token (RFC 6750 §3.1).
fn no_token() -> Problem {
    challenged(ProblemType::InvalidToken, "No bearer token was sent", "")
}

/// Builds the refusal of a malformed token. RFC 6750 §3.1 counts it as an invalid token, which is 401; its
/// `invalid_request` would be 400.
fn malformed_request(what: &str) -> Problem {
    let parameters = format!(", error=\"invalid_token\", error_description=\"{what}\"");
    challenged(ProblemType::InvalidToken, what, &parameters)
}

pub(super) fn refused_token(request: &HttpRequest, error: TokenError) -> Problem {
    let claimed = bearer_token(request).ok().and_then(claimed_client);
    // The reason contains nothing of the token.
    audit::token_refused(request, claimed.as_deref(), &error.to_string());
    if error == TokenError::KeysUnavailable {
        // The token may be valid: a client that gets 401 would discard it.
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

/// Builds a problem with its challenge (RFC 6750 §3).
pub(super) fn challenged(kind: ProblemType, what: &str, parameters: &str) -> Problem {
    let problem = Problem::new(kind, format!("{what}. {}", kind.remedy()));
    // All parts are ASCII texts of this program.
    match HeaderValue::try_from(format!("Bearer realm=\"{REALM}\"{parameters}")) {
        Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
    }
}
