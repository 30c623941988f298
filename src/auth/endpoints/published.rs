//! Public documents: the public keys (RFC 7517) and the metadata of this authorization server (RFC 8414).

use actix_web::http::header::{CacheControl, CacheDirective};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{INTROSPECTION_PATH, JWKS_PATH, METADATA_PATH, REVOCATION_PATH, TOKEN_PATH, issuing};
use crate::auth::CurrentAuth;
use crate::auth::jwk::JwkSet;
use crate::auth::token_request::CLIENT_CREDENTIALS;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// How long caches may store keys and metadata, in seconds. A new key must be published this long before it signs.
const PUBLIC_SECONDS: u32 = 300;

/// How a client authenticates (RFC 6749 §2.3.1, with the names of RFC 7591 §2).
const AUTHENTICATION_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// What this authorization server can do (RFC 8414 §2).
#[derive(Serialize, ToSchema)]
pub(super) struct AuthorizationServerMetadata {
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
    scopes_supported: Vec<String>,
    /// Empty: nobody is sent here to log in.
    #[schema(example = json!([]))]
    response_types_supported: Vec<&'static str>,
    /// How a token can be got.
    #[schema(example = json!(["client_credentials"]))]
    grant_types_supported: Vec<&'static str>,
    /// How a client can show its secret.
    #[schema(example = json!(["client_secret_basic", "client_secret_post"]))]
    token_endpoint_auth_methods_supported: [&'static str; 2],
    /// Where a client gives a token back (RFC 7009).
    #[schema(example = "https://storegate.example.com/oauth/revoke")]
    revocation_endpoint: String,
    /// How a client can show its secret there.
    #[schema(example = json!(["client_secret_basic", "client_secret_post"]))]
    revocation_endpoint_auth_methods_supported: [&'static str; 2],
    /// Where a client asks about a token (RFC 7662).
    #[schema(example = "https://storegate.example.com/oauth/introspect")]
    introspection_endpoint: String,
    /// How a client can show its secret there.
    #[schema(example = json!(["client_secret_basic", "client_secret_post"]))]
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
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
pub(super) async fn read_jwks(auth: web::Data<CurrentAuth>) -> HttpResponse {
    public().json(&auth.load().public_keys)
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
pub(super) async fn read_authorization_server_metadata(auth: web::Data<CurrentAuth>) -> Result<HttpResponse, Problem> {
    metadata(&auth)
}

/// Serves the metadata at the address that clients of an issuer with a path use: the path follows at the end (RFC 8414
/// §3.1).
pub(super) async fn read_metadata_of_path(
    auth: web::Data<CurrentAuth>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let current = auth.load();
    let of_issuer = current.issuer_name.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let is_ours = of_issuer.is_some_and(|(_, of_issuer)| of_issuer == *path);
    if is_ours { metadata(&auth) } else { Err(Problem::of(ProblemType::NotFound)) }
}

fn metadata(auth: &CurrentAuth) -> Result<HttpResponse, Problem> {
    let auth = issuing(auth)?;
    let base = &auth.public_url;
    Ok(public().json(AuthorizationServerMetadata {
        issuer: auth.issuer_name.clone(),
        token_endpoint: format!("{base}{TOKEN_PATH}"),
        jwks_uri: format!("{base}{JWKS_PATH}"),
        scopes_supported: auth.scopes.iter().map(|scope| scope.name.to_string()).collect(),
        response_types_supported: Vec::new(),
        grant_types_supported: vec![CLIENT_CREDENTIALS],
        token_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
        revocation_endpoint: format!("{base}{REVOCATION_PATH}"),
        revocation_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
        introspection_endpoint: format!("{base}{INTROSPECTION_PATH}"),
        introspection_endpoint_auth_methods_supported: AUTHENTICATION_METHODS,
    }))
}

fn public() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(CacheControl(vec![CacheDirective::Public, CacheDirective::MaxAge(PUBLIC_SECONDS)]));
    response
}
