//! Errors of the paths under `/oauth`, in the form that OAuth clients read (RFC 6749 §5.2).

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

/// The kinds of error (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OAuthErrorCode {
    /// The request is malformed, or says something twice.
    InvalidRequest,
    /// The client is unknown, or its secret is wrong or missing.
    InvalidClient,
    /// A scope was asked for that the client does not have.
    InvalidScope,
    /// Only `client_credentials` is known here.
    UnsupportedGrantType,
    /// There were too many wrong secrets. RFC 6749 has no name for it; this one is registered for the token endpoint
    /// (RFC 8628 §3.5) and says what to do.
    SlowDown,
    /// The service cannot do it now.
    TemporarilyUnavailable,
}

impl OAuthErrorCode {
    /// Returns the HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidScope | Self::UnsupportedGrantType => 400,
            Self::InvalidClient => 401,
            Self::SlowDown => 429,
            Self::TemporarilyUnavailable => 503,
        }
    }
}

/// An error of the paths under `/oauth`, in the form that OAuth clients read (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, thiserror::Error)]
#[error("{error_description}")]
pub struct OAuthError {
    /// The kind of error.
    pub error: OAuthErrorCode,
    /// What happened, and what to do about it.
    #[schema(example = "The client id or the client secret is wrong")]
    pub error_description: String,
    /// When to come back; becomes `Retry-After`.
    #[serde(skip)]
    #[schema(ignore)]
    pub retry_after: Option<Duration>,
    /// Whether the form is larger than it may be, which HTTP has a status for.
    #[serde(skip)]
    #[schema(ignore)]
    is_too_large: bool,
}

impl OAuthError {
    fn new(error: OAuthErrorCode, description: impl Into<String>) -> Self {
        Self { error, error_description: description.into(), retry_after: None, is_too_large: false }
    }

    /// Returns the HTTP status.
    pub const fn status(&self) -> u16 {
        if self.is_too_large { 413 } else { self.error.status() }
    }

    /// Builds the error for a form that is too large (413).
    pub fn too_large() -> Self {
        Self { is_too_large: true, ..Self::invalid_request("The form is too large; send only what the path takes") }
    }

    /// Builds the error for a malformed request (400).
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::InvalidRequest, description)
    }

    /// Builds the error for wrong credentials (401).
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::InvalidClient, description)
    }

    /// Builds the error for a scope that is not granted (400).
    pub fn invalid_scope(description: impl Into<String>) -> Self {
        Self::new(OAuthErrorCode::InvalidScope, description)
    }

    /// Builds the error for an unsupported grant (400).
    pub fn unsupported_grant_type() -> Self {
        let description = "This service knows only the grant_type client_credentials";
        Self::new(OAuthErrorCode::UnsupportedGrantType, description)
    }

    /// Builds the error after too many wrong secrets (429).
    pub fn slow_down(retry_after: Duration) -> Self {
        let description = "There were too many wrong client secrets; wait as long as Retry-After says";
        Self { retry_after: Some(retry_after), ..Self::new(OAuthErrorCode::SlowDown, description) }
    }

    /// Builds the error for a service that cannot respond now (503).
    pub fn temporarily_unavailable() -> Self {
        let description = "This cannot be done now; try again in a moment";
        let retry_after = Some(Duration::from_secs(1));
        Self { retry_after, ..Self::new(OAuthErrorCode::TemporarilyUnavailable, description) }
    }
}
