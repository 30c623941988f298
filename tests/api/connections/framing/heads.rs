//! Requests that no honest client sends, byte by byte on a socket: each is refused, and nothing behind it is read as a
//! request of its own.

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

fn status_lines(answer: &str) -> Vec<String> {
    let parts = answer.split("HTTP/1.").skip(1);
    parts.map(|part| part.get(2..5).unwrap().to_owned()).collect()
}

fn post(head: &str, body: &str) -> String {
    format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{body}")
}

fn get(head: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n")
}

#[actix_web::test]
async fn a_head_that_could_be_read_in_two_ways_is_400_and_ends_the_connection() {
    let app = TestApp::spawn();
    let heads = [
        ("bare LF throughout", "GET /healthz HTTP/1.1\nHost: a\n\n".to_owned()),
        ("bare LF behind the request line", "GET /healthz HTTP/1.1\nHost: a\r\n\r\n".to_owned()),
        ("bare LF in the fields", get("A: b\nTransfer-Encoding: chunked")),
        ("bare LF at the end", "GET /healthz HTTP/1.1\r\nHost: a\r\n\n".to_owned()),
        ("bare CR in a value", get("A: b\rc")),
        ("folded line", get("A: b\r\n c")),
        ("space before the colon", get("A : b")),
        ("space before the first field", "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n".to_owned()),
        ("NUL in a value", get("A: b\0c")),
        ("DEL in a value", get("A: b\x7fc")),
        ("no name", get(": b")),
        ("no colon", get("A")),
        ("two spaces", "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("HTTP/0.9", "GET /healthz\r\n".to_owned()),
        ("HTTP/1.2", "GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n".to_owned()),
        ("HTTP/2 unasked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("TLS", "\x16\x03\x01\x00\x07\x01\x00".to_owned()),
        ("WebSocket", get("Connection: upgrade\r\nUpgrade: websocket")),
        ("WebSocket with a length", post("Upgrade: websocket\r\nContent-Length: 3", "a=b")),
    ];
    for (what, request) in heads {
        assert_eq!(statuses(&app, &request), ["400"], "{what}");
    }
}

#[actix_web::test]
async fn a_body_that_could_end_in_two_places_is_400_and_ends_the_connection() {
    let app = TestApp::spawn();
    let chunked = "Transfer-Encoding: chunked";
    let bodies = [
        ("length and chunks", post(&format!("Content-Length: 5\r\n{chunked}"), "0\r\n\r\n")),
        ("chunks and length", post(&format!("{chunked}\r\nContent-Length: 5"), "0\r\n\r\n")),
        ("two lengths", post("Content-Length: 1\r\nContent-Length: 2", "ab")),
        ("one length twice", post("Content-Length: 1\r\nContent-Length: 1", "a")),
        ("a list of lengths", post("Content-Length: 1, 1", "a")),
        ("a signed length", post("Content-Length: +1", "a")),
        ("a negative length", post("Content-Length: -1", "a")),
        ("a length in hexadecimal", post("Content-Length: 0x1", "a")),
        ("a length beyond all numbers", post("Content-Length: 18446744073709551616", "a")),
        ("an unknown coding", post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        ("two codings", post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        ("chunks twice", post(&format!("{chunked}\r\n{chunked}"), "0\r\n\r\n")),
        ("identity", post("Transfer-Encoding: identity", "")),
        ("a disguised coding", post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n")),
        ("chunks in HTTP/1.0", post(chunked, "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0")),
        ("a chunk's size that is none", post(chunked, "zz\r\nabc\r\n0\r\n\r\n")),
        ("a chunk's size beyond all numbers", post(chunked, "fffffffffffffffff\r\nabc\r\n0\r\n\r\n")),
        ("bare LF between chunks", post(chunked, "3\nabc\n0\n\n")),
        ("bare LF in a chunk's extension", post(chunked, "3;a\nabc\r\n0\r\n\r\n")),
        ("a chunk longer than its size", post(chunked, "3\r\nabcd\r\n0\r\n\r\n")),
    ];
    for (what, request) in bodies {
        assert_eq!(statuses(&app, &request), ["400"], "{what}");
    }
}

#[actix_web::test]
async fn chunks_are_read_to_their_end_and_nothing_behind_them() {
    let app = TestApp::spawn();
    let request = post("Transfer-Encoding: chunked", "3;a=b\r\na=b\r\n0\r\nHost: evil\r\n\r\n");
    assert_eq!(statuses(&app, &request), ["400", "200"], "a form without a grant, and the next request");
    let hostile = format!("{request}GET /readyz HTTP/1.1\nHost: a\r\n\r\n");
    assert_eq!(statuses(&app, &hostile), ["400", "400"], "a bare LF behind chunks");
}

#[actix_web::test]
async fn a_missing_repeated_or_malformed_host_is_400() {
    let app = TestApp::spawn();
    let without = "GET /healthz HTTP/1.1\r\n\r\n";
    assert_eq!(statuses(&app, without), ["400"]);
    assert_eq!(statuses(&app, &get("Host: a")), ["400"]);
    for host in ["", "a b", "a/b", "u@a", "a,b", "a:b", "a:99999", "[::1", "http://a", "a..b", &"a".repeat(300)] {
        let request = format!("GET /stores HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(statuses(&app, &request), ["400", "200"], "{host}");
    }
    let answer = app.raw("GET /stores HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n");
    assert!(
        answer.contains("content-type: application/problem+json; charset=utf-8")
            && answer.contains("/problems/bad-request")
    );
    assert!(answer.contains("The Host header is not a host"), "{answer}");
    let old = app.raw("GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200 "), "{old}");
}

#[actix_web::test]
async fn where_hosts_are_listed_any_other_is_421_but_health_is_asked_by_address() {
    let app = TestApp::with(|setup| setup.set("SERVER__HOSTS", "api.example.com,other.example.com:8443"));
    let status = async |path, host| {
        let answer = app.get_with(path, &[("host", host)]).await;
        (answer.status, if answer.status < 400 { String::new() } else { answer.problem() })
    };
    for host in ["api.example.com", "API.example.com:80", "other.example.com:8443"] {
        assert_eq!(status("/stores", host).await.0, 200, "{host}");
    }
    for host in ["evil.example.com", "other.example.com", "127.0.0.1", "api.example.com.evil.com"] {
        assert_eq!(status("/stores", host).await, (421, "misdirected-request".to_owned()), "{host}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(path, "10.0.0.7:8080").await.0, 200, "{path}");
    }
    let page = app.send("GET", "/problems/misdirected-request", &[("host", "api.example.com")], "").await;
    assert!(page.text().contains("421") && page.text().contains("server.hosts"));
}

#[actix_web::test]
async fn a_target_that_is_no_path_of_this_host_is_400() {
    let app = TestApp::spawn();
    let unreadable = ["/healthz#fragment", "/healthz\x01", "/healthz\x7f", "/h\u{e9}", "/healthz?a=\"b\""];
    for target in unreadable {
        assert_eq!(statuses(&app, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")), ["400"], "{target:?}");
    }
    let others =
        ["healthz", "*", "a:80", "http://b/healthz", "http://a:81/healthz", "http://u@a/healthz", "ftp://a/healthz"];
    for target in others {
        let statuses = statuses(&app, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(statuses, ["400", "200"], "{target:?}");
    }
    let whole = format!("GET http://A/healthz HTTP/1.1\r\nHost: a\r\n\r\n{}", get("Connection: close"));
    let (answers, _) = RawConnection::open(app.address(), whole.as_bytes()).read_to_end();
    assert_eq!(status_lines(&answers), ["200", "200"]);
}

#[actix_web::test]
async fn nothing_is_tunnelled_and_nothing_is_echoed() {
    let app = TestApp::spawn();
    assert_eq!(statuses(&app, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"), ["400"]);
    for path in ["/stores", "/oauth/token", "/healthz"] {
        let answer = app.send("TRACE", path, &[("x-planted", "planted-value")], "").await;
        assert_eq!((answer.status, answer.problem().as_str()), (405, "method-not-allowed"));
        assert!(!answer.text().contains("planted-value"));
    }
}

#[actix_web::test]
async fn a_body_where_none_is_read_is_refused_and_never_taken_for_a_request() {
    let app = TestApp::spawn();
    let smuggled = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    let body = smuggled.repeat(3000);
    let large = format!("{}{body}", get(&format!("Content-Length: {}", body.len())));
    // Whether the rest is read to its end or the connection ends depends on what had arrived.
    let seen = statuses(&app, &large);
    assert!(seen == ["413"] || seen == ["413", "200"], "{seen:?}");
    let chunks = format!("{}{:x}\r\n{smuggled}\r\n0\r\n\r\n", get("Transfer-Encoding: chunked"), smuggled.len());
    assert_eq!(statuses(&app, &chunks), ["413", "200"]);
    let mut small = RawConnection::open(app.address(), format!("{}{{}}", get("Content-Length: 2")).as_bytes());
    assert!(small.read_answer().starts_with("HTTP/1.1 200 "));
}

#[actix_web::test]
async fn an_expectation_that_cannot_be_met_is_417_and_the_one_that_can_is_met() {
    let app = TestApp::spawn();
    let path = "/stores/S_123456/flow";
    assert_eq!(app.get(path).await.status, 200);
    let token = app.token("dashboard");
    for (path, expectation) in [("/healthz", "magic"), (path, "200-ok"), ("/nowhere", "later")] {
        let head = format!("Host: a\r\nAuthorization: Bearer {token}\r\nExpect: {expectation}\r\n\r\n");
        assert_eq!(statuses(&app, &format!("GET {path} HTTP/1.1\r\n{head}"))[0], "417", "{expectation}");
    }
    let mut connection = RawConnection::open(app.address(), get("Expect: 100-continue").as_bytes());
    assert_eq!(connection.read_answer().get(9..12), Some("100"));
    assert_eq!(connection.read_answer().get(9..12), Some("200"));
}

#[actix_web::test]
async fn a_form_that_is_too_large_is_413_in_the_form_that_oauth_clients_read() {
    let app = TestApp::spawn();
    let large = format!("grant_type=client_credentials&scope={}", "a".repeat(64 << 10));
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let refused = app.post_form("dashboard", path, &large).await;
        assert_eq!((refused.status, refused.json()["error"].as_str()), (413, Some("invalid_request")), "{path}");
    }
}

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
async fn each_answer_is_to_its_own_request_though_more_of_them_came_in_one_piece() {
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

#[actix_web::test]
async fn a_refusal_is_not_as_large_as_what_it_refuses() {
    let app = TestApp::spawn();
    let large = "A".repeat(20 << 10);
    let requests = [
        ("431", format!("{large} /healthz HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("431", format!("GET http://{large}/healthz HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("414", format!("GET /{large} HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("404", format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", &large[..8000])),
        ("405", format!("{} /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &large[..8 << 10])),
    ];
    for (status, request) in requests {
        let (answer, _) = RawConnection::open(app.address(), format!("{request}{LAST}").as_bytes()).read_to_end();
        assert_eq!(answers(&answer)[0].0, status, "{answer}");
        assert!(answer.len() < 3 << 10, "{status}: {}", answer.len());
    }
}

#[actix_web::test]
async fn what_the_server_takes_at_all_is_told_to_who_asks_for_no_path() {
    let app = TestApp::spawn();
    let answer = app.raw(&LAST.replace("GET /healthz", "OPTIONS *"));
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.contains("\r\nallow: GET, HEAD, POST"), "{answer}");
}

#[actix_web::test]
async fn too_many_headers_for_the_parser_are_431_too() {
    let app = TestApp::spawn();
    let fields: Vec<String> = (0..200).map(|number| format!("A-{number}: b")).collect();
    assert_eq!(statuses(&app, &get(&fields.join("\r\n"))), ["431"]);
}

#[actix_web::test]
async fn nothing_tells_which_program_answers() {
    let app = TestApp::spawn();
    let paths = ["/healthz", "/readyz", "/metrics", "/docs/", "/problems", "/openapi.json", "/nowhere", "/stores", "/"];
    for path in paths {
        for answer in [app.get(path).await, app.send("GET", path, &[], "").await, app.send("PUT", path, &[], "").await]
        {
            for banner in ["server", "x-powered-by", "via"] {
                assert!(answer.header(banner).is_none(), "{path}: {banner}");
            }
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        }
    }
    for request in ["\0\r\n\r\n".to_owned(), get("Host: a"), get("Connection: close").replace("Host: a", "Host: a/b")] {
        let (answer, _) = RawConnection::open(app.address(), request.as_bytes()).read_to_end();
        let answer = answer.to_ascii_lowercase();
        assert!(!answer.contains("\r\nserver:") && !answer.contains("actix"), "{answer}");
    }
}
