//! The one check of an address that this service calls. The parser of the client library drops fragments, and takes ports that
//! are no numbers.

use std::net::Ipv6Addr;

use awc::http::Uri;
use awc::http::uri::Authority;

/// Why a text is no http or https URL that can be called. It holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpUrlError {
    /// Another scheme, or no URL.
    #[error("this is not a URL that begins with http:// or https://")]
    NotHttp,
    /// A user name or a password before the host.
    #[error("the URL has a user name or password")]
    User,
    /// No host, or one in brackets that is no IPv6 address.
    #[error("the URL has no valid host")]
    Host,
    /// A colon without a port that can be called.
    #[error("the port of the URL is not a number from 1 to 65535")]
    Port,
    /// A query, where none is expected.
    #[error("the URL has a query")]
    Query,
    /// What only browsers read.
    #[error("the URL has a fragment, which begins with #")]
    Fragment,
}

/// Parses an http or https URL with a host and, if there is a colon behind it, a port; without user name and fragment.
///
/// # Errors
/// The text is no such URL.
pub fn parse(text: &str) -> Result<Uri, HttpUrlError> {
    let uri: Uri = text.parse().map_err(|_| HttpUrlError::NotHttp)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(HttpUrlError::NotHttp);
    }
    let authority = uri.authority().ok_or(HttpUrlError::Host)?;
    if authority.as_str().contains('@') {
        return Err(HttpUrlError::User);
    }
    if !is_host(authority.host()) {
        return Err(HttpUrlError::Host);
    }
    // The usual port does not matter here.
    port(authority, 80).ok_or(HttpUrlError::Port)?;
    if text.contains('#') { Err(HttpUrlError::Fragment) } else { Ok(uri) }
}

/// Parses such a URL without a query.
///
/// # Errors
/// The text is no such URL, or has a query.
pub fn parse_plain(text: &str) -> Result<Uri, HttpUrlError> {
    parse(text).and_then(|uri| if uri.query().is_none() { Ok(uri) } else { Err(HttpUrlError::Query) })
}

/// The port of a server: the `usual` one where none is written, and `None` where something else than a port is.
pub fn port(authority: &Authority, usual: u16) -> Option<u16> {
    let (_, host_and_port) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    match host_and_port.strip_prefix(authority.host())? {
        "" => Some(usual),
        port => parse_port(port.strip_prefix(':')?),
    }
}

/// A port that can be called, in digits alone: the standard library's parser takes a sign.
pub fn parse_port(text: &str) -> Option<u16> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_digits && *port != 0)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !host.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpUrlError, parse, port};

    #[test]
    fn what_can_be_called_is_a_url() {
        for (url, expected) in [
            ("http://gateway.example.com", 80),
            ("https://gateway.example.com/m.api", 443),
            ("HTTPS://gateway.example.com:8443/m.api?a=b", 8443),
            ("http://127.0.0.1:0080/", 80),
            ("http://[::1]:65535/", 65535),
            ("http://[fd00::7]/", 80),
        ] {
            let uri = parse(url).unwrap();
            let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
            assert_eq!(port(uri.authority().unwrap(), usual), Some(expected), "{url}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong_with_it() {
        for port in ["", "99999", "65536", "0", "00", "28O90", "8443x", "0x1F90", "+80", "-1", "80.0", "1_000"] {
            for host in ["127.0.0.1", "gateway.example.com", "[::1]"] {
                for rest in ["", "/", "/m.api"] {
                    let url = format!("https://{host}:{port}{rest}");
                    assert_eq!(parse(&url), Err(HttpUrlError::Port), "{url}");
                }
            }
        }
        for (url, expected) in [
            ("", HttpUrlError::NotHttp),
            ("gateway.example.com", HttpUrlError::NotHttp),
            ("gateway.example.com:80", HttpUrlError::NotHttp),
            ("/m.api", HttpUrlError::NotHttp),
            ("ftp://gateway.example.com/", HttpUrlError::NotHttp),
            ("http://user@gateway.example.com/", HttpUrlError::User),
            ("http://user:planted@gateway.example.com:80/", HttpUrlError::User),
            ("http://:80/m.api", HttpUrlError::Host),
            ("http://[zz]/", HttpUrlError::Host),
            ("http://gateway.example.com/#f", HttpUrlError::Fragment),
            ("http://gateway.example.com/m.api#", HttpUrlError::Fragment),
            ("http://gateway.example.com#f", HttpUrlError::Fragment),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error == expected && !error.to_string().contains("planted"), "{url}: {error}");
        }
    }
}
