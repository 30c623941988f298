//! Every error a caller can meet: the one table from error to status, title and advice (RFC 9457).

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::gateway::error::{Error as GatewayError, Shown};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! problem_types {
    ($($type:ident = $status:literal $slug:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// What went wrong, by the name that stands in `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemType { $(#[doc = $meaning] $type),+ }

        impl ProblemType {
            /// All of them, by status.
            pub const ALL: &[Self] = &[$(Self::$type),+];

            /// The last part of the `type` reference: `/problems/{slug}`.
            pub const fn slug(self) -> &'static str { match self { $(Self::$type => $slug),+ } }

            /// The HTTP status code.
            pub const fn status(self) -> u16 { match self { $(Self::$type => $status),+ } }

            /// A short summary that does not change from case to case.
            pub const fn title(self) -> &'static str { match self { $(Self::$type => $title),+ } }

            /// What it means, for the page of this type.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$type => $meaning),+ } }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str { match self { $(Self::$type => $remedy),+ } }
        }
    };
}

problem_types! {
    InvalidParameter = 400 "invalid-parameter", "A parameter is malformed or unknown",
        "One or more parameters of the path, the query or the form are malformed, out of range, or not known here. `errors` lists all of them at once.",
        "Correct each parameter named in `errors`. The API document at /docs lists what every path takes.";
    BadRequest = 400 "bad-request", "The request is not well-formed HTTP",
        "The request could not be read as HTTP, or a header has a value that cannot be read.",
        "Look at `detail`, and send the request with a common HTTP client.";
    InvalidToken = 401 "invalid-token", "A valid access token is needed",
        "There is no bearer token, or it has expired, was issued for another service, or is not signed by a key known here.",
        "Get a token with POST /oauth/token and send it as `Authorization: Bearer …`. Tokens end; get a new one when `exp` is near.";
    InsufficientScope = 403 "insufficient-scope", "The token lacks a scope",
        "The token is valid, but it does not hold the scope that this path needs.",
        "Ask for a token with the scope named in `detail`; whoever runs this service can grant it to your client.";
    StoreNotGranted = 403 "store-not-granted", "The token may not read this store or organization",
        "The token is limited to certain stores, or the organization does not belong to this company's gateway key.",
        "Use an id that the token's `stores` claim grants, or ask whoever runs this service to grant it to your client.";
    NotFound = 404 "not-found", "There is nothing at this address",
        "There is no such path, or no such store or organization.",
        "Check the id and the path; GET /stores lists the stores, and /docs all paths.";
    StoreNotMapped = 404 "store-not-mapped", "The store has no number at this vendor",
        "Vendors number stores differently, and the number that this path needs is not known for this store.",
        "Use the store's id at the vendor named in `detail`, or have the store added to the store directory.";
    MethodNotAllowed = 405 "method-not-allowed", "This path does not take this method",
        "The path exists, but not with this method. `Allow` lists the ones that it takes.",
        "Use one of the methods in `Allow`; resources are read with GET or HEAD.";
    NotAcceptable = 406 "not-acceptable", "No representation fits the Accept header",
        "Answers are JSON in UTF-8, and the `Accept` header of the request excludes it.",
        "Send `Accept: application/json`, or no Accept header at all.";
    RequestTimeout = 408 "request-timeout", "The request did not arrive in time",
        "The request's head or body came too slowly.",
        "Send the whole request without pauses.";
    PayloadTooLarge = 413 "payload-too-large", "The request body is too large",
        "No path of this service takes a large body.",
        "Send a smaller body.";
    UriTooLong = 414 "uri-too-long", "The request target is too long",
        "The path and query are longer than this service reads.",
        "Ask for fewer ids at once.";
    UnsupportedMediaType = 415 "unsupported-media-type", "The body has an unsupported media type",
        "The body is not of the media type that this path takes.",
        "Send the body as the API document says.";
    GatewayRejectedRequest = 422 "gateway-rejected-request", "The gateway refused a parameter of the request",
        "The request was well-formed, but the vendor's gateway refused a parameter that came from the caller. `gateway` has its code.",
        "Read `detail` and the gateway's code, and correct the parameter. The same request will be refused again.";
    QuotaExceeded = 429 "quota-exceeded", "The quota is spent",
        "This client has sent more requests than its quota allows.",
        "Wait as long as `Retry-After` says. `RateLimit-Policy` shows the quota.";
    HeadersTooLarge = 431 "headers-too-large", "The request head is too large",
        "The headers of the request are larger or more than this service reads.",
        "Send fewer or shorter headers and cookies.";
    InternalError = 500 "internal-error", "Something went wrong inside this service",
        "This service made a mistake. It has been logged under the `request_id`.",
        "Try again; if it stays, report the `request_id` to whoever runs this service.";
    GatewayRefusedCredentials = 502 "gateway-refused-credentials", "The gateway refused this service's credentials",
        "The vendor's gateway refused this service's key, signature, login or permission. Your token is fine.",
        "Nothing is wrong with your request. Whoever runs this service has to correct the gateway's credentials.";
    GatewayError = 502 "gateway-error", "The gateway answered with an error or unreadably",
        "The vendor's gateway reported a failure of its own, or sent something that cannot be read.",
        "Try again in a moment; if it stays, report the `request_id` and `gateway.call_id`.";
    GatewayUnavailable = 503 "gateway-unavailable", "The gateway cannot be reached or is busy",
        "The vendor's gateway refuses connections, asks to wait, or was failing so often that it is given a rest.",
        "Wait as long as `Retry-After` says, then try again.";
    GatewayTimeout = 504 "gateway-timeout", "The gateway did not answer in time",
        "The vendor's gateway did not give a complete answer in the time allowed.",
        "Try again in a moment; ask for a shorter period if the answer is large.";
}

impl ProblemType {
    /// The type for a status that something below us answered with, such as the router's own 404.
    pub const fn for_status(status: u16) -> Self {
        match status {
            401 => Self::InvalidToken,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            406 => Self::NotAcceptable,
            408 => Self::RequestTimeout,
            413 => Self::PayloadTooLarge,
            414 => Self::UriTooLong,
            415 => Self::UnsupportedMediaType,
            431 => Self::HeadersTooLarge,
            400..=499 => Self::BadRequest,
            _ => Self::InternalError,
        }
    }
}

impl From<Shown> for ProblemType {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::RefusedCredentials => Self::GatewayRefusedCredentials,
            Shown::GatewayError => Self::GatewayError,
            Shown::Unavailable => Self::GatewayUnavailable,
            Shown::Timeout => Self::GatewayTimeout,
            Shown::NotGranted => Self::StoreNotGranted,
            Shown::NotFound => Self::NotFound,
            Shown::RejectedRequest => Self::GatewayRejectedRequest,
        }
    }
}

/// One parameter that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterError {
    /// The parameter's name.
    #[schema(example = "from")]
    pub parameter: String,
    /// What is wrong and what is wanted.
    #[schema(example = "write a date such as 2026-11-01, or an RFC 3339 instant")]
    pub message: String,
}

/// What the vendor's gateway said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GatewayNote {
    /// Which gateway: `opretail` or `oms`.
    #[schema(example = "opretail")]
    pub name: &'static str,
    /// The gateway's return code.
    #[schema(example = "-500")]
    pub code: Option<String>,
    /// The gateway's name for the code.
    #[schema(example = "API_SYSTEM_CALL_ERROR")]
    pub codename: Option<String>,
    /// The gateway's number for this call, for its support.
    #[schema(example = "5f0c1c1e8a")]
    pub call_id: Option<String>,
}

/// An error as callers read it (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A relative reference to the page that explains this type of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/gateway-timeout")]
    pub kind: String,
    /// A short summary of the type.
    #[schema(example = "The gateway did not answer in time")]
    pub title: &'static str,
    /// The HTTP status code.
    #[schema(example = 504)]
    pub status: u16,
    /// What happened this time, and what to do about it.
    #[schema(example = "The opretail gateway gave no complete answer in time. Try again in a moment.")]
    pub detail: String,
    /// The path of the request.
    #[schema(example = "/stores/S_123456/flow")]
    pub instance: String,
    /// The request's id, also in the `X-Request-Id` header and in every log line about it.
    #[schema(example = "01936f1e-7c2a-7000-8000-5a2b6c7d8e9f")]
    pub request_id: String,
    /// Only when the gateway spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub gateway: Option<GatewayNote>,
    /// Only for malformed or unknown parameters: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ParameterError>,
}

/// An error on its way to the caller. The edge (`http/edge.rs`) adds the path and the request id and logs the cause.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemType,
    detail: String,
    gateway: Option<GatewayNote>,
    errors: Vec<ParameterError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this type; `detail` says what happened this time and what to do.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), gateway: None, errors: Vec::new(), headers: Vec::new(), cause: None }
    }

    /// A problem whose only detail is what its type says.
    pub fn of(kind: ProblemType) -> Self {
        Self::new(kind, format!("{} {}", kind.meaning(), kind.remedy()))
    }

    /// 400 with all the parameters that are wrong.
    pub fn invalid_parameters(errors: Vec<ParameterError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.parameter.as_str()).collect();
        let detail = format!("Correct {}; `errors` says how.", names.join(", "));
        Self { errors, ..Self::new(ProblemType::InvalidParameter, detail) }
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Tells the caller when to come back, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)))
    }

    /// Adds what the log should hold and the caller should not.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The type of problem.
    pub const fn kind(&self) -> ProblemType {
        self.kind
    }

    /// For the log only.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Headers that belong to this problem.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The document as the caller reads it.
    pub fn document(&self, instance: &str, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            request_id: request_id.to_owned(),
            gateway: self.gateway.clone(),
            errors: self.errors.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.slug(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body is written at the edge, where the path and the request id are known.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// How long a caller is asked to wait when nothing better is known.
const COME_BACK_IN: Duration = Duration::from_secs(5);

impl From<&GatewayError> for Problem {
    fn from(error: &GatewayError) -> Self {
        let kind = ProblemType::from(error.kind.reaction().shown);
        let detail = gateway_detail(error, kind);
        let gateway = error.note.as_ref().map(|note| GatewayNote {
            name: error.gateway.name(),
            code: note.code.clone(),
            codename: note.codename.clone(),
            call_id: note.call_id.clone(),
        });
        let problem = Self { gateway, ..Self::new(kind, detail) }.caused_by(error);
        if kind == ProblemType::GatewayUnavailable { problem.retry_after(COME_BACK_IN) } else { problem }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        Self::from(&error)
    }
}

/// The gateway's own sentence is shown only where the caller can act on it.
fn gateway_detail(error: &GatewayError, kind: ProblemType) -> String {
    let said = error.note.as_ref().and_then(|note| note.message.as_deref());
    match (kind, said) {
        (ProblemType::GatewayRejectedRequest, Some(said)) => {
            format!("The {} gateway said: {said}. {}", error.gateway, kind.remedy())
        }
        _ => format!("{} ({}). {}", kind.title(), error.gateway, kind.remedy()),
    }
}
