//! The address that clients use: the base of absolute references, with the path prefix that a proxy in front removes.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;

use super::host::Host;
use crate::settings::TextValue;

/// `server.public_url` without its last slash; empty if none is configured. Clones share the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicUrl {
    text: Arc<str>,
    /// The offset at which its path begins.
    path_at: usize,
}

/// A text is not the address of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is the URL that callers use, such as https://storegate.example.com or https://example.com/storegate: http or \
     https in lower case, a host, a port if it is not the usual one, and the path that a proxy in front takes off; no \
     user, no query, no fragment"
)]
pub struct PublicUrlError;

impl TextValue for PublicUrl {}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_url = ["http", "https"].contains(&scheme)
            && authority.parse::<Host>().is_ok()
            && !authority.ends_with(':')
            && path.split('/').skip(1).all(is_segment);
        is_url.then(|| Self { text: text.into(), path_at: text.len() - path.len() }).ok_or(PublicUrlError)
    }
}

/// Whether a path segment means the same to every reader: it is not empty, has no escapes, and is no `.` or `..`.
fn is_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !["", ".", ".."].contains(&text) && text.bytes().all(is_plain)
}

impl PublicUrl {
    /// Whether a URL is configured.
    pub fn is_known(&self) -> bool {
        !self.text.is_empty()
    }

    /// Returns the URL as it was configured; empty if none is.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether clients use HTTPS.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Returns the absolute URL of one of our paths, or the path alone if no URL is configured.
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Returns one of our paths as clients see it.
    pub fn path_of<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match self.prefix() {
            "" => Cow::Borrowed(path),
            prefix => Cow::Owned(format!("{prefix}{path}")),
        }
    }

    /// Rewrites a `Link` header whose targets are our paths, as clients see them.
    pub fn links(&self, ours: &HeaderValue) -> HeaderValue {
        let prefix = self.prefix();
        let prefixed = ours.to_str().ok().filter(|_| !prefix.is_empty()).and_then(|links| {
            // Only a target begins with these characters: in a query `<` is escaped.
            HeaderValue::try_from(links.replace("</", &format!("<{prefix}/"))).ok()
        });
        prefixed.unwrap_or_else(|| ours.clone())
    }

    /// Returns the path of the URL.
    fn prefix(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::PublicUrl;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_host_with_or_without_port_and_path_is_an_address() {
        for (text, path) in [
            ("https://storegate.example.com", ""),
            ("https://storegate.example.com/", ""),
            ("http://127.0.0.1:8080", ""),
            ("http://[::1]:8080/api", "/api"),
            ("https://example.com/a-b/v1.2_~/", "/a-b/v1.2_~"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.as_str(), text.trim_end_matches('/'));
            assert_eq!(url.path_of("/stores"), format!("{path}/stores"));
            assert_eq!(url.url_of("/stores"), format!("{}/stores", text.trim_end_matches('/')));
            assert_eq!(url.is_https(), text.starts_with("https"));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "/",
            "storegate.example.com",
            "https://",
            "https:///path",
            "HTTPS://example.com",
            "ftp://example.com",
            "https://user@example.com",
            "https://example.com:",
            "https://example.com:x",
            "https://example.com:99999",
            "https://example.com?a=b",
            "https://example.com/a?b",
            "https://example.com/#a",
            "https://example.com/a b",
            "https://example.com/a//b",
            "https://example.com/../a",
            "https://example.com/a/./b",
            "https://example.com/%2e%2e",
            "https://example.com/\"><script>",
            "https://example.com/店",
            "https://exa mple.com",
            " https://example.com",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn links_get_the_path_that_callers_see() {
        let ours =
            HeaderValue::from_static("</stores?page=1>; rel=\"first\", </stores?name=%3C%2F&page=3>; rel=\"next\"");
        let url: PublicUrl = "https://example.com/api".parse().unwrap();
        let seen = "</api/stores?page=1>; rel=\"first\", </api/stores?name=%3C%2F&page=3>; rel=\"next\"";
        assert_eq!(url.links(&ours), seen);
        assert_eq!(PublicUrl::default().links(&ours), ours);
        assert_eq!(PublicUrl::default().url_of("/stores"), "/stores");
    }
}
