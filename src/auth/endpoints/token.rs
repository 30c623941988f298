//! `POST /oauth/token`: issues a token for a client's id and secret (RFC 6749 §4.4).

use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FormErrors, TOKEN_PATH, issuing, unstored};
use crate::auth::authentication::authenticate;
use crate::auth::clients::Client;
use crate::auth::issue::{IssuedToken, TokenGrant};
use crate::auth::oauth_error::OAuthError;
use crate::auth::oauth_form::{FormBody, OAuthForm};
use crate::auth::token_request::{self, CLIENT_CREDENTIALS, TokenRequest};
use crate::auth::{Auth, CurrentAuth};

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
        FormErrors,
        (status = 200, description = "A new token. It must not be kept by any cache.", body = TokenAnswer,
            content_type = "application/json",
            headers(("Cache-Control" = String, description = "Always `no-store`."))),
        (status = 400, description = "The request is malformed, asks for a scope that the client does not have, or for another grant.",
            body = OAuthError, content_type = "application/json",
            example = json!({ "error": "invalid_scope", "error_description": "This client may have the scopes stores:read flow:read" })),
        (status = 503, description = "No token can be made now.", body = OAuthError, content_type = "application/json",
            headers(("Retry-After" = String, description = "Seconds to wait.")),
            example = json!({ "error": "temporarily_unavailable", "error_description": "This cannot be done now; try again in a moment" })),
    ),
)]
pub(super) async fn issue_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: FormBody,
) -> Result<HttpResponse, Error> {
    let auth = issuing(&auth)?;
    let mut form = OAuthForm::read(&request, body, &TokenRequest::PARAMETERS)?;
    match form.text("grant_type") {
        Some(CLIENT_CREDENTIALS) => {}
        Some(_) => return Err(OAuthError::unsupported_grant_type().into()),
        None => return Err(OAuthError::invalid_request("The parameter grant_type is missing").into()),
    }
    let credentials = form.take_credentials(&request)?;
    let client = authenticate(&auth, &request, &credentials).await?;
    let issued = issue(&auth, client, token_request::narrow(form.text("scope"), &client.scopes)?)?;
    Ok(unstored(StatusCode::OK).json(TokenAnswer {
        access_token: issued.token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: issued.scope,
    }))
}

fn issue(auth: &Auth, client: &Client, scopes: Vec<String>) -> Result<IssuedToken, OAuthError> {
    let issuer = auth.issuer().ok_or_else(OAuthError::temporarily_unavailable)?;
    issuer.issue(TokenGrant::to(client, scopes)).map_err(|error| {
        tracing::error!(client_id = client.id, %error, "token issuance failed");
        OAuthError::temporarily_unavailable()
    })
}
