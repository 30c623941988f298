//! `Host`: exactly one, well-formed, and one that this service answers for.

use std::net::Ipv6Addr;
use std::str::FromStr;

use actix_web::dev::ServiceRequest;
use actix_web::http::Version;
use actix_web::http::header::HOST;

use super::problem::Problem;
use super::problem_type::ProblemType;
use crate::settings::TextValue;

/// The longest `Host` in bytes: a name of at most 253 characters (RFC 1035 §2.3.4 less dots), a colon, and a port.
const LONGEST: usize = 253 + 6;

/// Paths for operators' machines, which call by address and not by name. Their responses name no tenant.
const ASKED_BY_ADDRESS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// A host that this service answers for, with or without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    port: Option<u16>,
}

impl TextValue for Host {}

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, port) =
            parts(text).ok_or("write a host as callers name it, such as api.example.com or [::1]:8080")?;
        Ok(Self { name: name.to_ascii_lowercase(), port })
    }
}

impl Host {
    fn is(&self, name: &str, port: Option<u16>) -> bool {
        self.name.eq_ignore_ascii_case(name) && (self.port.is_none() || self.port == port)
    }
}

/// Passes a request with one well-formed `Host` (RFC 9112 §3.2) that is among `served`, if any are configured. HTTP/1.0
/// may omit it where none are. Returns the host as it was sent.
///
/// # Errors
/// Returns 400 if it is missing, repeated or malformed, and 421 if it names another service (RFC 9110 §15.5.20).
pub fn check<'r>(request: &'r ServiceRequest, served: &[Host]) -> Result<Option<&'r str>, Problem> {
    let mut hosts = request.headers().get_all(HOST);
    let (first, second) = (hosts.next(), hosts.next());
    let Some(host) = first else {
        let may_be_missing =
            request.version() == Version::HTTP_10 && (served.is_empty() || is_called_by_address(request));
        return if may_be_missing { Ok(None) } else { Err(malformed("There is no Host header.")) };
    };
    if second.is_some() {
        return Err(malformed("There is more than one Host header."));
    }
    let text = host.to_str().ok();
    let Some((text, (name, port))) = text.and_then(|text| Some((text, parts(text)?))) else {
        return Err(malformed("The Host header is not a host with an optional port."));
    };
    if served.is_empty() || served.iter().any(|host| host.is(name, port)) || is_called_by_address(request) {
        return Ok(Some(text));
    }
    Err(Problem::of(ProblemType::MisdirectedRequest))
}

fn is_called_by_address(request: &ServiceRequest) -> bool {
    ASKED_BY_ADDRESS.contains(&request.path())
}

fn malformed(detail: &str) -> Problem {
    Problem::new(ProblemType::BadRequest, format!("{detail} Send one, such as `Host: api.example.com`."))
}

/// Splits a host into name and port. Of the names that RFC 3986 §3.2.2 allows, only those are accepted that can occur
/// in DNS or are an address: no escapes, no commas, nothing that another parser could split or decode differently.
fn parts(text: &str) -> Option<(&str, Option<u16>)> {
    if text.len() > LONGEST {
        return None;
    }
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (name, port) = text.split_at_checked(end)?;
    let port = match port.strip_prefix(':') {
        // An empty port stands for the default one (RFC 3986 §3.2.3).
        Some("") => None,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if port.is_empty() => None,
        _ => return None,
    };
    is_name(name).then_some((name, port))
}

fn is_name(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && !name.starts_with('.')
                && !name.contains("..")
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, check, parts};
    use crate::http::problem_type::ProblemType;
    use actix_web::http::Version;
    use actix_web::test::TestRequest;

    fn refused(version: Version, path: &str, hosts: &[&str], served: &[&str]) -> Option<ProblemType> {
        let request =
            hosts.iter().fold(TestRequest::with_uri(path), |request, host| request.append_header(("host", *host)));
        let served: Vec<Host> = served.iter().map(|host| host.parse().unwrap()).collect();
        check(&request.version(version).to_srv_request(), &served).err().map(|problem| problem.kind)
    }

    #[test]
    fn names_addresses_and_ports_are_read_and_all_else_is_refused() {
        let good =
            ["a", "API.example.com", "a_b.c-d", "127.0.0.1:80", "[::1]", "[2001:db8::1]:65535", "a:", "localhost.:1"];
        for host in good {
            assert!(parts(host).is_some(), "{host}");
        }
        let bad = [
            "",
            ":80",
            "a b",
            "a@b",
            "a/b",
            "a,b",
            "a%41",
            "a:b",
            "a:1:2",
            "a:65536",
            "a:+1",
            "a:-1",
            "[::1",
            "[::1]x",
            "[a]",
            "[fe80::1%25eth0]",
            "::1",
            "a..b",
            ".a",
            "ü",
            "a\t",
            "a;b",
            "a?b",
            "a#b",
            "a\\b",
            "http://a",
        ];
        for host in bad {
            assert!(parts(host).is_none(), "{host}");
        }
        assert!(parts(&"a".repeat(260)).is_none());
    }

    #[test]
    fn one_host_is_needed() {
        let bad = Some(ProblemType::BadRequest);
        assert_eq!(refused(Version::HTTP_11, "/stores", &["a"], &[]), None);
        assert_eq!(refused(Version::HTTP_11, "/stores", &[], &[]), bad);
        assert_eq!(refused(Version::HTTP_11, "/stores", &["a", "a"], &[]), bad);
        assert_eq!(refused(Version::HTTP_10, "/stores", &["a,b"], &[]), bad);
        assert_eq!(refused(Version::HTTP_10, "/stores", &[], &[]), None);
        assert_eq!(refused(Version::HTTP_10, "/stores", &[], &["a"]), bad);
        assert_eq!(refused(Version::HTTP_10, "/healthz", &[], &["a"]), None);
    }

    #[test]
    fn where_hosts_are_listed_others_are_misdirected_but_for_health() {
        let served = ["Api.example.com", "other:8080"];
        for host in ["api.example.com", "API.EXAMPLE.COM:443", "other:8080"] {
            assert_eq!(refused(Version::HTTP_11, "/stores", &[host], &served), None, "{host}");
        }
        for host in ["example.com", "api.example.com.evil", "other", "other:80", "xother:8080"] {
            let found = refused(Version::HTTP_11, "/stores", &[host], &served);
            assert_eq!(found, Some(ProblemType::MisdirectedRequest), "{host}");
        }
        assert_eq!(refused(Version::HTTP_11, "/readyz", &["10.0.0.7:8080"], &served), None);
    }
}
