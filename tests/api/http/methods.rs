//! The methods that paths take, as HTTP says: `GET` and `HEAD` read, `OPTIONS` tells, anything else is 405.

use crate::app::TestApp;

const READ: [&str; 13] = [
    "/stores",
    "/stores/SHOP001",
    "/stores/S_123456/flow",
    "/stores/S_123456/demographics",
    "/organizations/1084/flow",
    "/organizations/2/developer-account",
    "/inspections",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs/",
    "/problems",
    "/.well-known/jwks.json",
];

#[actix_web::test]
async fn a_method_that_a_path_does_not_take_is_405_with_allow() {
    let app = TestApp::spawn();
    for path in READ {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = app.request("operator", method, path, &[]).await;
            assert_eq!((answer.status, answer.problem().as_str()), (405, "method-not-allowed"), "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
        }
    }
    for (path, allow) in [("/cache", "DELETE, OPTIONS"), ("/oauth/token", "POST, OPTIONS")] {
        let answer = app.request("operator", "GET", path, &[]).await;
        assert_eq!((answer.status, answer.problem().as_str()), (405, "method-not-allowed"), "{path}");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn options_lists_the_methods_without_a_token() {
    let app = TestApp::spawn();
    let others = [("/cache", "DELETE, OPTIONS"), ("/oauth/token", "POST, OPTIONS")];
    for (path, allow) in READ.map(|path| (path, "GET, HEAD, OPTIONS")).into_iter().chain(others) {
        let answer = app.send("OPTIONS", path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allow)), "{path}");
        assert!(answer.body.is_empty());
    }
}

#[actix_web::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let app = TestApp::spawn();
    for path in READ {
        // The first one fills the cache, so that the second and the third differ in nothing.
        app.request("operator", "GET", path, &[]).await;
        let head = |method: &str| {
            let token = app.token("operator");
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\nx-request-id: one\r\n\r\n"
            );
            let answer = app.raw(&request);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let lines = head.lines().filter(|line| !line.starts_with("date:"));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            (lines, body.to_owned())
        };
        let (get, head) = (head("GET"), head("HEAD"));
        assert!(get.0.contains(&"HTTP/1.1 200 OK".to_owned()) && !get.1.is_empty(), "{path}: {get:?}");
        assert_eq!(head, (get.0, String::new()), "{path}");
    }
}

#[actix_web::test]
async fn head_of_an_error_has_its_status_and_no_body() {
    let app = TestApp::spawn();
    let answer = app.raw("HEAD /stores HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/problem+json; charset=utf-8"), "{answer}");
}
