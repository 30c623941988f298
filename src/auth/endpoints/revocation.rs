//! `POST /oauth/revoke`: a client revokes a token, which takes effect at once on all workers (RFC 7009).

use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};

use super::{FormErrors, REVOCATION_PATH, issuing, unstored};
use crate::auth::authentication::authenticate;
use crate::auth::clients::Client;
use crate::auth::oauth_error::OAuthError;
use crate::auth::oauth_form::{FormBody, OAuthForm};
use crate::auth::token_form::TokenForm;
use crate::auth::verify::LEEWAY_SECONDS;
use crate::auth::{Auth, CurrentAuth};
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
        FormErrors,
        (status = 200, description = "The token is of no use any more.",
            headers(("Cache-Control" = String, description = "Always `no-store`."))),
    ),
)]
pub(super) async fn revoke_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: FormBody,
) -> Result<HttpResponse, Error> {
    let auth = issuing(&auth)?;
    let mut form = OAuthForm::read(&request, body, &TokenForm::PARAMETERS)?;
    let credentials = form.take_credentials(&request)?;
    let client = authenticate(&auth, &request, &credentials).await?;
    end(&auth, client, &request, &form.take_token()?)?;
    Ok(unstored(StatusCode::OK).finish())
}

/// Revokes the token if it is the client's own. RFC 7009 §2.1 requires a refusal if the token was issued to another
/// client. This deviates and returns 200, as for a token that is unknown or expired: a refusal would reveal that the
/// token is valid, and whose it is not. The caller may only learn that the token is useless to it.
fn end(auth: &Auth, client: &Client, request: &HttpRequest, token: &SecretString) -> Result<(), OAuthError> {
    let Ok(token) = auth.verifier.verify(token.expose_secret()) else { return Ok(()) };
    let claims = token.claims();
    let is_own = claims.iss == auth.issuer_name && claims.client_id == client.id && claims.tenant == client.tenant;
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
