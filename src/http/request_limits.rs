//! How large the head of a request may be. What is larger is refused before anything reads it.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::problem::Problem;
use super::problem_type::ProblemType;

/// 200 ids of 32 letters fit, each with its name.
const LONGEST_TARGET: usize = 10 << 10;
/// With a token of 8 KiB.
const LARGEST_HEAD: usize = 16 << 10;
const USUAL_TOKEN: usize = 8 << 10;
const MOST_HEADERS: usize = 64;
const SOME_ROOM: usize = 2 << 10;

/// How large the fields of a head may be, together with its method, where tokens may be as large.
pub const fn largest_head(largest_token: usize) -> usize {
    LARGEST_HEAD + largest_token.saturating_sub(USUAL_TOKEN)
}

/// How large a head may be with everything in it, before it is not read on.
pub const fn largest_read(largest_head: usize) -> usize {
    LONGEST_TARGET + largest_head + SOME_ROOM
}

/// How large a head is, counted line by line.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadSize {
    lines: usize,
    bytes: usize,
}

impl HeadSize {
    /// A head that begins with so many bytes.
    pub const fn of(bytes: usize) -> Self {
        Self { lines: 0, bytes }
    }

    /// Counts a line.
    pub fn add(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.lines += 1;
        self.bytes += name.as_str().len() + value.len();
    }

    /// Whether a head may be as large, where [`largest_head`] is the most.
    pub const fn is_allowed(self, largest: usize) -> bool {
        self.lines <= MOST_HEADERS && self.bytes <= largest
    }
}

/// As much of a method and of a path is named in the log and in errors: the head of a request that is refused for its size
/// must not make a line as large.
const NAMED_METHOD: usize = 32;
const NAMED_PATH: usize = 1 << 10;

/// The method as the log names it.
pub fn named_method(method: &str) -> String {
    cut(method, NAMED_METHOD)
}

/// The path as the log and the errors name it.
pub fn named_path(path: &str) -> String {
    cut(path, NAMED_PATH)
}

fn cut(text: &str, longest: usize) -> String {
    text.get(..text.floor_char_boundary(longest)).unwrap_or_default().to_owned()
}

/// Passes a request whose target and headers are within the limits.
///
/// # Errors
/// 414 or 431.
pub fn check(request: &ServiceRequest, largest: usize) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > LONGEST_TARGET) {
        return Err(Problem::of(ProblemType::UriTooLong));
    }
    // Some targets are no path, and a method is anything without blanks.
    let target = request.uri().authority().map_or(0, |authority| authority.as_str().len());
    let mut size = HeadSize::of(request.method().as_str().len() + target);
    request.headers().iter().for_each(|(name, value)| size.add(name, value));
    if size.is_allowed(largest) { Ok(()) } else { Err(Problem::of(ProblemType::HeadersTooLarge)) }
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
            check(&request, largest_head(0)).err().map(|problem| problem.kind())
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
