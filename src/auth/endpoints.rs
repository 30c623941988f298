//! The paths about tokens: get one (RFC 6749 §4.4), the public keys (RFC 7517), and what this server can do (RFC 8414).
//! Their errors have the form that OAuth clients read, not that of the resources.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CacheControl, CacheDirective, PRAGMA, WWW_AUTHENTICATE};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::clients::{AuthenticationError, Client};
use super::issue::{IssuedToken, TokenGrant};
use super::jwk::{Jwk, JwkSet};
use super::oauth_error::{OAuthError, OAuthErrorCode};
use super::token_request::{CLIENT_CREDENTIALS, TokenRequest};
use super::{Auth, REALM, scope};
use crate::http::access_log::CallerIdentity;
use crate::http::methods;

/// Where tokens are issued.
pub const TOKEN_PATH: &str = "/oauth/token";
/// Where the public keys are.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";
/// Where the server describes itself.
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// A token request is a few hundred bytes; this leaves room for long secrets.
const MAXIMUM_BODY_BYTES: usize = 16 * 1024;

/// How long others may keep keys and metadata. A new key must be published this long before it signs.
const PUBLIC_SECONDS: u32 = 300;

/// Adds the paths to the application.
pub fn configure(config: &mut web::ServiceConfig) {
    let tokens = web::resource(TOKEN_PATH)
        .name("token")
        .app_data(web::PayloadConfig::new(MAXIMUM_BODY_BYTES))
        .route(web::post().to(issue_token));
    let keys = web::resource(JWKS_PATH).name("jwks").route(methods::read().to(read_jwks));
    let metadata =
        web::resource(METADATA_PATH).name("metadata").route(methods::read().to(read_authorization_server_metadata));
    config
        .service(methods::allow_only(tokens, methods::POST))
        .service(methods::allow_only(keys, methods::READ))
        .service(methods::allow_only(metadata, methods::READ));
}

/// The part of the API document that describes these paths.
#[derive(Debug, OpenApi)]
#[openapi(
    paths(issue_token, read_jwks, read_authorization_server_metadata),
    components(schemas(TokenRequest, TokenAnswer, OAuthError, OAuthErrorCode, JwkSet, Jwk, AuthorizationServerMetadata)),
    tags((name = "Tokens", description = "Get an access token, and what is needed to check one.")),
)]
pub struct TokenApi;

/// A new token (RFC 6749 §5.1).
#[derive(Serialize, ToSchema)]
struct TokenAnswer {
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

/// What this authorization server can do (RFC 8414 §2).
#[derive(Serialize, ToSchema)]
struct AuthorizationServerMetadata {
    /// The `iss` of its tokens.
    #[schema(example = "https://storegate.example.com")]
    issuer: String,
    /// Where tokens are issued.
    #[schema(example = "https://storegate.example.com/oauth/token")]
    token_endpoint: String,
    /// Where the public keys are.
    #[schema(example = "https://storegate.example.com/.well-known/jwks.json")]
    jwks_uri: String,
    /// The scopes that exist here; a client has some of them.
    #[schema(example = json!(["stores:read", "flow:read"]))]
    scopes_supported: Vec<&'static str>,
    /// Empty: nobody is sent here to log in.
    #[schema(example = json!([]))]
    response_types_supported: Vec<&'static str>,
    /// How a token can be got.
    #[schema(example = json!(["client_credentials"]))]
    grant_types_supported: Vec<&'static str>,
    /// How a client can show its secret.
    #[schema(example = json!(["client_secret_basic", "client_secret_post"]))]
    token_endpoint_auth_methods_supported: Vec<&'static str>,
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
        (status = 503, description = "No token can be made now.", body = OAuthError, content_type = "application/json",
            example = json!({ "error": "temporarily_unavailable", "error_description": "No token can be made now; try again in a moment" })),
    ),
)]
async fn issue_token(
    request: HttpRequest,
    auth: web::Data<Auth>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
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
    let body = body.map_err(|_| OAuthError::invalid_request("The body cannot be read, or is larger than 16 KiB"))?;
    let mut form = TokenRequest::read(request, &body)?;
    match form.grant_type.as_deref() {
        Some(CLIENT_CREDENTIALS) => {}
        Some(_) => return Err(OAuthError::unsupported_grant_type()),
        None => return Err(OAuthError::invalid_request("The parameter grant_type is missing")),
    }
    let credentials = form.take_credentials(request)?;
    let client = auth.clients().authenticate(&credentials.id, &credentials.secret).await?;
    request.extensions_mut().insert(identity(client));
    auth.issuer().issue(grant(client, form.narrow(&client.scopes)?)).map_err(|error| {
        tracing::error!(client_id = client.id, %error, "no token was made");
        OAuthError::temporarily_unavailable()
    })
}

impl From<AuthenticationError> for OAuthError {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::WrongCredentials => {
                Self::invalid_client("The client id or the client secret is wrong")
            }
            AuthenticationError::Interrupted => Self::temporarily_unavailable(),
        }
    }
}

fn identity(client: &Client) -> CallerIdentity {
    CallerIdentity { client_id: client.id.as_str().into(), tenant: client.tenant.as_str().into() }
}

fn grant(client: &Client, scopes: Vec<String>) -> TokenGrant {
    TokenGrant {
        client_id: client.id.clone(),
        subject: None,
        tenant: client.tenant.clone(),
        scopes,
        stores: client.stores.clone(),
        lifetime: None,
    }
}

/// Neither a token nor a refusal is kept by any cache (RFC 6749 §5.1).
fn unstored(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
    response
}

fn refusal(error: &OAuthError) -> HttpResponse {
    let status = StatusCode::from_u16(error.error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = unstored(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, format!("Basic realm=\"{REALM}\"")));
    }
    response.json(error)
}

/// The public keys
///
/// The keys that check the signatures of this service's tokens (RFC 7517). Find the key by the `kid` in the token's header.
#[utoipa::path(
    get,
    path = JWKS_PATH,
    operation_id = "read_jwks",
    tag = "Tokens",
    security(()),
    responses((status = 200, description = "The public keys. Keys that are shared secrets are never among them.",
        body = JwkSet, content_type = "application/json",
        headers(("Cache-Control" = String, description = "How long the keys may be kept.")),
        example = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "2026-11",
            "use": "sig", "alg": "EdDSA",
        }] }))),
)]
async fn read_jwks(auth: web::Data<Auth>) -> HttpResponse {
    public().json(auth.public_keys())
}

/// What the authorization server can do
///
/// Where tokens are issued, how a client shows its secret, and which scopes exist (RFC 8414), for clients that configure
/// themselves.
#[utoipa::path(
    get,
    path = METADATA_PATH,
    operation_id = "read_authorization_server_metadata",
    tag = "Tokens",
    security(()),
    responses((status = 200, description = "The server's metadata.", body = AuthorizationServerMetadata,
        content_type = "application/json",
        headers(("Cache-Control" = String, description = "How long the metadata may be kept.")))),
)]
async fn read_authorization_server_metadata(auth: web::Data<Auth>) -> HttpResponse {
    let base = auth.public_url();
    public().json(AuthorizationServerMetadata {
        issuer: auth.issuer_name().to_owned(),
        token_endpoint: format!("{base}{TOKEN_PATH}"),
        jwks_uri: format!("{base}{JWKS_PATH}"),
        scopes_supported: scope::ALL.iter().map(|scope| scope.name).collect(),
        response_types_supported: Vec::new(),
        grant_types_supported: vec![CLIENT_CREDENTIALS],
        token_endpoint_auth_methods_supported: vec!["client_secret_basic", "client_secret_post"],
    })
}

fn public() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(PUBLIC_SECONDS)]));
    response
}

#[cfg(test)]
mod tests;
