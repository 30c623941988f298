use super::{CloseState, MOST_HEAD_BYTES, MOST_INTERIM_RESPONSES, MalformedResponse, ResponseReader};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use proptest::sample::select;

/// The outcome of a stream of bytes after which the connection was closed.
#[derive(Debug, PartialEq)]
struct Read {
    output: Vec<u8>,
    outcome: Result<CloseState, MalformedResponse>,
    is_reusable: bool,
    has_surplus: bool,
}

fn read_in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>, answers_head: bool) -> Read {
    let mut reader = ResponseReader::new(answers_head);
    let mut output = Vec::new();
    let mut outcome = Ok(());
    for piece in pieces {
        outcome = outcome.and_then(|()| reader.take(piece, &mut output));
    }
    let (is_reusable, has_surplus) = (reader.is_reusable(), reader.has_surplus());
    let outcome = outcome.map(|()| reader.close());
    Read { output, is_reusable: outcome.is_ok() && is_reusable, has_surplus, outcome }
}

fn read(stream: &str) -> Read {
    read_in_pieces([stream.as_bytes()].into_iter(), false)
}

/// Returns the body that is passed on, of a complete stream.
fn body(stream: &str) -> String {
    let read = read(stream);
    assert_eq!(read.outcome, Ok(CloseState::Complete), "{stream:?}");
    let output = String::from_utf8(read.output).unwrap();
    output.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn malformed(stream: &str) -> bool {
    read(stream).outcome.is_err()
}

const WHOLE: [&str; 9] = [
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=\"b\"\r\nlo\r\n0\r\nx: y\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nconnection: x, Keep-Alive\r\n\r\nhello",
    "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello",
    "HTTP/1.1 200 OK\ncontent-length : 5\n\nhello",
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbye",
];

#[test]
fn each_framing_gives_its_body() {
    for stream in WHOLE {
        assert_eq!(body(stream), "hello", "{stream}");
    }
}

#[test]
fn a_connection_is_used_again_only_after_a_response_that_ends_by_itself_and_has_nothing_behind_it() {
    let reusable = WHOLE.map(|stream| read(stream).is_reusable);
    assert_eq!(reusable, [true, true, true, false, false, true, true, false, false]);
    assert_eq!(WHOLE.iter().filter(|stream| read(stream).has_surplus).count(), 1);
}

#[test]
fn the_client_library_is_left_nothing_to_decide() {
    let stream = "HTTP/1.1 206 Some\r\nTrailer: x\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\
                  Transfer-Encoding: chunked\r\nDate: today\r\n\r\n0\r\n\r\n";
    assert_eq!(read(stream).output, b"HTTP/1.0 206 \r\nconnection: close\r\nDate: today\r\n\r\n");
    let counted = "HTTP/1.1 200 OK\r\nContent-Length: 007\r\n\r\n";
    assert_eq!(read(counted).output, b"HTTP/1.0 200 \r\nconnection: close\r\ncontent-length: 7\r\n\r\n");
}

#[test]
fn what_has_no_body_has_none_whatever_its_fields_say() {
    for status in ["204 No Content", "304 Not Modified"] {
        for field in ["content-length: 5\r\n", "transfer-encoding: chunked\r\n", ""] {
            let head = format!("HTTP/1.1 {status}\r\n{field}\r\n");
            assert_eq!(body(&head), "");
            assert!(read(&head).is_reusable && !read(&format!("{head}hello")).is_reusable, "{head}");
        }
    }
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let to_head = read_in_pieces([head.as_slice()].into_iter(), true);
    assert!(to_head.is_reusable && to_head.output.ends_with(b"content-length: 5\r\n\r\n"));
    assert!(read_in_pieces([head.as_slice(), b"hello"].into_iter(), true).has_surplus);
    assert!(read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_reusable);
}

#[test]
fn an_early_end_differs_from_a_complete_response() {
    for (stream, end) in [
        ("", CloseState::NoResponse),
        ("HTTP/1.1 200", CloseState::WithinHead),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", CloseState::WithinHead),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", CloseState::WithinBody),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", CloseState::WithinBody),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", CloseState::WithinBody),
        ("HTTP/1.1 200 OK\r\n\r\nhell", CloseState::Complete),
    ] {
        assert_eq!(read(stream).outcome, Ok(end), "{stream:?}");
        assert!(!read(stream).is_reusable);
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello");
    for fields in [
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 5",
        "content-length: +5",
        "content-length: -5",
        "content-length: 0x5",
        "content-length: 5 5",
        "content-length:",
        "content-length: 99999999999999999999",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
        "x: y\r\n folded",
        "no field",
        "content-length: 5\0",
    ] {
        assert!(malformed(&head(fields)), "{fields}");
    }
    for stream in [
        "hello",
        "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        assert!(malformed(stream), "{stream:?}");
    }
}

#[test]
fn malformed_chunks_are_refused() {
    for chunks in [
        "\r\nhello\r\n0\r\n\r\n",
        "g\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "10000000000000000\r\n",
        "5;\u{1}\r\nhello\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\nx: y\n\r\n",
    ] {
        let stream = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        assert!(malformed(&stream), "{chunks:?}");
    }
}

#[test]
fn interim_responses_and_what_is_read_past_are_bounded() {
    let interim = "HTTP/1.1 102 Processing\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(body(&format!("{}{last}", interim.repeat(MOST_INTERIM_RESPONSES))), "hello");
    assert!(malformed(&format!("{}{last}", interim.repeat(MOST_INTERIM_RESPONSES + 1))));
    let large = format!("HTTP/1.1 103 Early Hints\r\nlink: {}\r\n\r\n", "x".repeat(MOST_HEAD_BYTES / 2));
    assert_eq!(body(&format!("{large}{last}")), "hello");
    assert!(malformed(&large.repeat(2)));
    assert!(malformed(&format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(MOST_HEAD_BYTES))));
    assert!(malformed(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(97))));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    assert!(malformed(&format!("{chunked}0\r\nx: {}", "y".repeat(17 << 10))));
    assert!(malformed(&format!("{chunked}1;{}", "y".repeat(17 << 10))));
}

#[test]
fn it_does_not_matter_in_which_pieces_a_stream_comes() {
    for stream in WHOLE {
        let stream = stream.as_bytes();
        let whole = read_in_pieces([stream].into_iter(), false);
        assert_eq!(read_in_pieces(stream.chunks(1), false), whole);
        for at in 0..stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(read_in_pieces([first, second].into_iter(), false), whole, "cut at {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_body_in_chunks_of_any_size_is_the_body(body in vec(any::<u8>(), 0..2_000), size in 1_usize..700, piece in 1_usize..90) {
        let mut stream = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(size) {
            stream.extend(format!("{:X}\r\n", chunk.len()).into_bytes());
            stream.extend(chunk);
            stream.extend(b"\r\n");
        }
        stream.extend(b"0\r\n\r\n");
        let read = read_in_pieces(stream.chunks(piece), false);
        prop_assert_eq!(read.outcome, Ok(CloseState::Complete));
        let head = read.output.len() - body.len();
        prop_assert_eq!(&read.output[head..], &body[..]);
    }

    #[test]
    fn words_of_responses_in_any_order_are_read_alike_in_any_pieces(
        words in vec(select(WORDS.to_vec()), 0..24), piece in 1_usize..40, to_head in any::<bool>(),
    ) {
        let stream = words.concat().into_bytes();
        let whole = read_in_pieces([stream.as_slice()].into_iter(), to_head);
        prop_assert_eq!(read_in_pieces(stream.chunks(piece), to_head), whole);
    }
}

const WORDS: [&str; 18] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 103 Early Hints\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "content-length: 5\r\n",
    "content-length: 0\r\n",
    "transfer-encoding: chunked\r\n",
    "connection: close\r\n",
    "x: y\r\n",
    "\r\n",
    "\n",
    "hello",
    "5\r\n",
    "0\r\n",
    "5;x\r\n",
    "\0",
    " ",
    "\u{e9}",
];
