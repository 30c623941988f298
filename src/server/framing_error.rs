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
    /// `Content-Length` or `Transfer-Encoding` that says no single thing (RFC 9112 §6.3).
    Framing,
    /// A request line without end.
    LongTarget,
    /// Fields without end.
    LargeHead,
    /// Chunks or trailers that are not well-formed, or without end (RFC 9112 §7.1).
    Chunks,
}

impl FramingError {
    /// The problem sent to the client.
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

    /// Whether it was found in a head, which the parser then rejects, and not in a body, which ends early for its reader.
    pub const fn is_in_head(self) -> bool {
        !matches!(self, Self::Chunks)
    }
}
