//! An error on its way to the caller, and the problem document that the caller reads (RFC 9457).

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem_type::ProblemType;
use super::public_url::PublicUrl;
use crate::gateway::error::{CleanText, Error as GatewayError};
use crate::gateway::tenants::NotConfigured;

/// The media type of every error.
pub const PROBLEM_MEDIA: &str = "application/problem+json";
/// The media type of errors as it is sent, with its charset.
pub const PROBLEM_JSON: &str = "application/problem+json; charset=utf-8";

/// What kind of mistake a parameter has, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterErrorCode {
    /// The parameter must be given and is not.
    Missing,
    /// There is no parameter of this name.
    Unknown,
    /// The value cannot be read.
    Malformed,
    /// The value can be read and is too small, too large, too long or too many.
    OutOfRange,
}

/// One parameter that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterError {
    /// The parameter's name.
    #[schema(example = "from")]
    pub parameter: String,
    /// What kind of mistake it is, for programs.
    pub code: ParameterErrorCode,
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
    #[schema(example = "-500", required)]
    pub code: Option<String>,
    /// The gateway's name for the code.
    #[schema(example = "API_SYSTEM_CALL_ERROR", required)]
    pub codename: Option<String>,
    /// The gateway's number for this call, for its support.
    #[schema(example = "5f0c1c1e8a", required)]
    pub call_id: Option<String>,
}

/// An error as callers read it (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The page that explains this type of problem: an absolute URL where the service knows its own, else a path.
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
    /// The path of the request, as the caller wrote it.
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
    /// The type of problem.
    pub kind: ProblemType,
    detail: String,
    gateway: Option<GatewayNote>,
    errors: Vec<ParameterError>,
    /// The headers that belong to this problem.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    is_logged: bool,
}

impl Problem {
    /// Creates a problem of this type. `detail` says what happened this time and what to do.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            gateway: None,
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
            is_logged: false,
        }
    }

    /// Creates a problem whose detail is the general text of its type.
    pub fn of(kind: ProblemType) -> Self {
        Self::new(kind, format!("{} {}", kind.meaning(), kind.remedy()))
    }

    /// Creates a problem with status 400 that lists all invalid parameters.
    pub fn invalid_parameters(errors: Vec<ParameterError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.parameter.as_str()).collect();
        let detail = format!("Correct {}; `errors` says how.", names.join(", "));
        Self { errors, ..Self::new(ProblemType::InvalidParameter, detail) }
    }

    /// Names what is not found: the store that the lookup was about.
    #[must_use]
    pub fn of_store(self) -> Self {
        if self.kind != ProblemType::NotFound {
            return self;
        }
        let kind = ProblemType::StoreNotFound;
        Self { kind, detail: self.detail.replace(ProblemType::NotFound.remedy(), kind.remedy()), ..self }
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds `Retry-After` in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)))
    }

    /// Adds a cause for the log that the caller does not see.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Logs the failure once, with the cause that the caller does not see.
    #[must_use]
    pub fn logged(mut self) -> Self {
        if self.is_logged {
            return self;
        }
        self.is_logged = true;
        let (problem, cause) = (self.kind.slug(), self.cause().unwrap_or_default());
        match self.kind {
            ProblemType::InternalError | ProblemType::GatewayRefusedCredentials => {
                tracing::error!(problem, cause, "an operator must act");
            }
            kind if kind.status() >= 500 => tracing::warn!(problem, cause, "request failed"),
            _ => tracing::debug!(problem, cause, "request refused"),
        }
        self
    }

    /// Marks the problem as logged, where [`Problem::logged`] was called for the underlying failure.
    #[must_use]
    pub const fn already_logged(mut self) -> Self {
        self.is_logged = true;
        self
    }

    /// Returns the cause, which is for the log only.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Builds the document that the caller of this path reads.
    pub fn document(&self, public_url: &PublicUrl, path: &str, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: public_url.url_of(&format!("/problems/{}", self.kind.slug())),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            instance: public_url.path_of(path).into_owned(),
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

    /// The edge writes the body, because it knows the path and the request id.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The `Retry-After` of errors for which no better time is known.
const COME_BACK_IN: Duration = Duration::from_secs(5);

impl From<&GatewayError> for Problem {
    fn from(error: &GatewayError) -> Self {
        let kind = ProblemType::from(error.kind.reaction().shown);
        let detail = gateway_detail(error, kind);
        let gateway = error.note.as_ref().filter(|note| note.is_of_gateway()).map(|note| GatewayNote {
            name: error.vendor.name(),
            code: note.code.clone(),
            codename: note.codename.clone(),
            call_id: note.call_id.clone(),
        });
        let problem = Self { gateway, ..Self::new(kind, detail) }.caused_by(error);
        if kind == ProblemType::GatewayUnavailable {
            problem.retry_after(error.retry_after.unwrap_or(COME_BACK_IN))
        } else {
            problem
        }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        Self::from(&error)
    }
}

impl From<NotConfigured> for Problem {
    fn from(missing: NotConfigured) -> Self {
        let kind = ProblemType::NotConfigured;
        let (what, vendor) = match &missing {
            NotConfigured::Account { tenant, vendor } => (format!("the section [tenants.{tenant}.{vendor}]"), vendor),
            NotConfigured::Setting { tenant, vendor, key } => {
                (format!("the setting tenants.{tenant}.{vendor}.{key}"), vendor)
            }
        };
        let or_directory = match &missing {
            NotConfigured::Account { tenant, vendor } if vendor.pack().lists_stores => {
                format!(" Stores can also come from a store directory, [directory.{tenant}].")
            }
            _ => String::new(),
        };
        let detail = format!(
            "This path asks the {vendor} gateway, and the configuration of this service lacks {what}. Ask its operator to \
             add it.{or_directory}"
        );
        Self::new(kind, detail).caused_by(missing)
    }
}

/// Rounds up to whole seconds, at least one, so that nobody who waits that long retries too early.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}

/// The vendor's gateway is quoted only if the caller can act on its sentence.
fn gateway_detail(error: &GatewayError, kind: ProblemType) -> String {
    let said = error.note.as_ref().and_then(|note| note.message.as_deref());
    let spoke = error.note.as_ref().is_some_and(CleanText::is_of_gateway);
    let (gateway, remedy) = (error.vendor, kind.remedy());
    match (kind, said) {
        (ProblemType::GatewayRejectedRequest, Some(said)) if !spoke => said.to_owned(),
        (ProblemType::GatewayRejectedRequest, Some(said)) => format!("The {gateway} gateway said: {said}. {remedy}"),
        (ProblemType::NotFound, _) => format!("The {gateway} gateway knows nothing by this id. {remedy}"),
        (ProblemType::StoreNotGranted, _) => {
            format!("The organization does not belong to the key that this company has at {gateway}. Check its id.")
        }
        _ => format!("{} ({gateway}). {remedy}", kind.title()),
    }
}
