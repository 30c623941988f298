//! Heads that could be read in two ways, hosts and targets that are none, and heads that are too large.

use super::{LAST, answers, get, post, statuses};
use crate::app::TestApp;
use crate::peers::raw_connection::RawConnection;

fn status_lines(answer: &str) -> Vec<String> {
    let parts = answer.split("HTTP/1.").skip(1);
    parts.map(|part| part.get(2..5).unwrap().to_owned()).collect()
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
async fn any_host_that_is_not_listed_is_421_but_for_health_checks() {
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
async fn options_for_the_whole_server_lists_its_methods() {
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
async fn no_header_names_the_program() {
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
