//! `Accept`: every answer is JSON, and a caller who excludes JSON is told so.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use super::problem::Problem;
use super::problem_type::ProblemType;

/// Passes when the request takes JSON: no `Accept`, or one that includes `application/json` with a weight above zero.
///
/// # Errors
/// 406 otherwise.
pub fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let mut values = request.headers().get_all(ACCEPT).peekable();
    if values.peek().is_none() || values.any(|value| value.to_str().is_ok_and(takes_json)) {
        return Ok(());
    }
    Err(Problem::of(ProblemType::NotAcceptable))
}

fn takes_json(accept: &str) -> bool {
    accept.trim().is_empty() || accept.split(',').any(|range| is_json(range) && !is_refused(range))
}

fn is_json(range: &str) -> bool {
    let media_type = range.split(';').next().unwrap_or_default().trim();
    ["*/*", "application/*", "application/json"].iter().any(|known| media_type.eq_ignore_ascii_case(known))
}

fn is_refused(range: &str) -> bool {
    range.split(';').skip(1).any(|parameter| {
        let weight = parameter.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        weight == Some(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::takes_json;

    #[test]
    fn json_is_taken_by_name_and_by_wildcard() {
        for accept in
            ["application/json", "*/*", "text/html, application/*;q=0.8", "APPLICATION/JSON;charset=utf-8", ""]
        {
            assert!(takes_json(accept), "{accept}");
        }
        for accept in ["text/html", "application/xml, text/*", "application/json;q=0"] {
            assert!(!takes_json(accept), "{accept}");
        }
    }
}
