//! Turns a cached response into an HTTP response: ETag and 304, Age, Cache-Control, Cache-Status, and the encoding that
//! the client prefers.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, LINK, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use super::public_url::PublicUrl;
use super::{accept, q_values};
use crate::cache::{CacheEntry, CacheOutcome, CachedResponse, Encoding, Representation};

const JSON: HeaderValue = HeaderValue::from_static(accept::JSON);
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const VARIES_BY: HeaderValue = HeaderValue::from_static("Authorization, X-API-Key, Accept-Encoding");

/// Builds the response to a request from the cache entry. The encoding that the client accepts is made now if it was
/// not requested before.
pub async fn from_cache(request: &HttpRequest, public_url: &PublicUrl, found: &CachedResponse) -> HttpResponse {
    let tags = || request.headers().get_all(IF_NONE_MATCH);
    let preference = EncodingPreference::read(request.headers());
    let unmade = preference.unmade(&found.entry).map(|encoding| (encoding, found.entry.etag(encoding)));
    // A client that sends the tag of an encoding has got it from us, so it need not be made once more.
    let form = match unmade.filter(|(_, etag)| tags().any(|tags| lists(tags, etag.as_bytes()))) {
        Some((encoding, etag)) => Cow::Owned(Representation { body: Bytes::new(), etag, encoding }),
        None => preference.representation(&found.entry).await,
    };
    let is_known = tags().any(|tags| names(tags, form.etag.as_bytes()));
    let mut response = if is_known {
        HttpResponse::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
    } else {
        HttpResponse::with_body(StatusCode::OK, BoxBody::new(form.body.clone()))
    };
    describe(response.headers_mut(), public_url, found, &form, is_known, age_fields(found));
    response
}

/// Writes the headers of a response: those prepared with the entry, and the ones that depend on its age.
pub fn describe(
    headers: &mut HeaderMap,
    public_url: &PublicUrl,
    found: &CachedResponse,
    form: &Representation,
    is_known: bool,
    fields: AgeFields,
) {
    headers.insert(ETAG, form.etag.clone());
    headers.insert(CACHE_CONTROL, fields.control);
    headers.insert(AGE, fields.age);
    headers.insert(CACHE_STATUS, fields.status);
    headers.insert(VARY, VARIES_BY);
    // A 304 carries only what may have changed (RFC 9110 §15.4.5).
    if is_known {
        return;
    }
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(name) = form.encoding.name() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if let Some(link) = &found.entry.link {
        headers.insert(LINK, public_url.links(link));
    }
}

/// The headers that state a response's age.
#[derive(Clone, Debug)]
pub struct AgeFields {
    /// `Cache-Control`: `max-age` is the whole lifetime, of which `Age` has passed (RFC 9111 §4.2).
    control: HeaderValue,
    /// `Age`.
    age: HeaderValue,
    /// `Cache-Status`.
    status: HeaderValue,
}

/// The age headers of cache hits. They are the same for all responses of one lifetime and age, so a worker that serves
/// many per second formats them once.
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

    /// Returns the age headers of a cache hit.
    pub fn of(&mut self, found: &CachedResponse) -> AgeFields {
        if self.0.is_empty() {
            self.0.resize_with(Self::PLACES, || None);
        }
        let (lifetime, seconds) = (found.entry.freshness.fresh.as_secs(), found.age.as_secs());
        let place = usize::try_from(lifetime.wrapping_add(seconds.wrapping_mul(7))).unwrap_or_default() % Self::PLACES;
        let Some(place) = self.0.get_mut(place) else { return age_fields(found) };
        let known = match place {
            Some(known) if known.lifetime == lifetime && known.seconds == seconds => known,
            other => other.insert(KnownAge { lifetime, seconds, fields: age_fields(found) }),
        };
        known.fields.clone()
    }
}

fn age_fields(found: &CachedResponse) -> AgeFields {
    // Words and digits of this program are always a valid header value.
    let header = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("storegate"));
    AgeFields {
        control: header(format!("private, max-age={}", found.entry.freshness.fresh.as_secs())),
        age: HeaderValue::from(found.age.as_secs()),
        status: header(cache_status(found)),
    }
}

/// Whether the request bypasses caches (RFC 9111 §5.2.1.4).
pub fn wants_no_cache(request: &HttpRequest) -> bool {
    let directives = request.headers().get_all(CACHE_CONTROL).filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

/// Formats `Cache-Status` (RFC 9211). A negative `ttl` states how long ago the freshness ended.
fn cache_status(found: &CachedResponse) -> String {
    let lifetime = i64::try_from(found.entry.freshness.fresh.as_secs()).unwrap_or(i64::MAX);
    let ttl = lifetime.saturating_sub_unsigned(found.age.as_secs());
    let stored = if found.entry.is_cached() { "; stored" } else { "" };
    match found.outcome {
        CacheOutcome::Hit => format!("storegate; hit; ttl={ttl}"),
        CacheOutcome::StaleWhileRevalidate => format!("storegate; hit; ttl={ttl}; detail=stale-while-revalidate"),
        CacheOutcome::StaleIfError => format!("storegate; fwd=stale; ttl={ttl}; detail=stale-if-error"),
        CacheOutcome::Miss => format!("storegate; fwd=miss{stored}; ttl={ttl}"),
        CacheOutcome::Expired => format!("storegate; fwd=stale{stored}; ttl={ttl}"),
        CacheOutcome::Collapsed => format!("storegate; fwd=miss; collapsed; ttl={ttl}"),
        CacheOutcome::Shared => format!("storegate; hit; ttl={ttl}; detail=shared"),
        CacheOutcome::Bypass => format!("storegate; fwd=request{stored}; ttl={ttl}"),
    }
}

/// Whether the client already has this representation.
pub fn is_known(request: &HttpRequest, etag: &str) -> bool {
    request.headers().get_all(IF_NONE_MATCH).any(|tags| names(tags, etag.as_bytes()))
}

/// Whether a line of `If-None-Match` lists this tag by weak comparison (RFC 9110 §13.1.2).
pub fn names(tags: &HeaderValue, etag: &[u8]) -> bool {
    tags.as_bytes() == etag || lists(tags, etag) || lists(tags, b"*")
}

fn lists(tags: &HeaderValue, etag: &[u8]) -> bool {
    let listed = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    listed.map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag)).any(|tag| tag == etag)
}

/// The encodings that a client accepts, the preferred one first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodingPreference {
    encodings: [Option<Encoding>; 2],
    /// The client does not accept the plain body.
    refuses_identity: bool,
}

impl EncodingPreference {
    /// Reads `Accept-Encoding` (RFC 9110 §12.5.3). Of equal q-values brotli wins, since it is smaller. An encoding with
    /// a lower q-value than identity is not used, and `*` stands for encodings only if the client refuses identity.
    pub fn read(headers: &HeaderMap) -> Self {
        let accepted = q_values::read(headers, &ACCEPT_ENCODING).unwrap_or_default();
        let named = |names: &[&str]| {
            accepted.iter().find(|member| names.contains(&member.name.as_str())).map(|member| member.weight)
        };
        let (identity, others) = (named(&["identity"]), named(&["*"]));
        let refuses_identity = identity.or(others.filter(|weight| *weight == 0)) == Some(0);
        let weight = |encoding: Encoding, names: &[&str]| {
            let weight = named(names).or(others.filter(|_| refuses_identity))?;
            (weight > 0 && weight >= identity.unwrap_or_default()).then_some((weight, encoding))
        };
        let (brotli, gzip) = (weight(Encoding::Brotli, &["br"]), weight(Encoding::Gzip, &["gzip", "x-gzip"]));
        let encodings = match (brotli, gzip) {
            (Some((brotli, _)), Some((gzip, _))) if gzip > brotli => [Some(Encoding::Gzip), Some(Encoding::Brotli)],
            (brotli, gzip) => [brotli, gzip].map(|taken| taken.map(|(_, encoding)| encoding)),
        };
        Self { encodings, refuses_identity }
    }

    /// Returns the preferred representation if it is made, or `None` if it must be made first.
    pub fn choose<'a>(&self, entry: &'a CacheEntry) -> Option<&'a Representation> {
        for encoding in self.encodings.into_iter().flatten() {
            if let Some(form) = entry.made(encoding)? {
                return Some(form);
            }
        }
        (!self.refuses_identity).then_some(&entry.identity)
    }

    /// Returns the encoding that must be made for this client.
    fn unmade(&self, entry: &CacheEntry) -> Option<Encoding> {
        let worthwhile = |encoding: &Encoding| !matches!(entry.made(*encoding), Some(None));
        let first = self.encodings.into_iter().flatten().find(worthwhile)?;
        entry.made(first).is_none().then_some(first)
    }

    /// Returns the preferred representation. A client that refuses identity gets an encoding even if that is not
    /// worthwhile. A client that accepts nothing gets the plain body.
    async fn representation<'a>(&self, entry: &'a Arc<CacheEntry>) -> Cow<'a, Representation> {
        let taken = || self.encodings.into_iter().flatten();
        for encoding in taken() {
            if let Some(form) = entry.representation(encoding).await {
                return Cow::Borrowed(form);
            }
        }
        if self.refuses_identity
            && let Some(encoding) = taken().next()
            && let Some(form) = entry.representation_at_any_cost(encoding).await
        {
            return Cow::Owned(form);
        }
        Cow::Borrowed(&entry.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::{EncodingPreference, from_cache, names, wants_no_cache};
    use crate::cache::{
        AnswerCache, CacheOutcome, CacheSettings, CachedResponse, Encoding, EntityTag, FetchFailure, Freshness,
    };
    use crate::clock::Clock;
    use crate::http::public_url::PublicUrl;
    use actix_web::HttpResponse;
    use actix_web::http::header::{CONTENT_ENCODING, ETAG, HeaderValue};
    use actix_web::test::TestRequest;
    use std::time::Duration;

    #[test]
    fn an_etag_is_known_alone_in_a_list_weakly_and_by_star() {
        let known = |value: &'static str| names(&HeaderValue::from_static(value), b"\"a\"");
        assert!(known("\"a\"") && known("\"b\", \"a\"") && known("W/\"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a"));
    }

    fn prefers(value: &str) -> EncodingPreference {
        let request = TestRequest::get().insert_header(("accept-encoding", value)).to_http_request();
        EncodingPreference::read(request.headers())
    }

    #[test]
    fn the_encodings_that_are_taken_are_preferred_by_weight() {
        let (gzip, brotli) = (Some(Encoding::Gzip), Some(Encoding::Brotli));
        for (value, expected) in [
            ("gzip, deflate, br", [brotli, gzip]),
            ("br;q=0.5, gzip", [gzip, brotli]),
            ("br;q=0, gzip;q=0.1", [None, gzip]),
            ("X-GZIP", [None, gzip]),
            ("*", [None, None]),
            ("identity", [None, None]),
            ("gzip;q=0.5, identity", [None, None]),
            ("gzip;q=0.5, br, identity;q=0.7", [brotli, None]),
        ] {
            assert_eq!(prefers(value), EncodingPreference { encodings: expected, refuses_identity: false }, "{value}");
        }
        for (value, expected) in [
            ("identity;q=0", [None, None]),
            ("*;q=0", [None, None]),
            ("gzip, *;q=0", [None, gzip]),
            ("gzip, identity;q=0", [None, gzip]),
            ("*, identity;q=0", [brotli, gzip]),
            ("gzip;q=0, *;q=0.5, identity;q=0", [brotli, None]),
        ] {
            assert_eq!(prefers(value), EncodingPreference { encodings: expected, refuses_identity: true }, "{value}");
        }
        assert!(!prefers("*;q=0, identity;q=0.1").refuses_identity);
    }

    fn found(body: String) -> CachedResponse {
        let tag = EntityTag::of_bytes([body.as_bytes()]);
        let (cache, freshness) =
            (AnswerCache::<NeverReady>::new(&CacheSettings::default(), Clock::system()), Freshness::seconds(30, 0, 0));
        cache.given_once(body.into_bytes(), &tag, freshness, Duration::ZERO, CacheOutcome::Hit)
    }

    #[derive(Clone)]
    struct NeverReady;

    impl FetchFailure for NeverReady {
        fn stale_is_better(&self) -> bool {
            true
        }

        fn remembered(&self) -> Duration {
            Duration::ZERO
        }
    }

    async fn answer(found: &CachedResponse, headers: &[(&str, &str)]) -> HttpResponse {
        let request = headers.iter().fold(TestRequest::get(), |request, header| request.insert_header(*header));
        from_cache(&request.to_http_request(), &PublicUrl::default(), found).await
    }

    fn made(found: &CachedResponse) -> [bool; 2] {
        [Encoding::Gzip, Encoding::Brotli].map(|encoding| found.entry.made(encoding).is_some())
    }

    #[actix_web::test]
    async fn only_what_the_caller_prefers_is_encoded() {
        let found = found("{\"a\":1}".repeat(10_000));
        for value in ["", "identity", "deflate", "gzip;q=0, br;q=0", "*"] {
            answer(&found, &[("accept-encoding", value)]).await;
            assert_eq!(made(&found), [false, false], "{value}");
        }
        answer(&found, &[("accept-encoding", "gzip, br;q=0.1")]).await;
        assert_eq!(made(&found), [true, false]);
    }

    #[actix_web::test]
    async fn a_client_with_a_current_representation_gets_304_without_encoding_it_again() {
        let found = found("{\"a\":1}".repeat(10_000));
        let gzip = found.entry.etag(Encoding::Gzip);
        let tags = format!("\"other\", W/{}", gzip.to_str().unwrap());
        let known = answer(&found, &[("accept-encoding", "gzip"), ("if-none-match", &tags)]).await;
        assert_eq!((known.status().as_u16(), known.headers().get(ETAG)), (304, Some(&gzip)));
        assert_eq!(made(&found), [false, false]);
        // The tag of another encoding belongs to another representation.
        let other = answer(&found, &[("accept-encoding", "br"), ("if-none-match", &tags)]).await;
        assert_eq!((other.status().as_u16(), made(&found)), (200, [false, true]));
    }

    #[actix_web::test]
    async fn a_client_that_refuses_identity_gets_even_a_short_body_encoded() {
        let found = found("{}".to_owned());
        for (value, encoding) in [("gzip, identity;q=0", Some("gzip")), ("gzip", None), ("identity;q=0", None)] {
            let answer = answer(&found, &[("accept-encoding", value)]).await;
            let used = answer.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!((answer.status().as_u16(), used), (200, encoding), "{value}");
        }
    }

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let wants =
            |value: &str| wants_no_cache(&TestRequest::get().insert_header(("cache-control", value)).to_http_request());
        assert!(wants("max-age=0, No-Cache"));
        assert!(!wants("max-age=0"));
    }
}
