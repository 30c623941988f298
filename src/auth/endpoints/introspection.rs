//! `POST /oauth/introspect`: a client introspects a token of its tenant (RFC 7662).

use actix_web::http::StatusCode;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{FormErrors, INTROSPECTION_PATH, issuing, unstored};
use crate::auth::CurrentAuth;
use crate::auth::authentication::authenticate;
use crate::auth::claims::Claims;
use crate::auth::oauth_error::OAuthError;
use crate::auth::oauth_form::{FormBody, OAuthForm};
use crate::auth::token_form::TokenForm;
use crate::auth::verify::TokenError;

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
        FormErrors,
        (status = 200, description = "What the token says. It must not be kept by any cache.", body = IntrospectionDocument,
            content_type = "application/json",
            headers(("Cache-Control" = String, description = "Always `no-store`.")),
            example = json!({
                "active": true, "token_type": "Bearer", "iss": "https://storegate.example.com", "sub": "dashboard",
                "aud": "storegate", "exp": 1_795_313_700, "iat": 1_795_312_800, "jti": "019a…", "client_id": "dashboard",
                "scope": "stores:read flow:read", "tenant": "acme",
            })),
    ),
)]
pub(super) async fn introspect_token(
    request: HttpRequest,
    auth: web::Data<CurrentAuth>,
    body: FormBody,
) -> Result<HttpResponse, Error> {
    let auth = issuing(&auth)?;
    let mut form = OAuthForm::read(&request, body, &TokenForm::PARAMETERS)?;
    let credentials = form.take_credentials(&request)?;
    let client = authenticate(&auth, &request, &credentials).await?;
    let verified = auth.verifier.verify_or_fetch(form.take_token()?.expose_secret()).await;
    let answer = match verified {
        Ok(token) if **token.tenant() == *client.tenant => {
            IntrospectionAnswer::Active { active: true, token_type: "Bearer", claims: Box::new(token.claims().clone()) }
        }
        // The token may be valid: a client that is told otherwise would discard it.
        Err(TokenError::KeysUnavailable) => return Err(OAuthError::temporarily_unavailable().into()),
        Ok(_) | Err(_) => IntrospectionAnswer::Inactive { active: false },
    };
    Ok(unstored(StatusCode::OK).json(answer))
}
