//! How large the head of a request may be. What is larger is refused before anything reads it.

use actix_web::dev::ServiceRequest;

use super::problem::Problem;
use super::problem_type::ProblemType;

const LONGEST_TARGET: usize = 8 << 10;
const LARGEST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// Passes a request whose target and headers are within the limits.
///
/// # Errors
/// 414 or 431.
pub fn check(request: &ServiceRequest) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > LONGEST_TARGET) {
        return Err(Problem::of(ProblemType::UriTooLong));
    }
    let (mut count, mut size) = (0, 0);
    for (name, value) in request.headers() {
        count += 1;
        size += name.as_str().len() + value.len();
    }
    if count > MOST_HEADERS || size > LARGEST_HEAD {
        return Err(Problem::of(ProblemType::HeadersTooLarge));
    }
    Ok(())
}
