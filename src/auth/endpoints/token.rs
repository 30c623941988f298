//! `POST /oauth/token`: issues a token for a client's id and secret (RFC 6749 §4.4).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{TOKEN_PATH, not_found, refusal, unstored};
use crate::auth::authentication::authenticate;
use crate::auth::clients::Client;
use crate::auth::issue::{IssuedToken, TokenGrant};
use crate::auth::oauth_error::OAuthError;
use crate::auth::token_request::{CLIENT_CREDENTIALS, TokenRequest};
use crate::auth::{Auth, CurrentAuth, oauth_form};

/// A new token (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenAnswer {
    /// The token, to be sent as `Authorization: Bearer …`.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYtMTEifQ.eyJpc3MiOiJodHRwcz…")]
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long the token lives, in seconds.
    #[schema(example = 900)]
    expires_in: u64,
    /// The scopes of the token, separated by spaces.
    #[schema(example = "stores:read flow:read")]
    scope: String,
}

/// Get an access token
///
/// Gives a token for the client's own id and secret (the client credentials grant of OAuth 2.0, RFC 6749 §4.4). The id and
/// the secret are sent with HTTP Basic or as `client_id` and `client_secret` in the form, not both. `scope` narrows the
/// token to some of the client's scopes. The token is good for `expires_in` seconds: use it for many requests, and get a
/// new one shortly before it ends. Errors have the form of OAuth (RFC 6749 §5.2).
#[utoipa::path(
    post,
    path = TOKEN_PATH,
    operation_id = "issue_token",
    tag = "Tokens",
    security(()),
    request_body(
        content = TokenRequest,
        content_type = "application/x-www-form-urlencoded",
        example = json!({
            "grant_type": "client_credentials", "scope": "stores:read flow:read",
            "client_id": "dashboard", "client_secret": "sgs_…",
        }),
    ),
    responses(
        (status = 200, description = "A new token. It must not be kept by any cache.", body = TokenAnswer,
            content_type = "application/json",
            headers(("Cache-Control" = String, description = "Always `no-store`."))),
        (status = 400, description = "The request is malformed, asks for a scope that the client does not have, or for another grant.",
            body = OAuthError, content_type = "application/json",
            example = json!({ "error": "invalid_scope", "error_description": "This client may have the scopes stores:read flow:read" })),
        (status = 401, description = "The client is unknown, or its secret is wrong or missing.", body = OAuthError,
            content_type = "application/json",
            headers(("WWW-Authenticate" = String, description = "`Basic realm=\"storegate\"`")),
            example = json!({ "error": "invalid_client", "error_description": "The client id or the client secret is wrong" })),
        (status = 413, description = "The form is too large.", body = OAuthError, content_type = "application/json",
            example = json!({ "error": "invalid_request", "error_description": "The form is too large; send only what the path takes" })),
        (status = 429, description = "There were too many wrong secrets, from this address or about this client.", body = OAuthError,
            content_type = "application/json", headers(("Retry-After" = String, description = "Seconds to wait.")),
            example = json!({ "error": "slow_down", "error_description": "There were too many wrong client secrets; wait as long as Retry-After says" })),
        (status = 503, description = "No token can be made now.", body = OAuthError, content_type = "application/json",
            headers(("Retry-After" = String, description = "Seconds to wait.")),
            example = json!({ "error": "temporarily_unavailable", "error_description": "This cannot be done now; try again in a moment" })),
    ),
)]
pub(super) async fn issue_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let auth = auth.get();
    if auth.issuer().is_none() {
        return not_found();
    }
    match issue(&request, &auth, body).await {
        Ok(issued) => unstored(StatusCode::OK).json(TokenAnswer {
            access_token: issued.token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: issued.expires_in,
            scope: issued.scope,
        }),
        Err(error) => refusal(&error),
    }
}

async fn issue(
    request: &HttpRequest,
    auth: &Auth,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<IssuedToken, OAuthError> {
    let mut form = TokenRequest::read(request, &oauth_form::body(body)?)?;
    match form.grant_type.as_deref() {
        Some(CLIENT_CREDENTIALS) => {}
        Some(_) => return Err(OAuthError::unsupported_grant_type()),
        None => return Err(OAuthError::invalid_request("The parameter grant_type is missing")),
    }
    let credentials = form.take_credentials(request)?;
    let client = authenticate(auth, request, &credentials).await?;
    let issuer = auth.issuer().ok_or_else(OAuthError::temporarily_unavailable)?;
    issuer.issue(grant(client, form.narrow(&client.scopes)?)).map_err(|error| {
        tracing::error!(client_id = client.id, %error, "token issuance failed");
        OAuthError::temporarily_unavailable()
    })
}

fn grant(client: &Client, scopes: Vec<String>) -> TokenGrant {
    TokenGrant {
        client_id: client.id.clone(),
        subject: None,
        tenant: client.tenant.clone(),
        scopes,
        stores: client.stores.clone(),
        organizations: client.organizations.clone(),
        lifetime: None,
    }
}
