//! Bodies that could end in two places, chunks, and bodies where none is read.

use super::{get, post, statuses};
use crate::app::TestApp;
use crate::peers::raw_connection::RawConnection;

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
async fn a_form_that_is_too_large_is_413_in_the_form_that_oauth_clients_read() {
    let app = TestApp::spawn();
    let large = format!("grant_type=client_credentials&scope={}", "a".repeat(64 << 10));
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let refused = app.post_form("dashboard", path, &large).await;
        assert_eq!((refused.status, refused.json()["error"].as_str()), (413, Some("invalid_request")), "{path}");
    }
}
