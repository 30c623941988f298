//! The token endpoints, each in its own file: issue (`token`), revoke (`revocation`), introspect (`introspection`), and
//! public documents (`published`). Their errors have the form that OAuth clients read, not that of the resources.

mod introspection;
mod published;
mod revocation;
mod token;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError, web};
use utoipa::{IntoResponses, OpenApi};

use super::jwk::{Jwk, JwkSet};
use super::oauth_error::{OAuthError, OAuthErrorCode};
use super::token_form::TokenForm;
use super::token_request::TokenRequest;
use super::{Auth, CurrentAuth, REALM, oauth_form};
use crate::http::methods;
use crate::http::problem::{Problem, whole_seconds};
use crate::http::problem_type::ProblemType;
use introspection::{__path_introspect_token, IntrospectionDocument, introspect_token};
use published::{
    __path_read_authorization_server_metadata, __path_read_jwks, AuthorizationServerMetadata,
    read_authorization_server_metadata, read_jwks, read_metadata_of_path,
};
use revocation::{__path_revoke_token, revoke_token};
use token::{__path_issue_token, TokenAnswer, issue_token};

/// The path of the token endpoint.
pub const TOKEN_PATH: &str = "/oauth/token";
/// The path of the revocation endpoint.
pub const REVOCATION_PATH: &str = "/oauth/revoke";
/// The path of the introspection endpoint.
pub const INTROSPECTION_PATH: &str = "/oauth/introspect";
/// The path of the public keys.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// The path of the server's metadata.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// Registers the endpoints. Forms may contain tokens of up to `largest_token` bytes.
pub fn configure(config: &mut web::ServiceConfig, largest_token: usize) {
    let most = oauth_form::maximum_bytes(largest_token);
    let form = |path: &str, name: &str| web::resource(path).name(name).app_data(web::PayloadConfig::new(most));
    let tokens = form(TOKEN_PATH, "token").route(web::post().to(issue_token));
    let revocation = form(REVOCATION_PATH, "revocation").route(web::post().to(revoke_token));
    let introspection = form(INTROSPECTION_PATH, "introspection").route(web::post().to(introspect_token));
    let keys = web::resource(JWKS_PATH).name("jwks").route(methods::read().to(read_jwks));
    let of_path = web::resource(format!("{METADATA_PATH}/{{issuer:.+}}")).name("metadata");
    let of_path = of_path.route(methods::read().to(read_metadata_of_path));
    let metadata =
        web::resource(METADATA_PATH).name("metadata").route(methods::read().to(read_authorization_server_metadata));
    config
        .service(methods::allow_only(tokens, methods::POST))
        .service(methods::allow_only(revocation, methods::POST))
        .service(methods::allow_only(introspection, methods::POST))
        .service(methods::allow_only(keys, methods::READ))
        .service(methods::allow_only(metadata, methods::READ))
        .service(methods::allow_only(of_path, methods::READ));
}

/// The part of the API document that describes these paths.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(issue_token, revoke_token, introspect_token, read_jwks, read_authorization_server_metadata),
    components(schemas(
        TokenRequest, TokenAnswer, TokenForm, IntrospectionDocument, OAuthError, OAuthErrorCode, JwkSet, Jwk,
        AuthorizationServerMetadata,
    )),
    tags((name = "Tokens", description = "Get an access token, and what is needed to check one.")),
)]
pub struct TokenApi;

/// The errors that every path under `/oauth` may return for a form.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document; `OAuthError` is what is written")]
enum FormErrors {
    /// The request is malformed.
    #[response(status = 400, content_type = "application/json",
        example = json!({ "error": "invalid_request", "error_description": "The parameter token is missing" }))]
    Malformed(OAuthError),
    /// The client is unknown, or its secret is wrong or missing.
    #[response(status = 401, content_type = "application/json",
        headers(("WWW-Authenticate" = String, description = "`Basic realm=\"storegate\"`")),
        example = json!({ "error": "invalid_client", "error_description": "The client id or the client secret is wrong" }))]
    UnknownClient(OAuthError),
    /// The form is too large.
    #[response(status = 413, content_type = "application/json",
        example = json!({ "error": "invalid_request", "error_description": "The form is too large; send only what the path takes" }))]
    TooLarge(OAuthError),
    /// There were too many wrong secrets, from this address or about this client.
    #[response(status = 429, content_type = "application/json", headers(("Retry-After" = String, description = "Seconds to wait.")),
        example = json!({ "error": "slow_down", "error_description": "There were too many wrong client secrets; wait as long as Retry-After says" }))]
    RateLimited(OAuthError),
    /// It cannot be done now.
    #[response(status = 503, content_type = "application/json",
        headers(("Retry-After" = String, description = "Seconds to wait.")),
        example = json!({ "error": "temporarily_unavailable", "error_description": "This cannot be done now; try again in a moment" }))]
    Unavailable(OAuthError),
}

/// Starts a response that no cache may store, neither for a token nor for a refusal (RFC 6749 §5.1).
fn unstored(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
    response
}

/// Returns what issues tokens, or 404 if the service issues none, because the path does not exist then.
fn issuing(auth: &CurrentAuth) -> Result<Arc<Auth>, Problem> {
    let detail =
        "This service issues no tokens. Get one from the identity provider of your company, or send an API key.";
    let auth = auth.get();
    auth.issuer().is_some().then_some(auth).ok_or_else(|| Problem::new(ProblemType::NotFound, detail))
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::BAD_REQUEST)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = unstored(self.status_code());
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, format!("Basic realm=\"{REALM}\"")));
        }
        if let Some(wait) = self.retry_after {
            response.insert_header((RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        response.json(self)
    }
}

#[cfg(test)]
mod tests;
