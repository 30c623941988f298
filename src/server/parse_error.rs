//! The response to a request that cannot be parsed: 400, 408 or 431, as a problem document like all other errors.
//!
//! The framework sends these responses itself, without a body and without a hook. They have one form and are the last
//! bytes of a connection, so they are replaced while they are written.

use std::net::IpAddr;

use bytes::Bytes;

use super::framing_error::FramingError;
use crate::http::access_log;
use crate::http::problem::{PROBLEM_JSON, Problem};
use crate::http::problem_type::ProblemType;
use crate::http::public_url::PublicUrl;
use crate::http::request_id;
use crate::telemetry::traces::AnsweredRequest;

/// The length in bytes of an HTTP date (RFC 9110 §5.6.7).
const DATE: usize = 29;

/// What is known about a request that cannot be parsed.
#[derive(Clone, Debug)]
pub struct UnreadRequest {
    /// Why the framing validator rejected the request, or `None` if only the parser did.
    pub error: Option<FramingError>,
    /// Whether it is a HEAD request, so that no body may follow.
    pub is_for_head: bool,
    /// Whether responses depend on `Origin`.
    pub varies_by_origin: bool,
    /// The address that clients use.
    pub public_url: PublicUrl,
    /// Whether the connection still waits for a slot.
    pub has_no_slot: bool,
    /// The client's address.
    pub client_address: Option<IpAddr>,
}

/// The framework's own response in the written bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameworkResponse<'b> {
    /// The offset of its first byte.
    pub at: usize,
    status: u16,
    date: &'b [u8],
}

/// Finds the framework's own response at the end of these bytes. All other responses have an `x-request-id`.
pub fn find(bytes: &[u8]) -> Option<FrameworkResponse<'_>> {
    let rest = bytes.strip_suffix(b"\r\n\r\n")?;
    let (rest, date) = rest.split_at_checked(rest.len().checked_sub(DATE)?)?;
    let rest = rest.strip_suffix(b"\r\ndate: ")?;
    let kinds: [&[u8]; 3] = [b"\r\nconnection: close", b"\r\nconnection: keep-alive", b"\r\nconnection: upgrade"];
    let rest = kinds.iter().find_map(|kind| rest.strip_suffix(*kind)).unwrap_or(rest);
    let rest = rest.strip_suffix(b"\r\ncontent-length: 0")?;
    let statuses: [(&[u8], u16); 3] =
        [(b"400 Bad Request", 400), (b"408 Request Timeout", 408), (b"431 Request Header Fields Too Large", 431)];
    let (rest, status) = statuses.iter().find_map(|(line, status)| Some((rest.strip_suffix(*line)?, *status)))?;
    let rest = rest.strip_suffix(b"HTTP/1.1 ").or_else(|| rest.strip_suffix(b"HTTP/1.0 "))?;
    Some(FrameworkResponse { at: rest.len(), status, date })
}

impl FrameworkResponse<'_> {
    /// Builds the response as a problem document, and writes its line to the access log.
    pub fn as_problem(self, unread: &UnreadRequest) -> Bytes {
        let problem = match (self.status, unread.error) {
            _ if unread.has_no_slot => Problem::of(ProblemType::TooManyConnections),
            (400, Some(error)) => error.problem(),
            (status, _) => Problem::of(ProblemType::for_status(status)),
        };
        let id = request_id::fresh();
        let document = problem.logged().document(&unread.public_url, "", &id);
        let reason = match document.status {
            408 => "Request Timeout",
            414 => "URI Too Long",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            _ => "Bad Request",
        };
        let body = serde_json::to_string(&document).unwrap_or_default();
        let retry_after = if unread.has_no_slot { "retry-after: 1\r\n" } else { "" };
        let bytes_sent = if unread.is_for_head { 0 } else { body.len() as u64 };
        let answered = AnsweredRequest {
            id: &id,
            resource: access_log::UNROUTED,
            status: document.status,
            bytes_sent: Some(bytes_sent),
            client_address: unread.client_address,
            ..AnsweredRequest::default()
        };
        access_log::write(&answered, None);
        let vary = if unread.varies_by_origin { "vary: Origin\r\n" } else { "" };
        let (status, length, id) = (document.status, body.len(), &*id);
        let date = String::from_utf8_lossy(self.date);
        let answer = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-length: {length}\r\nconnection: close\r\n\
             content-type: {PROBLEM_JSON}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
             {header}: {id}\r\n{retry_after}{vary}date: {date}\r\n\r\n{body}",
            header = request_id::HEADER,
            body = if unread.is_for_head { "" } else { &body },
        );
        answer.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{UnreadRequest, find};
    use crate::http::public_url::PublicUrl;
    use crate::server::framing_error::FramingError;

    const DATE: &str = "date: Thu, 26 Nov 2026 13:28:37 GMT\r\n\r\n";
    fn unread() -> UnreadRequest {
        let public_url = PublicUrl::default();
        UnreadRequest {
            error: None,
            is_for_head: false,
            varies_by_origin: false,
            public_url,
            has_no_slot: false,
            client_address: None,
        }
    }

    fn frameworks(line: &str, connection: &str) -> String {
        format!("{line}\r\ncontent-length: 0\r\n{connection}{DATE}")
    }

    fn replaced(line: &str, unread: &UnreadRequest) -> (String, String) {
        let answer = frameworks(line, "connection: close\r\n");
        let words = find(answer.as_bytes()).unwrap().as_problem(unread);
        let text = String::from_utf8(words.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn the_frameworks_own_answer_is_found_at_the_end() {
        for line in ["HTTP/1.1 400 Bad Request", "HTTP/1.0 408 Request Timeout"] {
            for connection in ["", "connection: close\r\n", "connection: keep-alive\r\n"] {
                let answer = frameworks(line, connection);
                assert_eq!(find(answer.as_bytes()).unwrap().at, 0, "{answer}");
                let behind = format!("HTTP/1.1 204 No Content\r\n{DATE}{answer}");
                assert_eq!(find(behind.as_bytes()).unwrap().at, behind.len() - answer.len(), "{behind}");
            }
        }
    }

    #[test]
    fn no_other_answer_is_taken_for_it() {
        let answer = frameworks("HTTP/1.1 400 Bad Request", "connection: close\r\n");
        for cut in 1..=answer.len() {
            assert_eq!(find(&answer.as_bytes()[cut..]), None, "{cut}");
            assert_eq!(find(&answer.as_bytes()[..answer.len() - cut]), None, "{cut}");
        }
        let others = [
            format!("{answer}x"),
            frameworks("HTTP/1.1 404 Not Found", "connection: close\r\n"),
            frameworks("HTTP/1.1 400 Bad Request", "x-request-id: a\r\n"),
            answer.replace("content-length: 0", "content-length: 7"),
        ];
        for other in others {
            assert_eq!(find(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn it_becomes_a_problem_that_says_what_the_scan_found() {
        let (head, body) = replaced("HTTP/1.1 400 Bad Request", &unread());
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n") && !head.contains("vary"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\nconnection: close\r\n", body.len())), "{head}");
        assert!(head.ends_with("\r\ndate: Thu, 26 Nov 2026 13:28:37 GMT"), "{head}");
        assert!(body.contains("/problems/bad-request"), "{body}");
        let found = [
            (FramingError::BareLineFeed, "400 Bad Request", "LF alone"),
            (FramingError::LongTarget, "414 URI Too Long", "/problems/uri-too-long"),
            (FramingError::LargeHead, "431 Request Header Fields Too Large", "/problems/headers-too-large"),
        ];
        for (error, status, said) in found {
            let unread = UnreadRequest { error: Some(error), varies_by_origin: true, ..unread() };
            let (head, body) = replaced("HTTP/1.1 400 Bad Request", &unread);
            assert!(
                head.contains(status) && head.contains("\r\nvary: Origin\r\n") && body.contains(said),
                "{head} {body}"
            );
        }
        assert!(replaced("HTTP/1.1 408 Request Timeout", &unread()).1.contains("/problems/request-timeout"));
    }

    #[test]
    fn a_connection_that_got_no_slot_gets_that_reason() {
        let unread = UnreadRequest { has_no_slot: true, ..unread() };
        let (head, body) = replaced("HTTP/1.1 408 Request Timeout", &unread);
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && head.contains("\r\nretry-after: 1\r\n"));
        assert!(body.contains("/problems/too-many-connections"), "{body}");
    }

    #[test]
    fn no_body_follows_the_response_to_a_head_request() {
        let (head, body) = replaced("HTTP/1.1 400 Bad Request", &UnreadRequest { is_for_head: true, ..unread() });
        assert!(body.is_empty() && !head.contains("content-length: 0\r\n"), "{head}");
    }
}
