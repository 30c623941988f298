//! `Accept`: every answer is JSON, and a caller who excludes JSON is told so.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use super::problem::Problem;
use super::problem_type::ProblemType;
use super::weights::{self, Weighted};

/// Media ranges that include JSON, the most specific first: it decides (RFC 9110 §12.5.1).
const RANGES: [&str; 3] = ["application/json", "application/*", "*/*"];

/// Passes when the request takes JSON: no `Accept`, or one that includes `application/json` with a weight above zero.
///
/// # Errors
/// 406 otherwise.
pub fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let accepted = weights::read(request.headers(), &ACCEPT).unwrap_or_default();
    if accepted.is_empty() || takes_json(&accepted) { Ok(()) } else { Err(Problem::of(ProblemType::NotAcceptable)) }
}

fn takes_json(accepted: &[Weighted]) -> bool {
    let weight = |range: &str| accepted.iter().find(|member| member.name == range).map(|member| member.weight);
    RANGES.into_iter().find_map(weight).is_some_and(|weight| weight > 0)
}

#[cfg(test)]
mod tests {
    use super::require_json;
    use actix_web::test::TestRequest;

    #[test]
    fn json_is_taken_by_name_and_by_wildcard_and_the_most_specific_range_decides() {
        let takes = |accept: &str| {
            require_json(&TestRequest::get().insert_header(("accept", accept)).to_http_request()).is_ok()
        };
        for accept in
            ["application/json", "*/*", "text/html, application/*;q=0.8", "APPLICATION/JSON;charset=utf-8", ""]
        {
            assert!(takes(accept), "{accept}");
        }
        for accept in ["text/html", "application/xml, text/*", "application/json;q=0", "*/*, application/json;Q=0"] {
            assert!(!takes(accept), "{accept}");
        }
    }
}
