//! Why the framing of a request is rejected.

use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// What the framing validator (`server/framing.rs`) rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramingError {
    /// A line that ends in LF alone (RFC 9112 §2.2).
    BareLineFeed,
    /// `#` in the request line (RFC 9112 §3.2).
    Fragment,
    /// An ambiguous `Content-Length` or `Transfer-Encoding` (RFC 9112 §6.3).
    Framing,
    /// A request line that is too long.
    LongTarget,
    /// Header fields that are too large.
    LargeHead,
    /// Chunks or trailers that are malformed or too long (RFC 9112 §7.1).
    Chunks,
}

impl FramingError {
    /// Returns the problem that the client receives.
    pub fn problem(self) -> Problem {
        let detail = match self {
            Self::BareLineFeed => "A line of the request ends in LF alone. End each with CR LF.",
            Self::Fragment => "There is a `#` in the request line. Leave the fragment out; it is never sent.",
            Self::Framing => {
                "The length of the body is not clear. Send one `Content-Length` with digits only, or \
                 `Transfer-Encoding: chunked` alone."
            }
            Self::LongTarget => return Problem::of(ProblemType::UriTooLong),
            Self::LargeHead => return Problem::of(ProblemType::HeadersTooLarge),
            Self::Chunks => "The body's chunks are not well-formed.",
        };
        Problem::new(ProblemType::BadRequest, detail)
    }

    /// Whether the error is in a head, which the parser then rejects. An error in a body ends the body early for its
    /// reader.
    pub const fn is_in_head(self) -> bool {
        !matches!(self, Self::Chunks)
    }
}
