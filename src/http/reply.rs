//! From a kept answer to an HTTP answer: ETag and 304, Age, Cache-Control, Cache-Status, and the encoding the caller
//! prefers.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, LINK, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

use super::public_url::PublicUrl;
use super::{accept, weights};
use crate::cache::{Encoding, Entry, Form, Found, Outcome};

const JSON: HeaderValue = HeaderValue::from_static(accept::JSON);
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const VARIES_BY: HeaderValue = HeaderValue::from_static("Authorization, Accept-Encoding");

/// The answer to a request, from the cache or just fetched.
pub fn from_cache(request: &HttpRequest, public_url: &PublicUrl, found: &Found) -> HttpResponse {
    let chosen = Preference::read(request.headers()).choose(&found.entry);
    let is_known = request.headers().get_all(IF_NONE_MATCH).any(|tags| names(tags, chosen.form.etag.as_bytes()));
    let mut response = if is_known {
        HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
    } else {
        HttpResponse::with_body(StatusCode::OK, BoxBody::new(chosen.form.body.clone()))
    };
    describe(response.headers_mut(), public_url, found, &chosen, is_known, age_fields(found));
    response
}

/// Writes the head of an answer: what was prepared with the entry, and the two fields that tell its age.
pub fn describe(
    headers: &mut HeaderMap,
    public_url: &PublicUrl,
    found: &Found,
    chosen: &Chosen<'_>,
    is_known: bool,
    fields: AgeFields,
) {
    headers.insert(ETAG, chosen.form.etag.clone());
    headers.insert(CACHE_CONTROL, fields.control);
    headers.insert(AGE, fields.age);
    headers.insert(CACHE_STATUS, fields.status);
    headers.insert(VARY, VARIES_BY);
    // A 304 says only what may have changed (RFC 9110 §15.4.5).
    if is_known {
        return;
    }
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(name) = chosen.encoding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if let Some(link) = found.entry.link() {
        headers.insert(LINK, public_url.links(link));
    }
}

/// What tells an answer's age.
#[derive(Clone, Debug)]
pub struct AgeFields {
    /// `Cache-Control`: `max-age` is the whole lifetime and `Age` what is gone of it (RFC 9111 §4.2).
    control: HeaderValue,
    /// `Age`.
    age: HeaderValue,
    /// `Cache-Status`.
    status: HeaderValue,
}

/// The fields of hits, which are the same for all answers of one lifetime and age: a worker that answers many in a second
/// writes them once.
#[derive(Debug, Default)]
pub struct KnownAges(Vec<Option<KnownAge>>);

#[derive(Debug)]
struct KnownAge {
    lifetime: u64,
    seconds: u64,
    fields: AgeFields,
}

impl KnownAges {
    const PLACES: usize = 256;

    /// The fields of a hit.
    pub fn of(&mut self, found: &Found) -> AgeFields {
        if self.0.is_empty() {
            self.0.resize_with(Self::PLACES, || None);
        }
        let (lifetime, seconds) = (found.entry.freshness().fresh.as_secs(), found.age.as_secs());
        let place = usize::try_from(lifetime.wrapping_add(seconds.wrapping_mul(7))).unwrap_or_default() % Self::PLACES;
        let Some(place) = self.0.get_mut(place) else { return age_fields(found) };
        let known = match place {
            Some(known) if known.lifetime == lifetime && known.seconds == seconds => known,
            other => other.insert(KnownAge { lifetime, seconds, fields: age_fields(found) }),
        };
        known.fields.clone()
    }
}

fn age_fields(found: &Found) -> AgeFields {
    // Words and digits of this program are always a header value.
    let header = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("storegate"));
    AgeFields {
        control: header(format!("private, max-age={}", found.entry.freshness().fresh.as_secs())),
        age: HeaderValue::from(found.age.as_secs()),
        status: header(cache_status(found)),
    }
}

/// Whether the request asks for an answer from the origin (RFC 9111 §5.2.1.4).
pub fn wants_no_cache(request: &HttpRequest) -> bool {
    let directives = request.headers().get_all(CACHE_CONTROL).filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
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
        Outcome::Shared => format!("storegate; hit; ttl={ttl}; detail=shared"),
        Outcome::Bypass => format!("storegate; fwd=request{stored}; ttl={ttl}"),
    }
}

/// Whether the caller has this already.
pub fn is_known(request: &HttpRequest, etag: &str) -> bool {
    request.headers().get_all(IF_NONE_MATCH).any(|tags| names(tags, etag.as_bytes()))
}

/// Whether a line of `If-None-Match` names this tag: it compares weakly (RFC 9110 §13.1.2).
pub fn names(tags: &HeaderValue, etag: &[u8]) -> bool {
    tags.as_bytes() == etag
        || tags.as_bytes().split(|byte| *byte == b',').any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag
        })
}

/// The encodings that a caller takes, the preferred one first. Identity is always taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preference([Option<Encoding>; 2]);

/// The form of an answer that suits a caller.
#[derive(Clone, Copy, Debug)]
pub struct Chosen<'a> {
    /// Its encoding.
    pub encoding: Encoding,
    /// Its bytes and tag.
    pub form: &'a Form,
}

impl Preference {
    /// Reads `Accept-Encoding`; of equals, brotli is smaller.
    pub fn read(headers: &HeaderMap) -> Self {
        let accepted = weights::read(headers, &ACCEPT_ENCODING).unwrap_or_default();
        let weight = |encoding: Encoding| {
            let named = accepted.iter().find(|member| Some(member.name.as_str()) == encoding.name())?;
            (named.weight > 0).then_some((named.weight, encoding))
        };
        match (weight(Encoding::Brotli), weight(Encoding::Gzip)) {
            (Some((brotli, _)), Some((gzip, _))) if gzip > brotli => {
                Self([Some(Encoding::Gzip), Some(Encoding::Brotli)])
            }
            (brotli, gzip) => Self([brotli.map(|(_, encoding)| encoding), gzip.map(|(_, encoding)| encoding)]),
        }
    }

    /// The preferred one of the forms that are kept.
    pub fn choose<'a>(&self, entry: &'a Entry) -> Chosen<'a> {
        let kept = |encoding| Some(Chosen { encoding, form: entry.form(encoding)? });
        let preferred = self.0.into_iter().flatten().find_map(kept);
        preferred.unwrap_or(Chosen { encoding: Encoding::Identity, form: entry.identity() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Preference, names, wants_no_cache};
    use crate::cache::Encoding;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    #[test]
    fn an_etag_is_known_alone_in_a_list_weakly_and_by_star() {
        let known = |value: &'static str| names(&HeaderValue::from_static(value), b"\"a\"");
        assert!(known("\"a\"") && known("\"b\", \"a\"") && known("W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a"));
    }

    #[test]
    fn the_encodings_that_are_taken_are_preferred_by_weight() {
        let prefers = |value: &str| {
            let request = TestRequest::get().insert_header(("accept-encoding", value)).to_http_request();
            Preference::read(request.headers()).0
        };
        let (gzip, brotli) = (Some(Encoding::Gzip), Some(Encoding::Brotli));
        assert_eq!(prefers("gzip, deflate, br"), [brotli, gzip]);
        assert_eq!(prefers("br;q=0.5, gzip"), [gzip, brotli]);
        assert_eq!(prefers("br;q=0, gzip;q=0.1"), [None, gzip]);
        assert_eq!(prefers("*"), [None, None]);
    }

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let wants =
            |value: &str| wants_no_cache(&TestRequest::get().insert_header(("cache-control", value)).to_http_request());
        assert!(wants("max-age=0, No-Cache"));
        assert!(!wants("max-age=0"));
    }
}
