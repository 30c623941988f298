//! The errors of the token endpoint, in the form that OAuth clients read (RFC 6749 §5.2).

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
    /// The service cannot do it now.
    TemporarilyUnavailable,
}

impl OAuthErrorCode {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidScope | Self::UnsupportedGrantType => 400,
            Self::InvalidClient => 401,
            Self::TemporarilyUnavailable => 503,
        }
    }
}

/// An error of the token endpoint, in the form that OAuth clients read (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OAuthError {
    /// The kind of error.
    pub error: OAuthErrorCode,
    /// What happened, and what to do about it.
    #[schema(example = "The client id or the client secret is wrong")]
    pub error_description: String,
}

impl OAuthError {
    /// 400: the request is malformed.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self { error: OAuthErrorCode::InvalidRequest, error_description: description.into() }
    }

    /// 401: the client is not let in.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self { error: OAuthErrorCode::InvalidClient, error_description: description.into() }
    }

    /// 400: a scope is not granted.
    pub fn invalid_scope(description: impl Into<String>) -> Self {
        Self { error: OAuthErrorCode::InvalidScope, error_description: description.into() }
    }

    /// 400: another grant was asked for.
    pub fn unsupported_grant_type() -> Self {
        let description = "This service knows only the grant_type client_credentials";
        Self { error: OAuthErrorCode::UnsupportedGrantType, error_description: description.to_owned() }
    }

    /// 503: no token can be made now.
    pub fn temporarily_unavailable() -> Self {
        let description = "No token can be made now; try again in a moment";
        Self { error: OAuthErrorCode::TemporarilyUnavailable, error_description: description.to_owned() }
    }
}
