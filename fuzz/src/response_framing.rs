//! Bytes of a connection to a server, read as the response to one request.

use storegate::http_client::framing::{CloseState, ResponseReader};

/// What stands before the bytes for the response to a HEAD request.
const HEAD: &[u8] = b"HEAD ";

#[derive(Debug, PartialEq)]
struct Outcome {
    output: Vec<u8>,
    at_close: Option<CloseState>,
    is_reusable: bool,
    has_surplus: bool,
}

/// Accepted when the response is complete, and its connection could be used again.
pub fn response_framing(data: &[u8]) -> bool {
    let stream = data.strip_prefix(HEAD).unwrap_or(data);
    let answers_head = stream.len() < data.len();
    let whole = read([stream].into_iter(), answers_head);
    assert_eq!(read(stream.chunks(1), answers_head), whole, "the pieces in which it comes do not matter");
    let (first, second) = stream.split_at(stream.len() / 2);
    assert_eq!(read([first, second].into_iter(), answers_head), whole, "the pieces in which it comes do not matter");
    assert!(whole.output.len() <= 2 * stream.len() + 128, "nothing is made up");
    if !whole.output.is_empty() {
        assert_is_plain(&whole, answers_head);
    }
    if whole.is_reusable {
        assert!(whole.at_close == Some(CloseState::Complete) && !whole.has_surplus, "{whole:?}");
        // A byte more is nobody's.
        let more = [stream, b"H"].concat();
        assert!(read([more.as_slice()].into_iter(), answers_head).has_surplus);
    }
    whole.is_reusable
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, answers_head: bool) -> Outcome {
    let mut reader = ResponseReader::new(answers_head);
    let mut output = Vec::new();
    let mut is_malformed = false;
    for piece in pieces {
        is_malformed = is_malformed || reader.take(piece, &mut output).is_err();
    }
    let (is_reusable, has_surplus) = (!is_malformed && reader.is_reusable(), reader.has_surplus());
    Outcome { output, at_close: (!is_malformed).then(|| reader.close()), is_reusable, has_surplus }
}

/// What is handed on is one response of HTTP/1.0, whose end two readers cannot see at two places.
fn assert_is_plain(whole: &Outcome, answers_head: bool) {
    let end = whole.output.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("its head is complete");
    let (head, body) = whole.output.split_at(end + 4);
    let head: String = head.iter().map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    assert!(head.starts_with("http/1.0 ") && !head.starts_with("http/1.0 1"), "{head}");
    assert_eq!(head.matches("\r\nconnection:").count(), 1, "{head}");
    assert!(!head.contains("\r\ntransfer-encoding:") && !head.contains("\r\n "), "{head}");
    let mut lengths = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
    if let Some(length) = lengths.next() {
        let length: u64 = length.parse().expect("a length is a number");
        assert!(lengths.next().is_none() && (answers_head || body.len() as u64 <= length), "{head}");
        assert!(whole.at_close != Some(CloseState::Complete) || answers_head || body.len() as u64 == length, "{head}");
    }
    assert!(!answers_head || body.is_empty(), "the response to HEAD has no body");
}
