//! `POST /oauth/introspect`: a client introspects a token of its tenant (RFC 7662).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{INTROSPECTION_PATH, not_found, refusal, unstored};
use crate::auth::authentication::authenticate;
use crate::auth::claims::Claims;
use crate::auth::oauth_error::OAuthError;
use crate::auth::token_form::TokenForm;
use crate::auth::verify::TokenError;
use crate::auth::{Auth, CurrentAuth, oauth_form};

/// The introspection response (RFC 7662 §2.2).
#[derive(Serialize)]
#[serde(untagged)]
enum IntrospectionAnswer {
    Active {
        active: bool,
        token_type: &'static str,
        #[serde(flatten)]
        claims: Box<Claims>,
    },
    Inactive {
        active: bool,
    },
}

/// What a token says, or only that it is of no use (RFC 7662 §2.2): then there is nothing but `active`.
#[derive(ToSchema)]
#[schema(as = IntrospectionAnswer)]
#[expect(dead_code, reason = "for the document; `IntrospectionAnswer` is what is written")]
pub(super) struct IntrospectionDocument {
    /// Whether the token is good. `false` for one that has ended, was revoked, is another tenant's or never was one; which of
    /// them is not told.
    #[schema(example = true)]
    active: bool,
    /// Always `Bearer`.
    #[schema(example = "Bearer", nullable = false)]
    token_type: Option<String>,
    /// Who issued the token.
    #[schema(example = "https://storegate.example.com", nullable = false)]
    iss: Option<String>,
    /// Whom the token speaks for.
    #[schema(example = "dashboard", nullable = false)]
    sub: Option<String>,
    /// Whom the token is meant for: a text, or a list of them.
    #[schema(example = "storegate", value_type = Option<Value>, required = false)]
    aud: Option<Value>,
    /// When the token ends, in seconds since 1970.
    #[schema(example = 1_795_313_700, nullable = false)]
    exp: Option<i64>,
    /// When the token was issued, in seconds since 1970.
    #[schema(example = 1_795_312_800, nullable = false)]
    iat: Option<i64>,
    /// Before when the token is not valid, in seconds since 1970.
    #[schema(example = 1_795_312_800, nullable = false)]
    nbf: Option<i64>,
    /// The token's own id.
    #[schema(example = "019a…", nullable = false)]
    jti: Option<String>,
    /// The client that the token was issued to.
    #[schema(example = "dashboard", nullable = false)]
    client_id: Option<String>,
    /// The scopes, separated by blanks.
    #[schema(example = "stores:read flow:read", nullable = false)]
    scope: Option<String>,
    /// The company whose data the token reaches.
    #[schema(example = "acme", nullable = false)]
    tenant: Option<String>,
    /// The only stores that the token may read, if it is limited.
    #[schema(nullable = false)]
    stores: Option<Vec<String>>,
    /// The only organizations that the token may read, if it is limited.
    #[schema(nullable = false)]
    organizations: Option<Vec<String>>,
}

/// Ask about a token
///
/// Whether a token is good at this moment, and what it says (RFC 7662): for services behind the same identity that cannot
/// check tokens themselves. A client learns about tokens of its own tenant only; for every other token the answer is
/// `{"active":false}`, without a reason.
#[utoipa::path(
    post,
    path = INTROSPECTION_PATH,
    operation_id = "introspect_token",
    tag = "Tokens",
    security(()),
    request_body(
        content = TokenForm,
        content_type = "application/x-www-form-urlencoded",
        example = json!({ "token": "eyJ0eXAiOiJhdCtqd3Qi…", "client_id": "dashboard", "client_secret": "sgs_…" }),
    ),
    responses(
        (status = 200, description = "What the token says. It must not be kept by any cache.", body = IntrospectionDocument,
            content_type = "application/json",
            headers(("Cache-Control" = String, description = "Always `no-store`.")),
            example = json!({
                "active": true, "token_type": "Bearer", "iss": "https://storegate.example.com", "sub": "dashboard",
                "aud": "storegate", "exp": 1_795_313_700, "iat": 1_795_312_800, "jti": "019a…", "client_id": "dashboard",
                "scope": "stores:read flow:read", "tenant": "acme",
            })),
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
pub(super) async fn introspect_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let auth = auth.get();
    if auth.issuer().is_none() {
        return not_found();
    }
    match introspect(&request, &auth, body).await {
        Ok(answer) => unstored(StatusCode::OK).json(answer),
        Err(error) => refusal(&error),
    }
}

async fn introspect(
    request: &HttpRequest,
    auth: &Auth,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<IntrospectionAnswer, OAuthError> {
    let mut form = TokenForm::read(request, &oauth_form::body(body)?)?;
    let credentials = form.take_credentials(request)?;
    let client = authenticate(auth, request, &credentials).await?;
    let verified = auth.verifier().verify_or_fetch(form.take_token()?.expose_secret()).await;
    Ok(match verified {
        Ok(token) if **token.tenant() == *client.tenant => {
            IntrospectionAnswer::Active { active: true, token_type: "Bearer", claims: Box::new(token.claims().clone()) }
        }
        // The token may be valid: a client that is told otherwise would discard it.
        Err(TokenError::KeysUnavailable) => return Err(OAuthError::temporarily_unavailable()),
        Ok(_) | Err(_) => IntrospectionAnswer::Inactive { active: false },
    })
}
