//! How large the head of a request may be. What is larger is refused before anything reads it.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::problem::Problem;
use super::problem_type::ProblemType;

const LONGEST_TARGET: usize = 8 << 10;
const LARGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// How large a head is, counted line by line.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadSize {
    lines: usize,
    bytes: usize,
}

impl HeadSize {
    /// Counts a line.
    pub fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.lines += 1;
        self.bytes += name.as_str().len() + value.len();
    }

    /// Whether a head may be as large.
    pub const fn is_allowed(self) -> bool {
        self.lines <= MOST_HEADERS && self.bytes <= LARGEST_HEAD
    }
}

/// Passes a request whose target and headers are within the limits.
///
/// # Errors
/// 414 or 431.
pub fn check(request: &ServiceRequest) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > LONGEST_TARGET) {
        return Err(Problem::of(ProblemType::UriTooLong));
    }
    let mut size = HeadSize::default();
    request.headers().iter().for_each(|(name, value)| size.add(name, value));
    if size.is_allowed() { Ok(()) } else { Err(Problem::of(ProblemType::HeadersTooLarge)) }
}
