//! The addresses from which keys are fetched. They come from the settings, or from the document that an address of the
//! settings gave; nothing in a token leads anywhere.

use std::fmt;

use awc::http::Uri;

/// `https://…`, or `http://…` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyUrl(Uri);

/// What is wrong with an address.
pub(super) const HELP: &str =
    "write a URL that begins with https:// (http:// only for this machine), without user, query and fragment";

impl KeyUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        let has_plain_path = !text.contains('#') && !authority.as_str().contains('@') && uri.query().is_none();
        let is_safe = match uri.scheme_str()? {
            "https" => true,
            "http" => is_loopback(authority.host()),
            _ => false,
        };
        (has_plain_path && is_safe).then_some(Self(uri))
    }

    /// Whether the address is one of this machine, without TLS.
    pub(super) fn is_local(&self) -> bool {
        self.0.scheme_str() == Some("http")
    }

    pub(super) fn uri(&self) -> Uri {
        self.0.clone()
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::KeyUrl;

    #[test]
    fn only_tls_leaves_the_machine() {
        for good in
            ["https://login.example.com/keys", "http://127.0.0.1:80/x", "http://[::1]:1/", "http://localhost:9/"]
        {
            assert!(KeyUrl::parse(good).is_some(), "{good}");
        }
        let bad = [
            "http://login.example.com/keys",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "ftp://login.example.com/",
            "file:///etc/passwd",
            "/keys",
            "login.example.com",
            "https://user@login.example.com/",
            "https://login.example.com/keys?x=1",
            "https://login.example.com/#x",
            "",
        ];
        for bad in bad {
            assert!(KeyUrl::parse(bad).is_none(), "{bad}");
        }
    }
}
