//! Cross-origin resource sharing: which pages of other origins may read responses (the CORS protocol of the Fetch
//! standard).
//!
//! No CORS header is sent unless origins are configured. Cookies have no meaning here, so credentials are never
//! allowed; a bearer token is a header that the page sets itself.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};

use crate::settings::{Section, SectionSettings, section};

/// Request headers that a page may send besides the safelisted ones: what the API reads, what tracing in browsers adds
/// (W3C Trace Context, W3C Baggage), and what old libraries send by default.
const SENT: &str = "Authorization, X-API-Key, Content-Type, If-None-Match, Cache-Control, Last-Event-ID, X-Request-Id, traceparent, \
    tracestate, baggage, X-Requested-With";

/// Response headers that a page may read besides the safelisted ones.
const READ: HeaderValue = HeaderValue::from_static(
    "ETag, Age, Cache-Status, Link, Retry-After, X-Request-Id, RateLimit, RateLimit-Policy, WWW-Authenticate, Allow, Date",
);

section! {
    /// Pages of other origins that may read responses in a browser; none unless configured.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CorsSettings in "server.cors" on restart {
        /// The origins of these pages, as browsers write them: scheme, host, and a port that is not the default one.
        /// `http://localhost:*` stands for every port of a host, `["*"]` for every page that has a token; cookies are
        /// never used.
        origins: Vec<String>, example ["https://dashboard.example.com"];
        /// Headers that pages may send besides those that this service reads.
        allowed_headers: Vec<HeaderName> as Vec<String>, example ["X-Team"], by read_headers;
        /// How long a browser may cache the response to a preflight.
        max_age: Duration = "10m";
    }
}

impl CorsSettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>) -> Self {
        let settings = Self::default().over(section);
        for origin in settings
            .origins
            .iter()
            .filter(|origin| *origin != "*" && !is_origin(origin) && !is_host_at_any_port(origin))
        {
            section.problem(
                "origins",
                format!(
                    "{origin:?} is not an origin: write it as browsers do, such as https://dashboard.example.com, \
                         without a path, in lower case, and without the port that is usual for the scheme"
                ),
            );
        }
        if settings.origins.len() > 1 && settings.origins.iter().any(|origin| origin == "*") {
            section.problem("origins", "\"*\" stands for every origin: write it alone, or list the origins");
        }
        settings
    }
}

fn read_headers(section: &Section<'_>) -> Vec<HeaderName> {
    let names = section.list("allowed_headers").unwrap_or_default();
    let read = |name: &String| {
        let read = name.parse().ok().filter(|_| name != "*");
        if read.is_none() {
            section.problem(
                "allowed_headers",
                format!("{name:?} is not the name of a header field: list them one by one, such as X-Tenant-Hint"),
            );
        }
        read
    };
    names.iter().filter_map(read).collect()
}

/// Whether the text is an origin in the exact form in which browsers send it (RFC 6454 §6.2), since it is compared byte
/// by byte.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let is_host = authority.parse::<super::host::Host>().is_ok() && !authority.ends_with(':');
    is_host && !authority.ends_with(usual) && !authority.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether the text is an origin with a star in the place of its port.
fn is_host_at_any_port(text: &str) -> bool {
    let host = text.strip_suffix(":*").filter(|host| is_origin(host));
    host.is_some_and(|host| !host.trim_end_matches(|digit: char| digit.is_ascii_digit()).ends_with(':'))
}

/// Adds CORS headers to responses.
#[derive(Clone, Debug)]
pub struct Cors {
    origins: AllowedOrigins,
    sent: HeaderValue,
    max_age: HeaderValue,
}

#[derive(Clone, Debug)]
enum AllowedOrigins {
    Every,
    Listed(Vec<AllowedOrigin>),
}

/// An origin, or a host at any port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AllowedOrigin {
    Exactly(String),
    /// Scheme and host, without the colon before the port.
    AtAnyPort(String),
}

impl AllowedOrigin {
    fn of(configured: &str) -> Self {
        let host = configured.strip_suffix(":*").map(str::to_owned);
        host.map_or_else(|| Self::Exactly(configured.to_owned()), Self::AtAnyPort)
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let is_port = |rest: &[u8]| match rest {
            [] => true,
            [b':', port @ ..] => !port.is_empty() && port.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        match self {
            Self::Exactly(allowed) => origin == allowed.as_str(),
            Self::AtAnyPort(host) => origin.as_bytes().strip_prefix(host.as_bytes()).is_some_and(is_port),
        }
    }
}

/// The CORS properties of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsRequest {
    allowed: Option<HeaderValue>,
    is_preflight: bool,
}

impl Cors {
    /// Creates the CORS headers; `None` if no origin is configured.
    pub fn new(settings: &CorsSettings) -> Option<Self> {
        let origins = match settings.origins.as_slice() {
            [] => return None,
            [every] if every == "*" => AllowedOrigins::Every,
            listed => AllowedOrigins::Listed(listed.iter().map(|origin| AllowedOrigin::of(origin)).collect()),
        };
        let sent = settings.allowed_headers.iter().fold(SENT.to_owned(), |sent, name| sent + ", " + name.as_str());
        // Names and commas are always a valid header value.
        let sent = HeaderValue::try_from(sent).unwrap_or(HeaderValue::from_static(SENT));
        Some(Self { origins, sent, max_age: HeaderValue::from(settings.max_age.as_secs()) })
    }

    /// Whether responses depend on the request's origin.
    pub const fn varies_by_origin(&self) -> bool {
        matches!(self.origins, AllowedOrigins::Listed(_))
    }

    /// Reads the CORS properties of a request.
    pub fn read(&self, method: &Method, headers: &HeaderMap) -> CorsRequest {
        let mut given = headers.get_all(ORIGIN);
        let origin = given.next().filter(|_| given.next().is_none());
        let allowed = match (&self.origins, origin) {
            (_, None) => None,
            (AllowedOrigins::Every, Some(_)) => Some(HeaderValue::from_static("*")),
            (AllowedOrigins::Listed(listed), Some(origin)) => {
                listed.iter().any(|allowed| allowed.allows(origin)).then(|| origin.clone())
            }
        };
        CorsRequest { allowed, is_preflight: *method == Method::OPTIONS }
    }

    /// Adds CORS headers to a response of any status, errors and 304 included. The allowed methods are those of the
    /// path, as `Allow` states in a response to `OPTIONS`.
    pub fn describe(&self, request: &CorsRequest, headers: &mut HeaderMap) {
        if self.varies_by_origin() {
            vary_by_origin(headers);
        }
        let Some(allowed) = &request.allowed else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        match headers.get(ALLOW).filter(|_| request.is_preflight).cloned() {
            Some(methods) => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.sent.clone());
                headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
            }
            None => headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ).for_each(drop),
        }
    }
}

/// Extends the existing `Vary` line, for caches that read only one.
fn vary_by_origin(headers: &mut HeaderMap) {
    let known = headers.get(VARY).and_then(|known| known.to_str().ok());
    let all = known.and_then(|known| HeaderValue::try_from(format!("{known}, Origin")).ok());
    headers.insert(VARY, all.unwrap_or(HeaderValue::from_static("Origin")));
}

#[cfg(test)]
mod tests {
    use super::{Cors, CorsSettings, is_host_at_any_port, is_origin};
    use actix_web::http::Method;
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    fn allowed(origins: &[&str], given: &[(&'static str, &'static str)]) -> (Option<String>, Option<String>) {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let cors = Cors::new(&CorsSettings { origins, ..CorsSettings::default() }).unwrap();
        let mut answer = headers(&[("vary", "Authorization")]);
        cors.describe(&cors.read(&Method::GET, &headers(given)), &mut answer);
        let header = |name| answer.get(name).map(|value| value.to_str().unwrap().to_owned());
        (header("access-control-allow-origin"), header("vary"))
    }

    #[test]
    fn only_what_browsers_send_is_an_origin() {
        for origin in ["https://a.example.com", "http://localhost:3000", "https://[::1]:8443", "http://a:443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for text in [
            "null",
            "a.example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "https://A",
            "HTTPS://a",
            "https://a:443",
            "http://a:80",
            "https://*.a",
            "ftp://a",
            "https://u@a",
            "https://a:",
            "https://a b",
            "",
        ] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn an_origin_is_allowed_only_when_it_is_listed_letter_by_letter() {
        let listed = ["https://a.example.com", "http://localhost:3000"];
        for origin in ["https://a.example.com", "http://localhost:3000"] {
            assert_eq!(allowed(&listed, &[("origin", origin)]).0.as_deref(), Some(origin));
        }
        let others = [
            "null",
            "https://a.example.com.evil.com",
            "https://evil.com/https://a.example.com",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://A.example.com",
            "https://b.a.example.com",
            "*",
            "",
            "https://a.example.com, https://evil.com",
        ];
        for origin in others {
            assert_eq!(allowed(&listed, &[("origin", origin)]).0, None, "{origin}");
        }
        assert_eq!(allowed(&listed, &[]).0, None);
        let two = [("origin", "https://a.example.com"), ("origin", "https://evil.com")];
        assert_eq!(allowed(&listed, &two).0, None);
    }

    #[test]
    fn a_host_at_any_port_is_allowed_with_each_port_and_no_other_host() {
        for text in ["http://localhost:*", "https://a.example.com:*", "http://[::1]:*"] {
            assert!(is_host_at_any_port(text), "{text}");
        }
        for text in ["http://localhost", "http://localhost:3000:*", "http://*:*", "localhost:*", "http://:*", ":*", "*"]
        {
            assert!(!is_host_at_any_port(text), "{text}");
        }
        let listed = ["http://localhost:*", "http://[::1]:*"];
        for origin in ["http://localhost", "http://localhost:3000", "http://localhost:65535", "http://[::1]:5173"] {
            assert_eq!(allowed(&listed, &[("origin", origin)]).0.as_deref(), Some(origin));
        }
        for origin in [
            "https://localhost:3000",
            "http://localhost:",
            "http://localhost:3000/",
            "http://localhost:*",
            "http://localhost.evil.com",
            "http://localhost.evil.com:3000",
            "http://localhost:3000.evil.com",
            "http://localhost:80@evil.com",
            "http://localhost:3000, https://evil.com",
            "http://[::1]evil:1",
            "null",
        ] {
            assert_eq!(allowed(&listed, &[("origin", origin)]).0, None, "{origin}");
        }
    }

    #[test]
    fn a_response_varies_by_origin_whenever_origins_are_configured() {
        assert_eq!(allowed(&["https://a"], &[]).1.as_deref(), Some("Authorization, Origin"));
        assert_eq!(allowed(&["https://a"], &[("origin", "https://a")]).1.as_deref(), Some("Authorization, Origin"));
        assert_eq!(allowed(&["*"], &[("origin", "null")]), (Some("*".to_owned()), Some("Authorization".to_owned())));
    }

    #[test]
    fn without_origins_there_is_no_cors() {
        assert!(Cors::new(&CorsSettings::default()).is_none());
    }
}
