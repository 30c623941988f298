//! The responses that operations share: errors by status, 304, and the headers of responses from the cache.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, Ref, RefOr, Response, ResponseBuilder};

use super::shared as reference;
use crate::http::accept::Media;
use crate::http::problem::{PROBLEM_MEDIA, Problem};
use crate::http::problem_type::ProblemType;
use crate::http::public_url::PublicUrl;
use crate::resources::params::kinds::TextKind;
use crate::resources::params::{Parameter, ParameterDocument as _, Presence};
use crate::resources::{Resource, Route};

/// The errors of every operation, most of which occur before its handler runs. 405 applies to other methods than the
/// documented ones.
const ANYWHERE: [u16; 8] = [400, 413, 414, 417, 421, 431, 500, 503];
/// The errors of operations that read a body.
const OF_BODIES: [u16; 1] = [408];
/// The errors of every operation that needs a token.
const WITH_TOKEN: [u16; 5] = [401, 403, 406, 429, 504];
/// The errors of operations that call a gateway.
const FROM_GATEWAYS: [u16; 3] = [404, 422, 502];

/// All shared responses by name.
pub(super) fn shared(public_url: &PublicUrl) -> BTreeMap<String, Response> {
    let statuses = [&ANYWHERE[..], &OF_BODIES, &WITH_TOKEN, &FROM_GATEWAYS].concat();
    let mut responses: BTreeMap<String, Response> =
        statuses.into_iter().map(|status| (problem_name(status), problem_response(status, public_url))).collect();
    responses.insert("NotModified".to_owned(), not_modified());
    responses
}

/// Adds the shared responses to those that the handler documents.
pub(super) fn complete(operation: &mut Operation, route: &Route, resource: &Resource) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(success)) = responses.get_mut("200") {
        let headers = success_headers(resource, route).into_iter();
        success.headers.extend(headers.map(|(name, header)| (name, RefOr::T(header))));
    }
    if has_tags(resource, route) {
        responses.insert("304".to_owned(), reference("NotModified"));
        let headers = [&IF_NONE_MATCH, &CACHE_CONTROL].map(|header| RefOr::T(header.document(Presence::HEADER)));
        operation.parameters.get_or_insert_default().extend(headers);
    }
    let from_gateways: &[u16] = if resource.calls_gateways() { &FROM_GATEWAYS } else { &[] };
    for status in ANYWHERE.iter().chain(&WITH_TOKEN).chain(from_gateways) {
        responses.insert(status.to_string(), reference(&problem_name(*status)));
    }
}

/// Whether responses have an ETag. A stream has none: each of its events has an id.
fn has_tags(resource: &Resource, route: &Route) -> bool {
    resource.has_tags() && route.media == Media::Json
}

/// Adds the errors that any path may return, for operations that need no token.
pub(super) fn complete_open(operation: &mut Operation) {
    // An empty list means that no token is needed; generators misread a list with one empty requirement.
    operation.security = Some(Vec::new());
    let of_bodies: &[u16] = if operation.request_body.is_some() { &OF_BODIES } else { &[] };
    for status in ANYWHERE.iter().chain(of_bodies) {
        // A response that the operation documents itself has another form.
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| reference(&problem_name(*status)));
    }
}

static IF_NONE_MATCH: Parameter<TextKind> = Parameter::new(
    "If-None-Match",
    "The `ETag` of an answer that the caller has; when it is still right, the answer is 304 without a body.",
    TextKind,
);
static CACHE_CONTROL: Parameter<TextKind> = Parameter::new(
    "Cache-Control",
    "`no-cache` asks the gateway itself and refreshes the kept answer; for tokens with the scope `cache:bypass`, ignored for others.",
    TextKind,
);

fn success_headers(resource: &Resource, route: &Route) -> BTreeMap<String, Header> {
    let mut headers = BTreeMap::from([request_id()]);
    headers.extend(quota_headers());
    if has_tags(resource, route) {
        headers.extend(cache_headers());
    }
    if route.operation.operation_id.as_deref().is_some_and(|id| id.starts_with("list_")) {
        let description = "Relative references to the first, previous, next and last page (RFC 8288).";
        headers.insert("Link".to_owned(), header(description, "</stores?page=2&page_size=50>; rel=\"next\""));
    }
    headers
}

fn cache_headers() -> [(String, Header); 5] {
    [
        ("ETag", "Strong validator; send it back in `If-None-Match`.", "\"33a64df551425fcc55e4d42a148795d9\""),
        (
            "Cache-Control",
            "`max-age` is the answer's whole lifetime in seconds; less `Age` it is what is left.",
            "private, max-age=30",
        ),
        ("Age", "How old the answer is, in seconds.", "9"),
        ("Cache-Status", "Where the answer came from (RFC 9211).", "storegate; hit; ttl=21"),
        ("Vary", "What the answer depends on besides the path.", "Authorization, X-API-Key, Accept-Encoding"),
    ]
    .map(|(name, description, example)| (name.to_owned(), header(description, example)))
}

fn request_id() -> (String, Header) {
    let description = "The request's id: the caller's own `X-Request-Id`, or a new one.";
    ("X-Request-Id".to_owned(), header(description, "01936f1e-7c2a-7000-8000-5a2b6c7d8e9f"))
}

fn quota_headers() -> [(String, Header); 2] {
    [
        ("RateLimit-Policy", "The client's quota `q` in `w` seconds; only if it has one. `storegate-cost` is what the request cost, if that is more than one.", "\"default\";q=600;w=60"),
        (
            "RateLimit",
            "The requests `r` that are left, and in how many seconds `t` there will be more; only if the client has a quota.",
            "\"default\";r=599;t=1",
        ),
    ]
    .map(|(name, description, example)| (name.to_owned(), header(description, example)))
}

fn not_modified() -> Response {
    let headers = cache_headers().into_iter().chain(quota_headers()).chain([request_id()]);
    let response =
        ResponseBuilder::new().description("The answer that the caller has, named in `If-None-Match`, is still right.");
    headers.fold(response, |response, (name, header)| response.header(name, header)).build()
}

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

/// The response for one status, with an example for each problem type that has it.
fn problem_response(status: u16, public_url: &PublicUrl) -> Response {
    let kinds: Vec<ProblemType> = ProblemType::ALL.iter().copied().filter(|kind| kind.status() == status).collect();
    let titles: Vec<String> = kinds.iter().map(|kind| format!("{} (`{}`)", kind.title(), kind.slug())).collect();
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    for kind in kinds {
        let example = ExampleBuilder::new().summary(kind.title()).value(Some(example(kind, public_url))).build();
        content = content.examples_from_iter([(kind.slug(), example)]);
    }
    let (name, id) = request_id();
    let response = ResponseBuilder::new().description(titles.join("; ")).header(name, id);
    let response = match status {
        401 | 403 => {
            response.header("WWW-Authenticate", header("What is missing (RFC 6750 §3).", "Bearer realm=\"storegate\""))
        }
        429 => quota_headers()
            .into_iter()
            .fold(response, |response, (name, header)| response.header(name, header))
            .header("Retry-After", header("Seconds to wait.", "1")),
        503 => response.header("Retry-After", header("Seconds to wait.", "5")),
        _ => response,
    };
    response.content(PROBLEM_MEDIA, content.build()).build()
}

fn example(kind: ProblemType, public_url: &PublicUrl) -> Value {
    let document =
        Problem::of(kind).document(public_url, "/stores/S_123456/flow", "01936f1e-7c2a-7000-8000-5a2b6c7d8e9f");
    let mut example = serde_json::to_value(document).unwrap_or_default();
    if let Value::Object(fields) = &mut example {
        match kind {
            ProblemType::InvalidParameter => {
                let message =
                    "write a date such as 2026-11-01, or an RFC 3339 instant such as 2026-11-01T09:00:00+08:00";
                fields.insert(
                    "errors".to_owned(),
                    json!([{"parameter": "from", "code": "malformed", "message": message}]),
                );
            }
            ProblemType::GatewayError => {
                let note = json!({"name": "opretail", "code": "-500", "codename": "API_SYSTEM_CALL_ERROR", "call_id": "5f0c1c1e8a"});
                fields.insert("gateway".to_owned(), note);
            }
            _ => {}
        }
    }
    example
}

fn header(description: &str, example: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
