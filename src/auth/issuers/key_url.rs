//! The addresses from which keys are fetched. They come from the settings, or from the document at an address of the
//! settings; nothing in a token determines an address.

use std::fmt;

use awc::http::Uri;

use crate::http_client::loopback::{address, is_loopback};
use crate::settings::http_url;

/// An address `https://…`, or `http://…` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyUrl(Uri);

/// The advice for an invalid address.
pub(super) const HELP: &str = "write a URL that begins with https:// (http:// only for this machine), with a port from 1 to 65535 or none, without user and fragment";
/// The advice for an invalid name of an issuer that is found by discovery.
pub(super) const ISSUER_HELP: &str = "write a URL that begins with https:// (http:// only for this machine), with a port from 1 to 65535 or none, without user, query and fragment";

impl KeyUrl {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri = http_url::parse(text).ok()?;
        let host = uri.host()?;
        let is_safe = match uri.scheme_str()? {
            "https" => !is_disguised(host),
            "http" => is_loopback(host),
            _ => false,
        };
        is_safe.then_some(Self(uri))
    }

    /// Parses the name of an issuer, which has no query (RFC 8414 §2), because the address of its metadata is derived
    /// from it.
    pub(super) fn parse_issuer(text: &str) -> Option<Self> {
        Self::parse(text).filter(|address| address.0.query().is_none())
    }

    /// Whether the address is one of this machine, with TLS or without, by any of its names.
    pub(super) fn is_local(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        match address(host) {
            Some(address) => address.is_loopback() || address.is_unspecified(),
            None => {
                let name = host.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Whether the host is an address in a form that only resolvers understand, such as `127.1`, `0x7f000001` or
/// `2130706433`. No name ends in a number (WHATWG URL §3.5).
fn is_disguised(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")).map_or(last, |_| "0");
    !last.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) && address(host).is_none()
}

#[cfg(test)]
mod tests {
    use super::KeyUrl;

    #[test]
    fn only_tls_leaves_the_machine() {
        for good in
            ["https://login.example.com/keys", "http://127.0.0.1:80/x", "http://[::1]:1/", "http://localhost:9/"]
        {
            assert!(KeyUrl::parse(good).is_some() && KeyUrl::parse_issuer(good).is_some(), "{good}");
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
            "https://login.example.com/#x",
            "https://127.1/",
            "https://0x7f000001/",
            "https://0177.0.0.0x1/",
            "https://2130706433/",
            "https://127.0.0.1./",
            "https://login.example.com:99999/",
            "https://login.example.com:8443x/",
            "https://login.example.com:/",
            "https://login.example.com:0/",
            "",
        ];
        for bad in bad {
            assert!(KeyUrl::parse(bad).is_none() && KeyUrl::parse_issuer(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_address_of_keys_may_have_a_query_and_an_issuer_has_none() {
        let keys = "https://login.example.com/discovery/keys?appid=6731de76";
        assert_eq!(KeyUrl::parse(keys).unwrap().to_string(), keys);
        for issuer in [keys, "https://login.example.com?", "https://login.example.com/?x"] {
            assert!(KeyUrl::parse_issuer(issuer).is_none(), "{issuer}");
        }
    }
}
