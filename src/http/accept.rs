//! `Accept`: every path responds in one media type, and a request that excludes it gets 406.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

use super::problem::Problem;
use super::problem_type::ProblemType;
use super::q_values::{self, WeightedItem};

/// The media type of JSON responses. JSON has only one charset, but old clients need to see it.
pub const JSON: &str = "application/json; charset=utf-8";
/// The media type of event streams.
pub const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// The media type of a path's responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    EventStream,
}

impl Media {
    /// Returns the name of the media type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }

    /// Returns the media ranges that include this type, the most specific first. The most specific one in `Accept`
    /// decides (RFC 9110 §12.5.1).
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

/// Passes a request that accepts this media type: it has no `Accept`, or one that includes the type with a q-value
/// above zero.
///
/// # Errors
/// Returns 406 otherwise.
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
