//! Why a request has no complete response, as one type for all users of the client.

use std::io::{self, ErrorKind};

use actix_web::error::ParseError;
use awc::error::{ConnectError, PayloadError, SendRequestError};

/// Why a request has no complete response. It contains no address and no part of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// The URL has no valid scheme, host or port.
    #[error("the address cannot be called: write it as http://host:port/path or https://host/path")]
    BadAddress,
    /// The name cannot be resolved.
    #[error("the name cannot be resolved")]
    NameNotResolved,
    /// Every address refused the connection.
    #[error("the connection is refused")]
    ConnectionRefused,
    /// No address accepted the connection, or completed the TLS handshake, in time.
    #[error("no connection in time")]
    NoConnectionInTime,
    /// The TLS handshake failed, or the certificate is not trusted.
    #[error("TLS could not be agreed, or the certificate is not trusted")]
    TlsFailed,
    /// A connection from the pool ended before the first byte of the response.
    #[error("a reused connection was closed before the response")]
    StaleConnection,
    /// A new connection ended before the response.
    #[error("the connection was closed before the response")]
    Closed,
    /// The connection was reset before the response.
    #[error("the connection broke before the response")]
    Reset,
    /// The response is not well-formed HTTP/1.1, or was sent before the request.
    #[error("the response is not well-formed HTTP")]
    Malformed,
    /// The body is shorter than its framing states.
    #[error("the body is shorter than its framing promised")]
    CutShort,
    /// The connection failed within the body.
    #[error("the body broke off")]
    BrokeOff,
    /// The body is larger than the reader allows.
    #[error("the body is too large")]
    TooLarge,
    /// The response was not complete in time.
    #[error("no complete response in time")]
    NotInTime,
}

impl RequestFailure {
    /// Wraps the failure in an I/O error, which passes through the client library unchanged.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Only a failure to connect proves that nothing was sent; a lost connection does not.
impl From<SendRequestError> for RequestFailure {
    fn from(error: SendRequestError) -> Self {
        match error {
            SendRequestError::Connect(ConnectError::Io(error)) => {
                Self::within(&error).unwrap_or(Self::ConnectionRefused)
            }
            SendRequestError::Connect(ConnectError::Timeout) => Self::NoConnectionInTime,
            SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => Self::NameNotResolved,
            SendRequestError::Response(ParseError::Io(error)) | SendRequestError::Send(error) => {
                Self::within(&error).unwrap_or(Self::Reset)
            }
            SendRequestError::Response(_) => Self::Malformed,
            SendRequestError::Timeout => Self::NotInTime,
            SendRequestError::Url(_) => Self::BadAddress,
            _ => Self::Closed,
        }
    }
}

impl From<PayloadError> for RequestFailure {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Io(error) | PayloadError::Incomplete(Some(error)) => {
                Self::within(&error).unwrap_or(match error.kind() {
                    ErrorKind::InvalidInput | ErrorKind::InvalidData => Self::Malformed,
                    _ => Self::BrokeOff,
                })
            }
            PayloadError::Incomplete(None) => Self::BrokeOff,
            PayloadError::Overflow => Self::TooLarge,
            _ => Self::Malformed,
        }
    }
}
