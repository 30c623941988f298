//! Loopback hosts, to which data may be sent without TLS because it does not leave this machine.

use std::net::IpAddr;

use awc::http::Uri;

/// Whether a URL's host is a loopback address or `localhost`. An IPv4 address mapped to IPv6 counts as IPv4.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether data sent to this URL crosses a network unencrypted.
pub fn is_exposed(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    uri.is_some_and(|uri| uri.scheme_str() == Some("http") && !uri.host().is_some_and(is_loopback))
}

/// Returns the address of a URL's host, or `None` if the host is a name.
pub fn address(host: &str) -> Option<IpAddr> {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::is_exposed;

    #[test]
    fn without_tls_only_this_machine_is_safe() {
        for url in [
            "http://127.0.0.1:8090/x",
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://LocalHost:80/",
            "https://10.0.0.1/",
            "HTTPS://gateway.example.com/",
        ] {
            assert!(!is_exposed(url), "{url}");
        }
        for url in [
            "http://gateway.example.com/",
            "HTTP://gateway.example.com/",
            "http://10.0.0.1/",
            "http://[fe80::1]/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://127.1/",
            "http://0.0.0.0/",
        ] {
            assert!(is_exposed(url), "{url}");
        }
    }
}
