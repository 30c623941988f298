//! What the framework's parser lets pass in a request: lines that end in a bare LF, and `#` in the target. Both are found
//! here, in the bytes as they come, and spoiled, so that the parser refuses the request.

use memchr::{memchr, memchr2};

/// What takes the place of a byte that must not be there. No part of a head may hold NUL, so the parser answers 400
/// and ends the connection.
const SPOILED: u8 = 0;

/// As much of a line is kept as `content-length: 18446744073709551615` needs.
const KEPT: usize = 40;

/// Follows the requests of one connection, in pieces of any size.
///
/// A proxy in front that takes a bare LF for a part of a value, while we take it for the end of a line, sees other
/// headers and other requests than we do (RFC 9112 §2.2 and §11.2). A fragment is never sent (RFC 9112 §3.2), and the
/// framework drops it, so that the target that is logged is not the one that was asked for.
#[derive(Debug)]
pub struct HeadScan {
    place: Place,
    line: [u8; KEPT],
    length: usize,
    ended_in_cr: bool,
    body: Body,
    messages: u64,
}

/// What a head says of the body behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Bytes(u64),
    Chunks,
    /// The parser refuses what the head says.
    Unknown,
}

/// A request that has begun and is not complete, counted from the first of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// In its head.
    Head(u64),
    /// In its body.
    Body(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    RequestLine,
    Field,
    Bytes(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
    /// The parser refuses what was here, and ends the connection.
    Refused,
}

impl Default for HeadScan {
    fn default() -> Self {
        Self {
            place: Place::RequestLine,
            line: [0; KEPT],
            length: 0,
            ended_in_cr: false,
            body: Body::Bytes(0),
            messages: 0,
        }
    }
}

impl HeadScan {
    /// Reads on, and spoils what must not be there.
    pub fn pass(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let taken = match self.place {
                Place::Refused => return,
                Place::Bytes(left) => self.skip(left, bytes.len(), Place::Bytes, Place::RequestLine),
                Place::Chunk(left) => self.skip(left, bytes.len(), Place::Chunk, Place::ChunkEnd),
                Place::RequestLine => self.line(memchr2(b'\n', b'#', bytes), bytes),
                _ => self.line(memchr(b'\n', bytes), bytes),
            };
            bytes = bytes.split_at_mut(taken.min(bytes.len())).1;
        }
    }

    /// The request that has begun and is not complete; `None` between requests.
    pub const fn open(&self) -> Option<Open> {
        match self.place {
            Place::RequestLine if self.length == 0 => None,
            Place::RequestLine | Place::Field => Some(Open::Head(self.messages)),
            _ => Some(Open::Body(self.messages)),
        }
    }

    fn skip(&mut self, left: u64, available: usize, here: fn(u64) -> Place, then: Place) -> usize {
        let skipped = left.min(u64::try_from(available).unwrap_or(u64::MAX));
        self.place = if skipped == left { then } else { here(left - skipped) };
        usize::try_from(skipped).unwrap_or(available)
    }

    /// Reads to `end`, which is where a line ends or something must not be; gives how much was read.
    fn line(&mut self, end: Option<usize>, bytes: &mut [u8]) -> usize {
        let (text, rest) = bytes.split_at_mut(end.unwrap_or(bytes.len()));
        self.keep(text);
        let Some(byte) = rest.first_mut() else { return text.len() };
        if *byte == b'\n' && self.ended_in_cr {
            self.end_line();
        } else {
            *byte = SPOILED;
            self.place = Place::Refused;
        }
        text.len() + 1
    }

    fn keep(&mut self, text: &[u8]) {
        let room = self.line.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(text) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(text.len());
        self.ended_in_cr = text.last().map_or(self.ended_in_cr, |last| *last == b'\r');
    }

    fn end_line(&mut self) {
        let is_empty = self.length == 1;
        self.place = match self.place {
            // Empty lines before a request are skipped (RFC 9112 §2.2).
            Place::RequestLine if is_empty => Place::RequestLine,
            Place::RequestLine => self.begin(),
            Place::Field if is_empty => self.begin_body(),
            Place::Field => self.read_field(),
            Place::ChunkEnd => Place::ChunkSize,
            Place::ChunkSize => self.read_chunk_size(),
            Place::Trailer if is_empty => Place::RequestLine,
            other => other,
        };
        (self.length, self.ended_in_cr) = (0, false);
    }

    const fn begin(&mut self) -> Place {
        self.messages = self.messages.wrapping_add(1);
        self.body = Body::Bytes(0);
        Place::Field
    }

    const fn begin_body(&self) -> Place {
        match self.body {
            Body::Bytes(0) => Place::RequestLine,
            Body::Bytes(length) => Place::Bytes(length),
            Body::Chunks => Place::ChunkSize,
            Body::Unknown => Place::Refused,
        }
    }

    fn read_field(&mut self) -> Place {
        let line = self.kept();
        let (name, value) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.body = Body::Chunks;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = value.get(1..).and_then(|value| str::from_utf8(value).ok()?.trim().parse().ok());
            let length = length.filter(|_| self.length <= KEPT && self.body == Body::Bytes(0));
            self.body = length.map_or(Body::Unknown, Body::Bytes);
        }
        Place::Field
    }

    fn read_chunk_size(&self) -> Place {
        let line = str::from_utf8(self.kept()).unwrap_or_default();
        let digits = line.split(|sign: char| !sign.is_ascii_hexdigit()).next().unwrap_or_default();
        match u64::from_str_radix(digits, 16) {
            Ok(0) => Place::Trailer,
            Ok(size) => Place::Chunk(size),
            Err(_) => Place::Refused,
        }
    }

    fn kept(&self) -> &[u8] {
        self.line.get(..self.length.min(KEPT)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{HeadScan, Open};

    /// What is left of a request that comes in pieces of this size.
    fn passed(request: &str, size: usize) -> String {
        let mut bytes = request.as_bytes().to_vec();
        let mut scan = HeadScan::default();
        bytes.chunks_mut(size).for_each(|piece| scan.pass(piece));
        String::from_utf8(bytes).unwrap()
    }

    fn in_all_sizes(request: &str, expected: &str) {
        for size in 1..=request.len() {
            assert_eq!(passed(request, size), expected, "in pieces of {size}");
        }
    }

    const GET: &str = "GET /a?b HTTP/1.1\r\nHost: x\r\nReferer: http://x/#fragment\r\n\r\n";

    #[test]
    fn well_formed_requests_pass_as_they_are_one_behind_the_other() {
        let post = "POST /b HTTP/1.1\r\nhost: x\r\nCONTENT-LENGTH:  9 \r\n\r\na\nb#c\r\n\r\n";
        let all = format!("\r\n{GET}{post}{GET}{GET}");
        in_all_sizes(&all, &all);
    }

    #[test]
    fn a_bare_line_feed_is_spoiled_wherever_it_stands_in_a_head() {
        in_all_sizes("GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\0Host: x\n\n");
        in_all_sizes("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\0A: b\r\n\r\n");
        in_all_sizes("GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\r\n\0");
        in_all_sizes("\nGET / HTTP/1.1\r\n", "\0GET / HTTP/1.1\r\n");
    }

    #[test]
    fn a_bare_line_feed_is_found_in_a_later_request_too() {
        let later = "GET / HTTP/1.1\nHost: x\r\n\r\n";
        let spoiled = "GET / HTTP/1.1\0Host: x\r\n\r\n";
        in_all_sizes(&format!("{GET}{later}"), &format!("{GET}{spoiled}"));
        let post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n";
        in_all_sizes(&format!("{post}{later}"), &format!("{post}{spoiled}"));
    }

    #[test]
    fn a_fragment_in_the_target_is_spoiled() {
        in_all_sizes("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    #[test]
    fn chunks_are_followed_to_their_end() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks = "3;a=b\r\n\n#\n\r\nA \r\n0123456789\r\n0\r\nTrailer: #\r\n\r\n";
        in_all_sizes(&format!("{head}{chunks}{GET}"), &format!("{head}{chunks}{GET}"));
        let later = format!("{head}{chunks}GET /#");
        in_all_sizes(&later, &later.replace("/#", "/\0"));
        in_all_sizes(&format!("{head}3\nabc\n"), &format!("{head}3\0abc\n"));
    }

    #[test]
    fn behind_what_the_parser_refuses_nothing_is_touched() {
        for fields in ["content-length: 1, 1", "content-length: x", "content-length: 1\r\nContent-Length: 1"] {
            let request = format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n2\r\n\n#\r\n0\r\n\r\n\n");
            in_all_sizes(&request, &request);
        }
        let padded = format!("POST / HTTP/1.1\r\ncontent-length: {}1\r\n\r\n\n\n", " ".repeat(30));
        in_all_sizes(&padded, &padded);
    }

    #[test]
    fn a_request_is_open_from_its_first_byte_to_its_last() {
        let mut scan = HeadScan::default();
        let mut open = Vec::new();
        for byte in "\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nxxG".bytes() {
            scan.pass(&mut [byte]);
            open.push(scan.open());
        }
        let steps: Vec<_> = open.chunk_by(|left, right| left == right).map(|run| run[0]).collect();
        let expected = [
            // An empty line before the request, which could have been its beginning.
            Some(Open::Head(0)),
            None,
            Some(Open::Head(0)),
            Some(Open::Head(1)),
            None,
            Some(Open::Head(1)),
            Some(Open::Head(2)),
            Some(Open::Body(2)),
            None,
            Some(Open::Head(2)),
        ];
        assert_eq!(steps, expected);
    }
}
