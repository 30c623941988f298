//! From a kept answer to an HTTP answer: ETag and 304, Age, Cache-Control, Cache-Status, and the encoding the caller
//! prefers.

use actix_web::http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::weights;
use crate::cache::{Encoding, Found, Outcome};

const JSON: &str = "application/json";
const CACHE_STATUS: &str = "cache-status";

/// The answer to a request, from the cache or just fetched.
pub fn from_cache(request: &HttpRequest, found: &Found) -> HttpResponse {
    let (encoding, body) = choose_encoding(request, found);
    let etag = found.entry.etag(encoding);
    if is_known(request, &etag) {
        let mut response = HttpResponse::NotModified();
        describe(&mut response, found, &etag);
        return response.finish();
    }
    let mut response = HttpResponse::Ok();
    describe(&mut response, found, &etag);
    response.insert_header((CONTENT_TYPE, JSON));
    if let Some(name) = encoding.name() {
        response.insert_header((CONTENT_ENCODING, name));
    }
    if let Some(link) = found.entry.link() {
        response.insert_header((LINK, link));
    }
    response.body(body)
}

/// Whether the request asks for an answer from the origin (RFC 9111 §5.2.1.4).
pub fn wants_no_cache(request: &HttpRequest) -> bool {
    let directives = request.headers().get_all(CACHE_CONTROL).filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

/// `max-age` is the whole lifetime and `Age` what is gone of it, so that `max-age` less `Age` is what is left
/// (RFC 9111 §4.2).
fn describe(response: &mut HttpResponseBuilder, found: &Found, etag: &str) {
    let lifetime = found.entry.freshness().fresh.as_secs();
    response
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, format!("private, max-age={lifetime}")))
        .insert_header((AGE, found.age.as_secs().to_string()))
        .insert_header((CACHE_STATUS, cache_status(found)))
        .insert_header((VARY, "Authorization, Accept-Encoding"));
}

/// RFC 9211. A negative `ttl` says how long ago the answer's freshness ended.
fn cache_status(found: &Found) -> String {
    let lifetime = i64::try_from(found.entry.freshness().fresh.as_secs()).unwrap_or(i64::MAX);
    let ttl = lifetime.saturating_sub_unsigned(found.age.as_secs());
    let stored = if found.entry.is_kept() { "; stored" } else { "" };
    match found.outcome {
        Outcome::Hit => format!("storegate; hit; ttl={ttl}"),
        Outcome::StaleWhileRevalidate => format!("storegate; hit; ttl={ttl}; detail=stale-while-revalidate"),
        Outcome::StaleIfError => format!("storegate; fwd=stale; ttl={ttl}; detail=stale-if-error"),
        Outcome::Miss => format!("storegate; fwd=miss{stored}; ttl={ttl}"),
        Outcome::Expired => format!("storegate; fwd=stale{stored}; ttl={ttl}"),
        Outcome::Collapsed => format!("storegate; fwd=miss; collapsed; ttl={ttl}"),
        Outcome::Bypass => format!("storegate; fwd=request{stored}; ttl={ttl}"),
    }
}

/// Whether the caller has this already: `If-None-Match` compares weakly (RFC 9110 §13.1.2).
pub fn is_known(request: &HttpRequest, etag: &str) -> bool {
    let known = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

/// The form that the caller prefers among those that are kept; of equals the smallest. Identity is always kept.
fn choose_encoding(request: &HttpRequest, found: &Found) -> (Encoding, bytes::Bytes) {
    let accepted = weights::read(request.headers(), &ACCEPT_ENCODING).unwrap_or_default();
    let weight = |encoding: Encoding| {
        let name = encoding.name()?;
        let named = accepted.iter().find(|member| member.name == name)?;
        Some(named.weight).filter(|weight| *weight > 0)
    };
    let mut wanted: Vec<(u16, Encoding)> = [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter_map(|encoding| Some((weight(encoding)?, encoding)))
        .collect();
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let kept = wanted.into_iter().find_map(|(_, encoding)| Some((encoding, found.entry.body(encoding)?)));
    kept.unwrap_or_else(|| (Encoding::Identity, found.entry.body(Encoding::Identity).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{is_known, wants_no_cache};
    use actix_web::test::TestRequest;

    #[test]
    fn an_etag_is_known_alone_in_a_list_weakly_and_by_star() {
        let known = |value: &str| {
            is_known(&TestRequest::get().insert_header(("if-none-match", value)).to_http_request(), "\"a\"")
        };
        assert!(known("\"a\"") && known("\"b\", \"a\"") && known("W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a"));
    }

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let wants =
            |value: &str| wants_no_cache(&TestRequest::get().insert_header(("cache-control", value)).to_http_request());
        assert!(wants("max-age=0, No-Cache"));
        assert!(!wants("max-age=0"));
    }
}
