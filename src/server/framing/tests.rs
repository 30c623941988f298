//! Tests of the framing validator: what it passes, replaces and refuses in pieces of any size, and that it sees the
//! same requests as the parser.

use super::{FramingValidator, Incomplete};
use crate::server::framing_error::FramingError;
use actix_codec::Decoder;
use actix_http::h1::{Codec, Message, MessageType};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// Returns what passes of requests that arrive in pieces of this size, and why no more does.
fn passed(requests: &str, size: usize) -> (String, Option<FramingError>) {
    let mut bytes = requests.as_bytes().to_vec();
    let (mut scan, mut passed) = (FramingValidator::default(), Vec::new());
    for piece in bytes.chunks_mut(size) {
        let mut at = 0;
        while at < piece.len() && scan.error().is_none() {
            let count = scan.pass(&mut piece[at..]);
            passed.extend_from_slice(&piece[at..at + count]);
            at += count;
        }
    }
    (String::from_utf8(passed).unwrap(), scan.error())
}

fn in_all_sizes(requests: &str, expected: &str, error: Option<FramingError>) {
    for size in 1..=requests.len() {
        let (passed, why) = passed(requests, size);
        assert_eq!((passed.as_str(), why), (expected, error), "in pieces of {size}");
    }
}

/// Asserts that nothing is read after `begin`, in pieces of any size.
fn is_refused(begin: &str, error: FramingError) {
    let behind = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";
    for size in [1, 2, 3, 7, 64, 1 << 20] {
        let (passed, why) = passed(&format!("{begin}{behind}"), size);
        assert_eq!(why, Some(error), "{begin:?} in pieces of {size}");
        assert!(!passed.contains("/behind") && passed.len() <= begin.len(), "{passed:?}");
        assert_eq!(passed.ends_with('\0'), error.is_in_head(), "{passed:?}");
    }
}

const GET: &str = "GET /a?b HTTP/1.1\r\nHost: x\r\nReferer: http://x/#fragment\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn well_formed_requests_pass_as_they_are_one_behind_the_other() {
    let post = "POST /b HTTP/1.1\r\nhost: x\r\nCONTENT-LENGTH:  9 \r\n\r\na\nb#c\r\n\r\n";
    let all = format!("\r\n{GET}{post}{GET}{GET}");
    in_all_sizes(&all, &all, None);
}

#[test]
fn one_request_passes_at_a_time() {
    let mut all = format!("{GET}\r\n{CHUNKED}1\r\na\r\n0\r\n\r\n{GET}").into_bytes();
    let (mut scan, mut at, mut ends) = (FramingValidator::default(), 0, Vec::new());
    while at < all.len() {
        at += scan.pass(&mut all[at..]);
        ends.push((at, scan.messages(), scan.is_between()));
    }
    let second = GET.len() + 2 + CHUNKED.len() + 11;
    assert_eq!(ends, [(GET.len(), 1, true), (second, 2, true), (second + GET.len(), 3, true)]);
}

#[test]
fn a_bare_line_feed_is_spoiled_wherever_it_stands_in_a_head() {
    let bare = Some(FramingError::BareLineFeed);
    in_all_sizes("GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\0", bare);
    in_all_sizes("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\0", bare);
    in_all_sizes("GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\r\n\0", bare);
    in_all_sizes("\nGET / HTTP/1.1\r\n", "\0", bare);
}

#[test]
fn a_bare_line_feed_is_found_in_a_later_request_too() {
    let (later, invalid) = ("GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\0");
    let bare = Some(FramingError::BareLineFeed);
    in_all_sizes(&format!("{GET}{later}"), &format!("{GET}{invalid}"), bare);
    let post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n";
    in_all_sizes(&format!("{post}{later}"), &format!("{post}{invalid}"), bare);
}

#[test]
fn a_fragment_in_the_target_is_spoiled() {
    in_all_sizes("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a\0", Some(FramingError::Fragment));
}

#[test]
fn chunks_are_followed_to_their_end() {
    let chunks = "3;a=b\r\n\n#\n\r\nA \r\n0123456789\r\n0\r\nTrailer: #\r\n\r\n";
    in_all_sizes(&format!("{CHUNKED}{chunks}{GET}"), &format!("{CHUNKED}{chunks}{GET}"), None);
    let later = format!("{CHUNKED}{chunks}GET /#");
    in_all_sizes(&later, &later.replace("/#", "/\0"), Some(FramingError::Fragment));
}

#[test]
fn what_is_not_the_length_of_a_body_to_everyone_is_refused() {
    let zeros = "0".repeat(60);
    let (blanks, long) = (format!("content-length:{}0", " ".repeat(60)), format!("Content-Length: {zeros}3"));
    let fields = [
        "content-length: 1, 1",
        "content-length: x",
        "content-length: +1",
        "content-length:",
        "content-length: 18446744073709551616",
        "content-length: 1\r\nContent-Length: 1",
        "content-length: 0\r\nTransfer-Encoding: chunked",
        "transfer-encoding: chunked\r\nContent-Length: 0",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity",
        &blanks,
        &long,
    ];
    for fields in fields {
        is_refused(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), FramingError::Framing);
    }
}

#[test]
fn chunks_and_trailers_that_could_end_elsewhere_are_refused() {
    let (zeros, long) = ("0".repeat(40), "a".repeat(300));
    let trailers = format!("0\r\n{}", format!("A: {long}\r\n").repeat(60));
    let bodies = [
        "zz\r\n",
        "\r\n",
        "3\nabc\n",
        "3;a\nabc\r\n",
        "3x\r\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n",
        "fffffffffffffffff\r\n",
        &format!("{zeros}25\r\n"),
        &format!("1;{long}\r\n"),
        "0\r\nX: a\nb\r\n\r\n",
        "0\r\n\nb\r\n\r\n",
        "0\r\nX: a\0b\r\n\r\n",
        "0\r\nX: a\rb\r\n\r\n",
        "0\r\nX\r\n\r\n",
        &trailers,
    ];
    for body in bodies {
        is_refused(&format!("{CHUNKED}{body}"), FramingError::Chunks);
    }
}

#[test]
fn a_head_without_end_is_refused() {
    let long = "a".repeat(30 << 10);
    is_refused(&format!("GET /{long}"), FramingError::LongTarget);
    is_refused(&"\r\n".repeat(15 << 10), FramingError::LongTarget);
    is_refused(&format!("GET / HTTP/1.1\r\nA: {long}"), FramingError::LargeHead);
    let fields = "A: b\r\n".repeat(5 << 10);
    is_refused(&format!("GET / HTTP/1.1\r\n{fields}"), FramingError::LargeHead);
}

#[test]
fn a_request_for_a_head_is_known_from_its_first_word() {
    for (requests, is_for_head) in
        [("", false), ("HEAD", false), ("HEAD ", true), ("HEAD /#", true), ("HEADS /#", false), ("GET /\n", false)]
    {
        let mut scan = FramingValidator::default();
        scan.pass(&mut requests.as_bytes().to_vec());
        assert_eq!(scan.is_for_head(), is_for_head, "{requests}");
    }
    let mut scan = FramingValidator::default();
    scan.pass(&mut b"HEAD / HTTP/1.1\r\n\r\n".to_vec());
    assert!(scan.is_between() && scan.is_for_head());
    scan.pass(&mut b"GET / HTTP/1.1\r\n".to_vec());
    assert!(!scan.is_for_head());
}

#[test]
fn a_request_is_open_from_its_first_byte_to_its_last() {
    let mut scan = FramingValidator::default();
    let mut open = Vec::new();
    for byte in "\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nxxG".bytes() {
        scan.pass(&mut [byte]);
        open.push(scan.incomplete());
    }
    let steps: Vec<_> = open.chunk_by(|left, right| left == right).map(|run| run[0]).collect();
    let expected = [
        // From the empty line on: a client that sends two bytes and stops would stay for ever.
        Some(Incomplete::Head(0)),
        Some(Incomplete::Head(1)),
        None,
        Some(Incomplete::Head(1)),
        Some(Incomplete::Head(2)),
        Some(Incomplete::Body(2)),
        None,
        Some(Incomplete::Head(2)),
    ];
    assert_eq!(steps, expected);
}

/// Feeds the parser what passes, and asserts that validator and parser see the same requests end at the same bytes.
/// What the validator refuses, the parser refuses too or never sees.
fn assert_agrees(mut requests: Vec<u8>, size: usize) {
    let (mut scan, mut codec, mut read) = (FramingValidator::default(), Codec::default(), BytesMut::new());
    let (mut items, mut is_reading_body) = (0, false);
    for piece in requests.chunks_mut(size) {
        let mut at = 0;
        while at < piece.len() {
            let count = scan.pass(&mut piece[at..]);
            read.extend_from_slice(&piece[at..at + count]);
            at += count;
            loop {
                match codec.decode(&mut read) {
                    Ok(Some(Message::Item(request))) => {
                        items += 1;
                        is_reading_body = codec.message_type() != MessageType::None;
                        let fields = request.head().headers.iter().map(|(_, value)| value.as_bytes());
                        assert!(
                            fields.chain([request.head().uri.path().as_bytes()]).all(|text| !text.contains(&b'\n'))
                        );
                        // Tunnels have no end; each is refused and ends the connection.
                        if codec.message_type() == MessageType::Stream {
                            return;
                        }
                    }
                    Ok(Some(Message::Chunk(chunk))) => is_reading_body = chunk.is_some(),
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
            match scan.error() {
                Some(error) => {
                    assert!(!error.is_in_head(), "the parser takes what is refused: {error:?}");
                    return;
                }
                None if scan.is_between() => {
                    assert_eq!((items, is_reading_body, read.len()), (scan.messages(), false, 0));
                }
                None => assert!(items <= scan.messages()),
            }
        }
    }
}

fn any_requests() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "HEAD /b HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.0\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 3\r\n",
        "content-length:\t003 \r\n",
        "Content-Length: +3\r\n",
        "Content-Length : 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:Chunked \r\n",
        "Transfer-Encoding: identity\r\n",
        "Upgrade: websocket\r\n",
        "A: b\r\n",
    ];
    let others = [
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "#",
        "\0",
        " ",
        "\t",
        ":",
        ";",
        "abc",
        "abc\r\n",
        "3\r\n",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\n",
        "003;x=y\r\n",
        "00000000000000003\r\n",
        "X: y\r\n",
        "X\r\n",
        "f",
        "A: b",
    ];
    let words = prop_oneof![select(heads.to_vec()), select(others.to_vec())];
    let request = (select(heads[..4].to_vec()), vec(words, 0..8), select(vec!["\r\n", "\r\n0\r\n\r\n", ""]));
    vec(request, 1..4).prop_map(|requests| {
        let text: String =
            requests.into_iter().map(|(head, words, end)| [head, &words.concat(), end].concat()).collect();
        text.into_bytes()
    })
}

#[actix_web::test]
async fn scan_and_parser_see_the_same_requests() {
    let mut runner = TestRunner::new(Config { cases: 4096, failure_persistence: None, ..Config::default() });
    let agreed = runner.run(&(any_requests(), 1_usize..40), |(requests, size)| {
        assert_agrees(requests, size);
        Ok(())
    });
    agreed.unwrap();
}
