//! The credential of a request, a bearer token (RFC 6750 §2.1) or an API key, and the challenges of responses that refuse
//! one (§3).

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::REALM;
use super::api_keys::ApiKeyError;
use super::secrets::API_KEY_PREFIX;
use super::verify::{TokenError, claimed_client};
use crate::http::audit;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// The header that carries an API key instead of `Authorization`.
pub const API_KEY_HEADER: &str = "x-api-key";

/// What a request is authenticated with.
pub(super) enum Credential<'a> {
    Token(&'a str),
    ApiKey(&'a str),
}

/// Returns the only credential of a request.
pub(super) fn credential(request: &HttpRequest) -> Result<Credential<'_>, Problem> {
    let mut keys = request.headers().get_all(API_KEY_HEADER);
    let Some(key) = keys.next() else {
        let token = bearer_token(request)?;
        return Ok(if token.starts_with(API_KEY_PREFIX) {
            Credential::ApiKey(token)
        } else {
            Credential::Token(token)
        });
    };
    if keys.next().is_some() || request.headers().contains_key(AUTHORIZATION) {
        return Err(malformed_request("There is more than one credential in Authorization and X-API-Key"));
    }
    match key.to_str() {
        Ok(key) if key.starts_with(API_KEY_PREFIX) => Ok(Credential::ApiKey(key)),
        _ => Err(malformed_request("The X-API-Key header does not hold an API key")),
    }
}

/// Builds the refusal of an API key.
pub(super) fn refused_api_key(request: &HttpRequest, error: ApiKeyError) -> Problem {
    let what = error.to_string();
    audit::token_refused(request, None, &what);
    if let ApiKeyError::RateLimited(wait) = error {
        let kind = ProblemType::TooManyWrongKeys;
        return Problem::new(kind, format!("{what}. {}", kind.remedy())).retry_after(wait);
    }
    let detail = format!("{what}. Ask whoever runs this service for another one.");
    let kind = if error == ApiKeyError::Expired { ProblemType::TokenExpired } else { ProblemType::InvalidToken };
    with_challenge(Problem::new(kind, detail), &invalid_token(&what))
}

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
    challenged(ProblemType::InvalidToken, what, &invalid_token(what))
}

fn invalid_token(what: &str) -> String {
    format!(", error=\"invalid_token\", error_description=\"{what}\"")
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
    let kind = if error == TokenError::Expired { ProblemType::TokenExpired } else { ProblemType::InvalidToken };
    challenged(kind, &what, &invalid_token(&what))
}

pub(super) fn missing_scope(scope: &str) -> Problem {
    let parameters = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
    challenged(ProblemType::InsufficientScope, &format!("The token does not hold the scope {scope}"), &parameters)
}

/// Builds a problem with its challenge (RFC 6750 §3).
pub(super) fn challenged(kind: ProblemType, what: &str, parameters: &str) -> Problem {
    with_challenge(Problem::new(kind, format!("{what}. {}", kind.remedy())), parameters)
}

fn with_challenge(problem: Problem, parameters: &str) -> Problem {
    // All parts are ASCII texts of this program.
    match HeaderValue::try_from(format!("Bearer realm=\"{REALM}\"{parameters}")) {
        Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
    }
}
