//! `POST /oauth/revoke`: a client revokes a token, which takes effect at once on all workers (RFC 7009).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};

use super::{REVOCATION_PATH, not_found, refusal, unstored};
use crate::auth::authentication::authenticate;
use crate::auth::clients::Client;
use crate::auth::oauth_error::OAuthError;
use crate::auth::token_form::TokenForm;
use crate::auth::verify::LEEWAY_SECONDS;
use crate::auth::{Auth, CurrentAuth, oauth_form};
use crate::http::audit;
use crate::telemetry::metrics;

/// Give a token back
///
/// Ends a token of the client before its time (RFC 7009); no request with it is answered any more. A client can end its own
/// tokens only. The answer is the same for a token that is unknown, has expired, or is another client's: nothing happens
/// then, since the token is of no use to this client anyway.
#[utoipa::path(
    post,
    path = REVOCATION_PATH,
    operation_id = "revoke_token",
    tag = "Tokens",
    security(()),
    request_body(
        content = TokenForm,
        content_type = "application/x-www-form-urlencoded",
        example = json!({ "token": "eyJ0eXAiOiJhdCtqd3Qi…", "client_id": "dashboard", "client_secret": "sgs_…" }),
    ),
    responses(
        (status = 200, description = "The token is of no use any more.",
            headers(("Cache-Control" = String, description = "Always `no-store`."))),
        (status = 400, description = "The request is malformed.", body = OAuthError, content_type = "application/json",
            example = json!({ "error": "invalid_request", "error_description": "The parameter token is missing" })),
        (status = 401, description = "The client is unknown, or its secret is wrong or missing.", body = OAuthError,
            content_type = "application/json",
            headers(("WWW-Authenticate" = String, description = "`Basic realm=\"storegate\"`")),
            example = json!({ "error": "invalid_client", "error_description": "The client id or the client secret is wrong" })),
        (status = 413, description = "The form is too large.", body = OAuthError, content_type = "application/json",
            example = json!({ "error": "invalid_request", "error_description": "The form is too large; send only what the path takes" })),
        (status = 429, description = "There were too many wrong secrets, from this address or about this client.", body = OAuthError,
            content_type = "application/json", headers(("Retry-After" = String, description = "Seconds to wait.")),
            example = json!({ "error": "slow_down", "error_description": "There were too many wrong client secrets; wait as long as Retry-After says" })),
        (status = 503, description = "It cannot be done now.", body = OAuthError, content_type = "application/json",
            headers(("Retry-After" = String, description = "Seconds to wait.")),
            example = json!({ "error": "temporarily_unavailable", "error_description": "This cannot be done now; try again in a moment" })),
    ),
)]
pub(super) async fn revoke_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let auth = auth.get();
    if auth.issuer().is_none() {
        return not_found();
    }
    match revoke(&request, &auth, body).await {
        Ok(()) => unstored(StatusCode::OK).finish(),
        Err(error) => refusal(&error),
    }
}

async fn revoke(
    request: &HttpRequest,
    auth: &Auth,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<(), OAuthError> {
    let mut form = TokenForm::read(request, &oauth_form::body(body)?)?;
    let credentials = form.take_credentials(request)?;
    let client = authenticate(auth, request, &credentials).await?;
    end(auth, client, request, &form.take_token()?)
}

/// Revokes the token if it is the client's own. RFC 7009 §2.1 requires a refusal if the token was issued to another
/// client. This deviates and returns 200, as for a token that is unknown or expired: a refusal would reveal that the
/// token is valid, and whose it is not. The caller may only learn that the token is useless to it.
fn end(auth: &Auth, client: &Client, request: &HttpRequest, token: &SecretString) -> Result<(), OAuthError> {
    let Ok(token) = auth.verifier().verify(token.expose_secret()) else { return Ok(()) };
    let claims = token.claims();
    let is_own = claims.iss == auth.issuer_name() && claims.client_id == client.id && claims.tenant == client.tenant;
    if !is_own {
        return Ok(());
    }
    let until = claims.exp.saturating_add(LEEWAY_SECONDS);
    let now = auth.clock.now().as_second();
    auth.memory.revoked.revoke(&claims.iss, &claims.jti, token.client_id(), until, now).map_err(|error| {
        tracing::error!(client_id = client.id, %error, "token revocation failed");
        OAuthError::temporarily_unavailable()
    })?;
    metrics::tokens_revoked().increment(1);
    audit::token_revoked(request, &client.id, &client.tenant, &claims.jti);
    Ok(())
}
