//! Tests of the token endpoints over the routes of the application. Parsing of forms and credentials is tested in
//! `token_request`.

use super::{INTROSPECTION_PATH, JWKS_PATH, METADATA_PATH, REVOCATION_PATH, TOKEN_PATH, TokenApi, configure};
use crate::auth::CurrentAuth;
use crate::auth::fixtures::{self, CHOSEN_SECRET, MADE_SECRET};
use crate::http::exchange::Exchange;
use crate::http::methods::{POST, READ};
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, ResponseError as _, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use utoipa::OpenApi as _;

const GRANT: &str = "grant_type=client_credentials";

struct Answer {
    status: u16,
    response: ServiceResponse<()>,
    body: Value,
}

impl Answer {
    fn header(&self, name: impl actix_web::http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    fn error(&self) -> (u16, &str) {
        assert!(self.body["error_description"].is_string());
        (self.status, self.body["error"].as_str().unwrap())
    }
}

async fn send(auth: &web::Data<CurrentAuth>, request: TestRequest) -> Answer {
    let app = init_service(App::new().app_data(auth.clone()).configure(|config| configure(config, 8 << 10))).await;
    let response = call_service(&app, request.to_request()).await;
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let body = body.try_into_bytes().unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer { status: head.status().as_u16(), response: ServiceResponse::new(request, head), body }
}

fn auth() -> web::Data<CurrentAuth> {
    web::Data::new(CurrentAuth::new(fixtures::auth().0))
}

fn form(body: &str) -> TestRequest {
    let request = TestRequest::post().uri(TOKEN_PATH);
    request.insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded")).set_payload(body.to_owned())
}

fn basic(credentials: &str, body: &str) -> TestRequest {
    form(body).insert_header((AUTHORIZATION, format!("Basic {}", STANDARD.encode(credentials))))
}

async fn token(request: TestRequest) -> Answer {
    send(&auth(), request).await
}

#[actix_web::test]
async fn a_client_gets_a_token_that_is_accepted_and_never_cached() {
    let auth = auth();
    let answer = send(&auth, basic(&format!("dashboard:{MADE_SECRET}"), GRANT)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.header(PRAGMA), Some("no-cache"));
    assert_eq!((&answer.body["token_type"], &answer.body["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(answer.body["scope"], "stores:read flow:read");
    let verified = auth.load().verifier.verify(answer.body["access_token"].as_str().unwrap()).unwrap();
    assert_eq!((&**verified.client_id(), &**verified.tenant()), ("dashboard", "acme"));
    assert!(verified.has_scope("flow:read") && verified.grants().may_read_all());
    assert!(Exchange::of(answer.response.request()).details().caller.is_some());
}

#[actix_web::test]
async fn credentials_may_come_in_the_form() {
    let body = format!("{GRANT}&client_id=dashboard&client_secret={MADE_SECRET}");
    assert_eq!(token(form(&body)).await.status, 200);
}

#[actix_web::test]
async fn a_client_with_a_chosen_secret_and_a_colon_in_its_id_gets_a_token() {
    tokio::time::pause();
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode("ada:lovelace"), encode(CHOSEN_SECRET));
    assert_eq!(token(basic(&credentials, GRANT)).await.status, 200);
    let wrong = format!("{}:{}", encode("ada:lovelace"), encode("battery staple"));
    assert_eq!(token(basic(&wrong, GRANT)).await.error(), (401, "invalid_client"));
}

#[actix_web::test]
async fn the_scope_narrows_the_token_and_cannot_widen_it() {
    let dashboard = format!("dashboard:{MADE_SECRET}");
    let narrowed = token(basic(&dashboard, &format!("{GRANT}&scope=flow:read"))).await;
    assert_eq!(narrowed.body["scope"], "flow:read");
    let widened = token(basic(&dashboard, &format!("{GRANT}&scope=flow:read+cache:purge"))).await;
    assert_eq!(widened.error(), (400, "invalid_scope"));
    assert_eq!(widened.header(CACHE_CONTROL), Some("no-store"));
}

#[actix_web::test]
async fn a_client_with_few_stores_gets_a_token_for_those_only() {
    let auth = auth();
    let answer = send(&auth, basic(&format!("branch:{MADE_SECRET}"), GRANT)).await;
    let verified = auth.load().verifier.verify(answer.body["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(verified.claims().stores.as_deref(), Some(&["S_123456".to_owned()][..]));
    assert!(!verified.grants().stores().unwrap().contains(&"S_654321".parse().unwrap()));
}

#[actix_web::test]
async fn a_wrong_secret_and_an_unknown_client_get_the_same_answer() {
    tokio::time::pause();
    let wrong = token(basic("dashboard:wrong", GRANT)).await;
    let unknown = token(basic(&format!("nobody:{MADE_SECRET}"), GRANT)).await;
    for answer in [&wrong, &unknown] {
        assert_eq!(answer.error(), (401, "invalid_client"));
        assert_eq!(answer.header(WWW_AUTHENTICATE), Some("Basic realm=\"storegate\""));
        assert!(Exchange::of(answer.response.request()).details().caller.is_none());
    }
    assert_eq!(wrong.body, unknown.body);
}

#[actix_web::test]
async fn credentials_in_both_ways_are_an_invalid_request() {
    let body = format!("{GRANT}&client_id=dashboard&client_secret={MADE_SECRET}");
    assert_eq!(token(basic(&format!("dashboard:{MADE_SECRET}"), &body)).await.error(), (400, "invalid_request"));
}

#[actix_web::test]
async fn a_request_that_is_not_a_token_request_is_refused_in_the_form_of_oauth() {
    let dashboard = format!("dashboard:{MADE_SECRET}");
    let error = async |body: &str| token(basic(&dashboard, body)).await.error().1.to_owned();
    assert_eq!(error("").await, "invalid_request");
    assert_eq!(error("grant_type=password").await, "unsupported_grant_type");
    assert_eq!(error(&format!("{GRANT}&{GRANT}")).await, "invalid_request");
    assert_eq!(error(&format!("{GRANT}&padding={}", "x".repeat(16 * 1024))).await, "invalid_request");
    let json = basic(&dashboard, "{}").insert_header((CONTENT_TYPE, "application/json"));
    assert_eq!(token(json).await.error(), (400, "invalid_request"));
    assert_eq!(token(form(GRANT)).await.error(), (401, "invalid_client"));
    let in_query = form("").uri(&format!("{TOKEN_PATH}?{GRANT}&client_id=dashboard&client_secret={MADE_SECRET}"));
    assert_eq!(token(in_query).await.error(), (400, "invalid_request"));
}

#[actix_web::test]
async fn no_oauth_response_is_stored_by_any_cache() {
    tokio::time::pause();
    let auth = auth();
    let dashboard = format!("dashboard:{MADE_SECRET}");
    let dashboard = dashboard.as_str();
    let good = fixtures::token(&auth.load(), &["flow:read"], None);
    let (token, large) = (format!("token={good}"), format!("token={}", "x".repeat(16 * 1024)));
    let (token, large) = (token.as_str(), large.as_str());
    let cases = [
        (TOKEN_PATH, dashboard, GRANT, 200),
        (TOKEN_PATH, dashboard, "", 400),
        (TOKEN_PATH, dashboard, "grant_type=password", 400),
        (TOKEN_PATH, dashboard, "grant_type=client_credentials&scope=cache:purge", 400),
        (TOKEN_PATH, dashboard, large, 413),
        (INTROSPECTION_PATH, dashboard, token, 200),
        (INTROSPECTION_PATH, dashboard, "token=x", 200),
        (INTROSPECTION_PATH, dashboard, "", 400),
        (INTROSPECTION_PATH, "nobody:x", token, 401),
        (REVOCATION_PATH, dashboard, "token=x", 200),
        (REVOCATION_PATH, dashboard, token, 200),
        (REVOCATION_PATH, dashboard, large, 413),
        (REVOCATION_PATH, "no-colon", token, 401),
    ];
    // With "nobody" these are ten attempts, and an address has no more.
    let wrong = [(TOKEN_PATH, "dashboard:wrong", GRANT, 401); 9];
    let limited = [TOKEN_PATH, INTROSPECTION_PATH, REVOCATION_PATH].map(|path| (path, dashboard, GRANT, 429));
    for (path, credentials, body, status) in cases.into_iter().chain(wrong).chain(limited) {
        let answer = send(&auth, basic(credentials, body).uri(path)).await;
        let caching = (answer.header(CACHE_CONTROL), answer.header(PRAGMA));
        assert_eq!(
            (answer.status, caching),
            (status, (Some("no-store"), Some("no-cache"))),
            "{path} {credentials} {body}"
        );
    }
    let busy = super::OAuthError::temporarily_unavailable().error_response();
    assert_eq!((busy.status().as_u16(), busy.headers().get(PRAGMA).is_some()), (503, true));
}

#[actix_web::test]
async fn the_public_keys_are_published_and_may_be_cached_for_some_time() {
    let answer = token(TestRequest::get().uri(JWKS_PATH)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(CACHE_CONTROL), Some("public, max-age=300"));
    assert_eq!(answer.body["keys"].as_array().unwrap().len(), 1);
    assert_eq!(answer.body["keys"][0]["kid"], "2026-11");
    assert_eq!(answer.body["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
}

#[actix_web::test]
async fn the_server_describes_itself() {
    let metadata = token(TestRequest::get().uri(METADATA_PATH)).await.body;
    assert_eq!(metadata["issuer"], fixtures::ISSUER);
    assert_eq!(metadata["token_endpoint"], "https://storegate.example.com/oauth/token");
    for (name, path) in [("revocation", REVOCATION_PATH), ("introspection", INTROSPECTION_PATH)] {
        assert_eq!(metadata[format!("{name}_endpoint")], format!("https://storegate.example.com{path}"));
        assert_eq!(
            metadata[format!("{name}_endpoint_auth_methods_supported")],
            metadata["token_endpoint_auth_methods_supported"]
        );
    }
    assert_eq!(metadata["jwks_uri"], "https://storegate.example.com/.well-known/jwks.json");
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    assert_eq!(metadata["response_types_supported"], json!([]));
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("flow:read")));
}

#[actix_web::test]
async fn other_methods_are_refused_with_the_ones_that_are_taken() {
    for (path, allowed) in [
        (TOKEN_PATH, POST),
        (REVOCATION_PATH, POST),
        (INTROSPECTION_PATH, POST),
        (JWKS_PATH, READ),
        (METADATA_PATH, READ),
    ] {
        let answer = token(TestRequest::delete().uri(path)).await;
        assert_eq!((answer.status, answer.header(ALLOW)), (405, Some(allowed)), "{path}");
    }
    let head = token(TestRequest::with_uri(JWKS_PATH).method(Method::HEAD)).await;
    assert_eq!(head.status, StatusCode::OK.as_u16());
}

#[test]
fn the_document_describes_every_path_with_its_schemas_and_security() {
    let document = serde_json::to_value(TokenApi::openapi()).unwrap();
    for (path, method, operation) in [
        (TOKEN_PATH, "post", "issue_token"),
        (REVOCATION_PATH, "post", "revoke_token"),
        (INTROSPECTION_PATH, "post", "introspect_token"),
        (JWKS_PATH, "get", "read_jwks"),
        (METADATA_PATH, "get", "read_authorization_server_metadata"),
    ] {
        let described = &document["paths"][path][method];
        assert_eq!((&described["operationId"], &described["tags"]), (&json!(operation), &json!(["Tokens"])));
        assert!(described["summary"].is_string() && described["description"].is_string(), "{path}");
    }
    let token = &document["paths"][TOKEN_PATH]["post"];
    assert_eq!(token["security"], json!([{}]));
    let form = &token["requestBody"]["content"]["application/x-www-form-urlencoded"];
    assert_eq!(form["schema"]["$ref"], "#/components/schemas/TokenRequest");
    let schema = &document["components"]["schemas"]["TokenRequest"];
    assert_eq!(schema["required"], json!(["grant_type"]));
    assert_eq!(schema["properties"]["grant_type"]["enum"], json!(["client_credentials"]));
    assert_eq!(schema["properties"]["client_secret"]["format"], "password");
    assert_eq!(schema["properties"]["scope"]["type"], "string");
    assert_eq!(document["paths"][JWKS_PATH]["get"]["security"], json!([{}]));
}
