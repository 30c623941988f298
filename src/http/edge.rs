//! The middleware that every request passes first and every response last: request id, limits, deadline, panics, error
//! bodies, and the access log.
//!
//! The order matters. The id comes first, since everything below names it. Limits apply before anything reads the
//! headers, and ambiguous requests are refused before anything acts on them. Deadline and panic guard enclose all
//! handlers and extractors. Errors get their body last, where path and id are known, and then their CORS headers.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use bytes::Bytes;
use futures_util::FutureExt;
use tracing::Instrument;

use super::accept::JSON;
use super::access_log::{self, Completion, UNROUTED};
use super::answer_deadline::AnswerDeadline;
use super::client_address::TrustedProxies;
use super::cors::{self, Cors};
use super::exchange::Exchange;
use super::host::Host;
use super::problem::{PROBLEM_JSON, Problem, ProblemDocument};
use super::problem_type::ProblemType;
use super::public_url::PublicUrl;
use super::request_id;
use super::{methods, request_limits, request_validation};
use crate::cache::CacheOutcome;
use crate::clock::Clock;
use crate::telemetry::call_tally::CallTally;
use crate::telemetry::traces::{AnsweredRequest, CallerTrace as _, Trace, Traces};

/// The edge middleware and what it needs.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The clock of the access log.
    pub clock: Clock,
    /// The longest time from a request's head to its response.
    pub request_timeout: Duration,
    /// The hosts that this service answers for; empty for any.
    pub hosts: Vec<Host>,
    /// The CORS headers; `None` if no origin is configured.
    pub cors: Option<Cors>,
    /// The address that clients use.
    pub public_url: PublicUrl,
    /// Whether the service is shutting down.
    pub stopping: Arc<AtomicBool>,
    /// Creates the spans of requests; `None` if traces are off.
    pub traces: Option<Traces>,
    /// The proxies that name the clients' addresses.
    pub trusted_proxies: TrustedProxies,
    /// The most bytes of a request's header fields.
    pub largest_head: usize,
}

/// Runs the middleware.
///
/// # Errors
/// Returns problems that arise above all handlers: a panic, the deadline, or headers that are too large. They already
/// have their body.
pub async fn pass(
    edge: web::Data<Edge>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let traces = edge.traces.as_ref();
    let trace = traces.and_then(|traces| traces.begin(request.headers(), edge.clock.now(), false));
    let id = request_id::of(request.headers(), &edge.clock);
    let client_address = edge.trusted_proxies.client_address(request.peer_addr(), request.headers());
    let mut exchange = Exchange::new(id, request.method().as_str(), request.path(), client_address);
    exchange.answer_by = Some(AnswerDeadline::within(edge.request_timeout));
    exchange.trusted = trace.as_ref().and_then(Trace::trusted_caller);
    let exchange = Rc::new(exchange);
    request.extensions_mut().insert(exchange.clone());
    let tally = Rc::new(CallTally::default());
    let context = trace.as_ref().map(Trace::context).cloned();
    let span = access_log::span(&exchange.id, trace.as_ref().map(Trace::id));
    let started = edge.clock.elapsed();
    let origin = edge.cors.as_ref().map(|cors| cors.read(request.method(), request.headers()));
    async move {
        let outcome = tally.clone().count_in(guarded(&edge, request, next)).await;
        let took = edge.clock.elapsed().saturating_sub(started);
        let ended =
            HandledRequest { edge: &edge, exchange: &exchange, origin: origin.as_ref(), tally: &tally, took, trace };
        match outcome {
            Ok(response) => Ok(ended.respond(response)),
            Err(problem) => Err(ended.refuse(&problem.logged()).into()),
        }
    }
    .instrument(span)
    .in_trace(context.as_ref())
    .await
}

async fn guarded(
    edge: &Edge,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Problem> {
    request_limits::check(&request, edge.largest_head)?;
    request_validation::check(&request, &edge.hosts)?;
    if request.path() == "*" {
        return Ok(request.into_response(methods::of_the_server()));
    }
    let has_body = request.method().as_str() == "POST";
    let handled = AssertUnwindSafe(next.call(request)).catch_unwind();
    match tokio::time::timeout(edge.request_timeout, handled).await {
        Ok(Ok(Ok(response))) => Ok(response.map_into_boxed_body()),
        Ok(Ok(Err(error))) => Err(from_below(&error)),
        Ok(Err(_)) => Err(Problem::of(ProblemType::InternalError).caused_by("a handler panicked")),
        Err(_) if has_body => Err(Problem::of(ProblemType::RequestTimeout)),
        Err(_) => Err(Problem::of(ProblemType::GatewayTimeout).caused_by("the request's deadline ended")),
    }
}

/// A request whose handler has ended.
struct HandledRequest<'a> {
    edge: &'a Edge,
    exchange: &'a Exchange,
    origin: Option<&'a cors::CorsRequest>,
    tally: &'a CallTally,
    took: Duration,
    trace: Option<Trace>,
}

impl HandledRequest<'_> {
    /// Gives an error its body, and completes the response.
    fn respond(self, mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let (edge, exchange) = (self.edge, self.exchange);
        let problem = response.response_mut().extensions_mut().remove::<Problem>();
        let problem = problem.or_else(|| unexplained(&response)).map(Problem::logged);
        if let Some(problem) = &problem {
            let document = problem.document(&edge.public_url, &exchange.path, &exchange.id);
            response = response.map_body(|head, _| {
                describe_problem(head.headers_mut());
                BoxBody::new(body(&document))
            });
        }
        name_charset(response.headers_mut());
        if edge.stopping.load(Ordering::Relaxed) {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        let (request, mut response) = response.into_parts();
        let (status, bytes_sent) =
            (response.status().as_u16(), access_log::bytes_sent(&exchange.method, response.body()));
        let route = request.match_pattern();
        let resource = request.match_name().unwrap_or(UNROUTED);
        self.complete(response.headers_mut(), resource, route.as_deref(), status, bytes_sent);
        ServiceResponse::new(request, response)
    }

    /// Completes the response to a request that was dropped. The framework builds it from the returned error.
    fn refuse(self, problem: &Problem) -> ProblemBody {
        let (edge, exchange) = (self.edge, self.exchange);
        let document = problem.document(&edge.public_url, &exchange.path, &exchange.id);
        let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = body(&document);
        let bytes_sent = if exchange.method == "HEAD" { 0 } else { body.len() as u64 };
        let mut headers = HeaderMap::new();
        for (name, value) in &problem.headers {
            headers.append(name.clone(), value.clone());
        }
        describe_problem(&mut headers);
        self.complete(&mut headers, UNROUTED, None, status.as_u16(), Some(bytes_sent));
        ProblemBody {
            status,
            detail: document.detail,
            body: body.into(),
            headers,
            closes: edge.stopping.load(Ordering::Relaxed),
        }
    }

    fn complete(
        self,
        headers: &mut HeaderMap,
        resource: &str,
        route: Option<&str>,
        status: u16,
        bytes_sent: Option<u64>,
    ) {
        let Self { edge, exchange, origin, tally, took, trace } = self;
        let details = exchange.details();
        let answered = AnsweredRequest {
            id: &exchange.id,
            method: &exchange.method,
            path: &exchange.path,
            resource,
            route,
            stores: details.stores.as_deref(),
            status,
            bytes_sent,
            cache: details.outcome.map(CacheOutcome::name),
            attempts: (tally.attempts(), tally.retry_cause()),
            took,
            caller: details.caller.as_ref().map(|caller| (&*caller.client_id, &*caller.tenant)),
            client_address: exchange.client_address,
        };
        let (cors, rate_limit) = (edge.cors.as_ref().zip(origin), details.rate_limit.as_ref());
        Completion { id: &exchange.id, cors, rate_limit, answered, trace }.write(headers);
    }
}

/// Caches may store some errors unless a response forbids it (RFC 9111 §4.2.2).
fn describe_problem(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// The router and the framework answer some requests themselves, without a body that explains the error.
fn unexplained(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    let status = response.status();
    let explains = response.headers().contains_key(CONTENT_TYPE)
        && response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && !explains).then(|| Problem::of(ProblemType::for_status(status.as_u16())))
}

fn from_below(error: &Error) -> Problem {
    error.as_error::<Problem>().cloned().unwrap_or_else(|| {
        let status = error.as_response_error().status_code();
        Problem::of(ProblemType::for_status(status.as_u16())).caused_by(error)
    })
}

/// A problem with its body.
#[derive(Debug)]
struct ProblemBody {
    status: StatusCode,
    detail: String,
    body: Bytes,
    headers: HeaderMap,
    closes: bool,
}

impl std::fmt::Display for ProblemBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl ResponseError for ProblemBody {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::with_body(self.status, BoxBody::new(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        if self.closes {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

fn body(document: &ProblemDocument) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}

/// The framework writes JSON without a charset, and old clients then assume their own one.
fn name_charset(headers: &mut HeaderMap) {
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
}

#[cfg(test)]
mod tests {
    use super::{Edge, TrustedProxies, pass};
    use crate::clock::Clock;
    use crate::http::public_url::PublicUrl;
    use actix_web::body::to_bytes;
    use actix_web::dev::{Service, ServiceResponse};
    use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpResponse, middleware, web};
    use serde_json::Value;
    use std::sync::Arc;
    use std::time::Duration;

    async fn answer(path: &str, method: TestRequest) -> (ServiceResponse<()>, Value) {
        let edge = Edge {
            clock: Clock::system(),
            request_timeout: Duration::from_millis(50),
            hosts: Vec::new(),
            cors: None,
            public_url: PublicUrl::default(),
            stopping: Arc::default(),
            traces: None,
            trusted_proxies: TrustedProxies::default(),
            largest_head: 16 << 10,
        };
        let app = App::new()
            .app_data(web::Data::new(edge))
            .wrap(middleware::from_fn(pass))
            .route("/panics", web::get().to(|| async { panic!("a bomb in a test") as HttpResponse }))
            .route("/hangs", web::to(std::future::pending::<HttpResponse>));
        let service = init_service(app).await;
        let request = method.uri(path).insert_header(("host", "a")).insert_header(("x-request-id", "r-1")).to_request();
        let response = match service.call(request).await {
            Ok(response) => response,
            Err(error) => ServiceResponse::new(TestRequest::get().to_http_request(), error.error_response()),
        };
        let (request, response) = response.into_parts();
        let (response, body) = response.into_parts();
        let body = serde_json::from_slice(&to_bytes(body).await.unwrap()).unwrap();
        (ServiceResponse::new(request, response.set_body(())), body)
    }

    fn is_complete(response: &ServiceResponse<()>, body: &Value, path: &str) -> bool {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        header(CONTENT_TYPE) == Some("application/problem+json; charset=utf-8")
            && header(CACHE_CONTROL) == Some("no-store")
            && response.headers().get("x-request-id").is_some_and(|id| id == "r-1")
            && body["request_id"] == "r-1"
            && body["instance"] == path
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_and_says_nothing_of_its_cause() {
        let (response, body) = answer("/panics", TestRequest::get()).await;
        assert_eq!((response.status().as_u16(), body["type"].as_str()), (500, Some("/problems/internal-error")));
        assert!(is_complete(&response, &body, "/panics"), "{body}");
        assert!(!body.to_string().contains("bomb"));
    }

    #[actix_web::test]
    async fn a_request_without_end_is_answered_at_its_deadline() {
        let (response, body) = answer("/hangs", TestRequest::get()).await;
        assert_eq!((response.status().as_u16(), body["type"].as_str()), (504, Some("/problems/gateway-timeout")));
        assert!(is_complete(&response, &body, "/hangs"), "{body}");
        assert_eq!(answer("/hangs", TestRequest::post()).await.0.status().as_u16(), 408);
    }

    #[actix_web::test]
    async fn the_routers_own_answer_gets_a_body() {
        let (response, body) = answer("/nothing", TestRequest::get()).await;
        assert_eq!((response.status().as_u16(), body["type"].as_str()), (404, Some("/problems/not-found")));
        assert!(is_complete(&response, &body, "/nothing"), "{body}");
    }
}
