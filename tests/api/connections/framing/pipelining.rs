//! Several requests on one connection: each answer is to its own request, and a hostile one ends the connection.

use super::{GOOD, LAST, answers, get, post, statuses};
use crate::app::TestApp;
use crate::peers::raw_connection::RawConnection;

#[actix_web::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let app = TestApp::spawn();
    let ids: Vec<String> = (0..40).map(|number| format!("request-{number}")).collect();
    let request = |(number, id): (usize, &String)| {
        let path = ["/healthz", "/nowhere", "/openapi.json"][number % 3];
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n")
    };
    let all: String = ids.iter().enumerate().map(request).collect();
    let mut connection = RawConnection::open(app.address(), all.as_bytes());
    for (number, id) in ids.iter().enumerate() {
        let answer = connection.read_answer();
        let status = ["200", "404", "200"][number % 3];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(&format!("x-request-id: {id}\r\n")), "{id}: {answer}");
    }
}

/// Reads answers as strictly as a client does that knows which methods it has sent: each body as long as its head says.
fn bodies(answers: &str, methods: &[&str]) -> Vec<(String, usize)> {
    let (mut rest, mut bodies) = (answers, Vec::new());
    for method in methods {
        let Some((head, behind)) = rest.split_once("\r\n\r\n") else { break };
        assert!(head.starts_with("HTTP/1.1 "), "{head:?} in {answers:?}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let length = if *method == "HEAD" { 0 } else { length };
        let (body, behind) = behind.split_at_checked(length).unwrap_or_else(|| panic!("cut short: {answers:?}"));
        bodies.push((head[9..12].to_owned(), body.len()));
        rest = behind;
    }
    assert_eq!(rest, "", "more than the answers to {methods:?}");
    bodies
}

#[actix_web::test]
async fn each_response_is_to_its_own_request_though_several_came_in_one_packet() {
    let app = TestApp::spawn();
    let answers = |requests: &str| {
        let (answers, ended) = RawConnection::open(app.address(), requests.as_bytes()).read_to_end();
        assert!(ended, "still open after {requests:?}: {answers}");
        answers
    };
    let form = post("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3", "a=b");
    let head = LAST.replace("GET", "HEAD");
    let seen = bodies(&answers(&format!("{form}{head}")), &["POST", "HEAD"]);
    assert!(seen[0].0 == "400" && seen[0].1 > 0 && seen[1] == ("200".to_owned(), 0), "{seen:?}");
    // The first two wait for the gateway.
    let flow =
        format!("/stores/S_100042/flow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n", app.token("dashboard"));
    let seen = bodies(&answers(&format!("HEAD {flow}\r\n{LAST}")), &["HEAD", "GET"]);
    assert!(seen[0] == ("200".to_owned(), 0) && seen[1].0 == "200" && seen[1].1 > 0, "{seen:?}");
    let flow = flow.replace("S_100042", "S_123456");
    let seen = bodies(&answers(&format!("GET {flow}Connection: close\r\n\r\n{GOOD}{GOOD}")), &["GET"]);
    assert!(seen.len() == 1 && seen[0].0 == "200", "nothing is answered behind the last: {seen:?}");
}

#[actix_web::test]
async fn what_ends_the_scan_of_a_connection_ends_the_connection() {
    let app = TestApp::spawn();
    let chunked = "Transfer-Encoding: chunked";
    let (zeros, blanks) = ("0".repeat(40), " ".repeat(40));
    let shapes = [
        ("LF in a trailer", post(chunked, "0\r\nX: a\nb\r\n\r\n")),
        ("LF for a trailer", post(chunked, "0\r\n\nb\r\n\r\n")),
        ("NUL in a trailer", post(chunked, "0\r\nX: a\0b\r\n\r\n")),
        ("a trailer without a colon", post(chunked, "0\r\nX\r\n\r\n")),
        ("a length behind blanks", get(&format!("Content-Length:{blanks}{blanks}0"))),
        ("a length behind zeros", post(&format!("Content-Length: {zeros}{zeros}3"), "a=b")),
        (
            "a chunk's size behind zeros",
            post(chunked, &format!("{zeros}25\r\nGET / HTTP/1.1\r\nContent-Length: 90\r\n\r\n\r\n0\r\n\r\n")),
        ),
        ("an extension without end", post(chunked, &format!("1;{}", "a".repeat(1 << 20)))),
        ("trailers without end", post(chunked, &format!("0\r\n{}", "A: b\r\n".repeat(1 << 18)))),
    ];
    for (what, request) in shapes {
        for behind in ["GET /readyz HTTP/1.1\nHost: a\r\n\r\n", "GET /readyz#a HTTP/1.1\r\nHost: a\r\n\r\n", ""] {
            assert_eq!(statuses(&app, &format!("{request}{behind}")), ["400"], "{what}, then {behind:?}");
        }
    }
}

#[actix_web::test]
async fn a_hostile_request_behind_good_ones_is_refused_after_their_answers() {
    let app = TestApp::spawn();
    for hostile in ["GET /readyz HTTP/1.1\nHost: a\r\n\r\n", "GET /readyz#a HTTP/1.1\r\nHost: a\r\n\r\n", "\0\r\n\r\n"]
    {
        assert_eq!(statuses(&app, &format!("{GOOD}{GOOD}{hostile}")), ["200", "200", "400"], "{hostile:?}");
    }
}

#[actix_web::test]
async fn a_request_that_was_never_read_is_answered_with_what_is_wrong() {
    let app = TestApp::spawn();
    let long = "a".repeat(40 << 10);
    let requests = [
        ("GET /healthz HTTP/1.1\nHost: a\n\n".to_owned(), "bad-request", "LF alone"),
        ("GET /healthz#a HTTP/1.1\r\n".to_owned(), "bad-request", "`#`"),
        (post("Content-Length: 1, 1", "a"), "bad-request", "`Content-Length`"),
        (get("A : b"), "bad-request", "well-formed"),
        (format!("GET /{long} HTTP/1.1\r\n"), "uri-too-long", "ids"),
        (get(&format!("A: {long}")), "headers-too-large", "headers"),
    ];
    for (request, problem, said) in requests {
        // The one in front, in HTTP/1.0, keeps its connection; the refusal does not.
        let kept = "GET /healthz HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";
        for in_front in ["", GOOD, kept] {
            let request = format!("{in_front}{request}");
            let (answer, ended) = RawConnection::open(app.address(), request.as_bytes()).read_to_end();
            let answers = answers(&answer);
            let (_, head, body) = answers.last().unwrap();
            assert!(ended && answers.len() == 1 + usize::from(!in_front.is_empty()), "{answer}");
            assert!(body.contains(&format!("/problems/{problem}\"")), "{problem}: {body}");
            assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
            let title_or_detail = body.to_lowercase();
            assert!(title_or_detail.contains(&said.to_lowercase()), "{said}: {body}");
        }
    }
    let answer = app.raw("HEAD /healthz HTTP/1.1\r\nHost : a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\n\r\n"), "no body behind a HEAD: {answer}");
}
