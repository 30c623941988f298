//! Requests that no honest client sends, byte by byte on a socket: each is refused, and nothing behind it is read as a
//! request of its own.

mod bodies;
mod heads;
mod pipelining;

use crate::app::TestApp;
use crate::peers::raw_connection::RawConnection;

const GOOD: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// The request that is sent behind each of the others.
const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Sends it with a good request behind it, and gives the statuses of all answers: a second one where it was clear where
/// the good request begins, and none where the connection had to end.
fn statuses(app: &TestApp, request: &str) -> Vec<String> {
    let mut connection = RawConnection::open(app.address(), format!("{request}{LAST}").as_bytes());
    let (answer, ended) = connection.read_to_end();
    assert!(ended, "still open after {request:?}: {answer}");
    let answers = answers(&answer);
    let last = answers.last().map(|(status, head, _)| (status.as_str(), head.contains("\r\nconnection: close")));
    assert!(last.is_none_or(|(_, says_so)| says_so), "the end is not announced after {request:?}: {answer}");
    answers.into_iter().map(|(status, _, _)| status).collect()
}

/// Status, head and body of each answer to something that has a body. Each refusal is a problem, whole and to be read.
fn answers(mut rest: &str) -> Vec<(String, String, String)> {
    let mut answers = Vec::new();
    while let Some((head, behind)) = rest.split_once("\r\n\r\n") {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let (body, behind) = behind.split_at_checked(length).unwrap_or_else(|| panic!("cut short: {rest:?}"));
        let status = head.get(9..12).unwrap();
        assert!(head.starts_with("HTTP/1."), "{rest:?}");
        // The token endpoint has errors of its own (RFC 6749 §5.2).
        if status >= "400" && !body.starts_with("{\"error\":") {
            for header in
                ["content-type: application/problem+json; charset=utf-8", "cache-control: no-store", "x-request-id: "]
            {
                assert!(head.contains(&format!("\r\n{header}")), "{header}: {head}");
            }
            let problem: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(problem["status"].to_string(), status, "{body}");
            let id = problem["request_id"].as_str().unwrap();
            assert!(head.contains(&format!("x-request-id: {id}")), "{head} {body}");
        }
        answers.push((status.to_owned(), head.to_owned(), body.to_owned()));
        rest = behind;
    }
    assert_eq!(rest, "");
    answers
}

fn post(head: &str, body: &str) -> String {
    format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{body}")
}

fn get(head: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n")
}
