//! `Accept`: every path answers in one media type, and a caller who excludes it is told so.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use super::problem::Problem;
use super::problem_type::ProblemType;
use super::q_values::{self, WeightedItem};

/// JSON as it is sent: the charset is the only one that there is, and old clients want to be told.
pub const JSON: &str = "application/json; charset=utf-8";
/// Events as they are sent.
pub const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// What a path answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    EventStream,
}

impl Media {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }

    /// Media ranges that include it, the most specific first: it decides (RFC 9110 §12.5.1).
    const fn ranges(self) -> [&'static str; 3] {
        match self {
            Self::Json => ["application/json", "application/*", "*/*"],
            Self::EventStream => ["text/event-stream", "text/*", "*/*"],
        }
    }

    fn is_acceptable(self, accepted: &[WeightedItem]) -> bool {
        let weight = |range: &str| accepted.iter().find(|member| member.name == range).map(|member| member.weight);
        self.ranges().into_iter().find_map(weight).is_some_and(|weight| weight > 0)
    }
}

/// Passes when the request takes this media type: no `Accept`, or one that includes it with a weight above zero.
///
/// # Errors
/// 406 otherwise.
pub fn require(request: &HttpRequest, media: Media) -> Result<(), Problem> {
    let accepted = q_values::read(request.headers(), &ACCEPT).unwrap_or_default();
    if accepted.is_empty() || media.is_acceptable(&accepted) {
        return Ok(());
    }
    let name = media.name();
    let detail = format!(
        "This path answers with {name}, which the Accept header of the request excludes. Send `Accept: {name}`, or no Accept header at all."
    );
    Err(Problem::new(ProblemType::NotAcceptable, detail))
}

#[cfg(test)]
mod tests {
    use super::{Media, require};
    use actix_web::test::TestRequest;

    #[test]
    fn json_is_taken_by_name_and_by_wildcard_and_the_most_specific_range_decides() {
        let takes = |accept: &str| {
            require(&TestRequest::get().insert_header(("accept", accept)).to_http_request(), Media::Json).is_ok()
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
