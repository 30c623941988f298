//! Limits on the size of a request's head. A larger one is refused before anything reads it.

use actix_web::dev::ServiceRequest;

use super::problem::Problem;
use super::problem_type::ProblemType;

/// The longest target in bytes: 200 ids of 32 letters with their names fit.
const LONGEST_TARGET: usize = 10 << 10;
/// The largest head in bytes if tokens have at most 8 KiB.
const LARGEST_HEAD: usize = 16 << 10;
const USUAL_TOKEN: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
const SOME_ROOM: usize = 2 << 10;

/// Returns the most bytes of a head's method and fields if tokens may have `largest_token` bytes.
pub const fn largest_head(largest_token: usize) -> usize {
    LARGEST_HEAD + largest_token.saturating_sub(USUAL_TOKEN)
}

/// Returns the most bytes of a complete head, beyond which it is not read any further.
pub const fn largest_read(largest_head: usize) -> usize {
    LONGEST_TARGET + largest_head + SOME_ROOM
}

/// The longest prefix of a method that logs show, in characters. Paths are limited as well: a request that is refused
/// for its size must not produce a log line of that size.
const NAMED_METHOD: usize = 32;
const NAMED_PATH: usize = 1 << 10;

/// Returns the method as logs show it.
pub fn named_method(method: &str) -> String {
    cut(method, NAMED_METHOD)
}

/// Returns the path as logs and errors show it.
pub fn named_path(path: &str) -> String {
    cut(path, NAMED_PATH)
}

fn cut(text: &str, longest: usize) -> String {
    text.get(..text.floor_char_boundary(longest)).unwrap_or_default().to_owned()
}

/// Passes a request whose target and headers are within the limits.
///
/// # Errors
/// Returns 414 or 431.
pub fn check(request: &ServiceRequest, largest: usize) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > LONGEST_TARGET) {
        return Err(Problem::of(ProblemType::UriTooLong));
    }
    // Some targets are not a path, and a method is any token.
    let target = request.uri().authority().map_or(0, |authority| authority.as_str().len());
    let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let size = request.method().as_str().len() + target + fields;
    if size <= largest && request.headers().len() <= MOST_HEADERS {
        Ok(())
    } else {
        Err(Problem::of(ProblemType::HeadersTooLarge))
    }
}

#[cfg(test)]
mod tests {
    use super::{check, largest_head, named_method, named_path};
    use crate::http::problem_type::ProblemType;
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    #[test]
    fn a_method_counts_as_a_part_of_the_head() {
        let refused = |length| {
            let method = Method::from_bytes("M".repeat(length).as_bytes()).unwrap();
            let request = TestRequest::with_uri("/").method(method).to_srv_request();
            check(&request, largest_head(0)).err().map(|problem| problem.kind)
        };
        assert_eq!(refused(1 << 10), None);
        assert_eq!(refused(17 << 10), Some(ProblemType::HeadersTooLarge));
    }

    #[test]
    fn what_is_named_is_short() {
        assert_eq!((named_method("OPTIONS").as_str(), named_path("/stores").as_str()), ("OPTIONS", "/stores"));
        assert_eq!(named_method(&"M".repeat(100)), "M".repeat(32));
        assert_eq!(named_path(&"\u{e9}".repeat(1025)).len(), 1024);
    }
}
