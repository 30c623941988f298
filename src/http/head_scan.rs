//! Where each request ends, found in the bytes as they come, and what the framework's parser would let pass or read
//! differently: there the connection ends.

use memchr::{memchr, memchr2};

use super::refusal::Refusal;

/// What takes the place of a byte that must not be there. No part of a head may hold NUL, so the parser answers 400
/// and ends the connection.
const SPOILED: u8 = 0;

/// As much of a line is kept, which is more than any framing field needs: a longer one is refused.
const KEPT: usize = 64;

/// The digits of a chunk's size, enough for 64 bits. A parser may skip any number of zeros in front; nobody sends them.
const LONGEST_SIZE: usize = 16;

/// Target, headers (`http/request_limits.rs`, which answers what is a little too large) and some room. The parser would
/// wait for 128 KiB and read the head again from its beginning with each piece.
const LARGEST_HEAD: usize = (8 + 16 + 4) << 10;

/// A chunk's size with its extensions, of which nobody here knows any.
const LONGEST_CHUNK_LINE: usize = 256;

/// All trailers of a message, which nobody reads.
const LARGEST_TRAILERS: usize = 16 << 10;

/// Follows the requests of one connection, in pieces of any size.
///
/// A proxy in front that takes a bare LF for a part of a value, while we take it for the end of a line, sees other
/// headers and other requests than we do (RFC 9112 §2.2 and §11.2). A fragment is never sent (RFC 9112 §3.2), and the
/// framework drops it, so that the target that is logged is not the one that was asked for.
///
/// It agrees with the parser on where each request ends: whatever it cannot follow is refused, never passed by.
#[derive(Debug)]
pub struct HeadScan {
    place: Place,
    line: [u8; KEPT],
    /// Bytes of the current line.
    length: usize,
    /// Bytes of the current head or trailers, empty lines in front included.
    section: usize,
    ended_in_cr: bool,
    has_colon: bool,
    body: Body,
    is_head: bool,
    messages: u64,
    refusal: Option<Refusal>,
}

/// What a head says of the body behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Unsaid,
    Bytes(u64),
    Chunks,
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
}

impl Default for HeadScan {
    fn default() -> Self {
        Self {
            place: Place::RequestLine,
            line: [0; KEPT],
            length: 0,
            section: 0,
            ended_in_cr: false,
            has_colon: false,
            body: Body::Unsaid,
            is_head: false,
            messages: 0,
            refusal: None,
        }
    }
}

impl HeadScan {
    /// Reads on, to the end of this request or of what came, and gives how many bytes the parser may have. In a head that
    /// is refused, the last of them is spoiled.
    pub fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let mut passed = 0;
        while self.refusal.is_none() && passed < bytes.len() {
            let rest = bytes.split_at_mut(passed).1;
            passed += match self.place {
                Place::Bytes(left) => self.skip(left, rest.len(), Place::Bytes),
                Place::Chunk(left) => self.skip(left, rest.len(), Place::Chunk),
                _ => self.line(rest),
            };
            if self.is_between() {
                break;
            }
        }
        passed
    }

    /// The request that has begun and is not complete; `None` between requests.
    pub const fn open(&self) -> Option<Open> {
        match self.place {
            _ if self.is_between() => None,
            Place::RequestLine | Place::Field => Some(Open::Head(self.messages)),
            _ => Some(Open::Body(self.messages)),
        }
    }

    /// Whether the last request is complete and nothing of the next has passed, not even an empty line.
    pub const fn is_between(&self) -> bool {
        matches!(self.place, Place::RequestLine) && self.section == 0 && self.refusal.is_none()
    }

    /// How many requests have begun: their request lines have passed.
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Why nothing passes any more.
    pub const fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Whether the request that passed last asks for a head only, so that no body may follow the answer (RFC 9110 §9.3.2).
    pub fn is_for_head(&self) -> bool {
        if self.place == Place::RequestLine && self.length > 0 { self.begins_with_head() } else { self.is_head }
    }

    fn begins_with_head(&self) -> bool {
        self.kept().starts_with(b"HEAD ")
    }

    fn skip(&mut self, left: u64, available: usize, here: fn(u64) -> Place) -> usize {
        let skipped = left.min(u64::try_from(available).unwrap_or(u64::MAX));
        self.place = match here(left - skipped) {
            Place::Bytes(0) => self.end(),
            Place::Chunk(0) => Place::ChunkEnd,
            place => place,
        };
        usize::try_from(skipped).unwrap_or(available)
    }

    /// Reads to the end of the line or to what must not be there.
    fn line(&mut self, rest: &mut [u8]) -> usize {
        let stop = match self.place {
            Place::RequestLine => memchr2(b'\n', b'#', rest),
            _ => memchr(b'\n', rest),
        };
        let text = rest.split_at_mut(stop.unwrap_or(rest.len())).0;
        if let Some(refusal) = self.too_long(text.len()).or_else(|| self.malformed(text)) {
            return self.refuse(refusal, rest, 0);
        }
        self.keep(text);
        let length = text.len();
        let Some(stop) = stop else { return length };
        let outcome = match rest.get(stop) {
            Some(b'#') => Err(Refusal::Fragment),
            _ if !self.ended_in_cr => Err(self.broken(Refusal::BareLineFeed)),
            _ => self.end_line(),
        };
        match outcome {
            Ok(place) => {
                self.place = place;
                (self.length, self.ended_in_cr, self.has_colon) = (0, false, false);
                length + 1
            }
            Err(refusal) => self.refuse(refusal, rest, stop),
        }
    }

    /// In a head, the byte here is spoiled and passes. A body ends before what came last of its line.
    fn refuse(&mut self, refusal: Refusal, rest: &mut [u8], at: usize) -> usize {
        self.refusal = Some(refusal);
        match rest.get_mut(at) {
            Some(byte) if refusal.is_in_head() => {
                *byte = SPOILED;
                at + 1
            }
            _ => 0,
        }
    }

    const fn broken(&self, in_head: Refusal) -> Refusal {
        match self.place {
            Place::RequestLine | Place::Field => in_head,
            _ => Refusal::Chunks,
        }
    }

    fn too_long(&self, more: usize) -> Option<Refusal> {
        let (length, limit) = match self.place {
            Place::RequestLine | Place::Field => (self.section, LARGEST_HEAD),
            Place::ChunkSize => (self.length, LONGEST_CHUNK_LINE),
            // CR and nothing else.
            Place::ChunkEnd => (self.length, 1),
            _ => (self.section, LARGEST_TRAILERS),
        };
        let refusal = if self.place == Place::RequestLine { Refusal::LongTarget } else { Refusal::LargeHead };
        (length.saturating_add(more) > limit).then(|| self.broken(refusal))
    }

    /// Of heads the parser refuses control characters itself; in trailers it skips them, CR and LF included.
    fn malformed(&self, text: &[u8]) -> Option<Refusal> {
        if matches!(self.place, Place::RequestLine | Place::Field) {
            return None;
        }
        let line = text.strip_suffix(b"\r").unwrap_or(text);
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        let is_torn = self.ended_in_cr && !text.is_empty();
        (is_torn || line.iter().any(is_control)).then_some(Refusal::Chunks)
    }

    fn keep(&mut self, text: &[u8]) {
        let room = self.line.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(text) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(text.len());
        self.section = self.section.saturating_add(text.len());
        self.ended_in_cr = text.last().map_or(self.ended_in_cr, |last| *last == b'\r');
        if self.place == Place::Trailer {
            self.has_colon |= memchr(b':', text).is_some();
        }
    }

    /// What follows the line that ends here.
    fn end_line(&mut self) -> Result<Place, Refusal> {
        self.section = self.section.saturating_add(1);
        let is_empty = self.length == 1;
        match self.place {
            // Empty lines before a request are skipped (RFC 9112 §2.2).
            Place::RequestLine if is_empty => Ok(Place::RequestLine),
            Place::RequestLine => Ok(self.begin()),
            Place::Field if is_empty => Ok(self.begin_body()),
            Place::Field => self.read_field(),
            Place::ChunkEnd => Ok(Place::ChunkSize),
            Place::ChunkSize => self.read_chunk_size(),
            Place::Trailer if is_empty => Ok(self.end()),
            Place::Trailer if !self.has_colon => Err(Refusal::Chunks),
            other => Ok(other),
        }
    }

    fn begin(&mut self) -> Place {
        self.messages = self.messages.wrapping_add(1);
        self.body = Body::Unsaid;
        self.is_head = self.begins_with_head();
        Place::Field
    }

    const fn begin_body(&mut self) -> Place {
        match self.body {
            Body::Unsaid | Body::Bytes(0) => self.end(),
            Body::Bytes(length) => Place::Bytes(length),
            Body::Chunks => {
                self.section = 0;
                Place::ChunkSize
            }
        }
    }

    const fn end(&mut self) -> Place {
        self.section = 0;
        Place::RequestLine
    }

    fn read_field(&mut self) -> Result<Place, Refusal> {
        let line = self.kept();
        let (name, value) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon)).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let said = if name.eq_ignore_ascii_case(b"transfer-encoding") {
            value.eq_ignore_ascii_case(b"chunked").then_some(Body::Chunks)
        } else if name.eq_ignore_ascii_case(b"content-length") {
            number(value).map(Body::Bytes)
        } else {
            return Ok(Place::Field);
        };
        let is_only = self.body == Body::Unsaid && self.length <= KEPT;
        self.body = said.filter(|_| is_only).ok_or(Refusal::Framing)?;
        Ok(Place::Field)
    }

    fn read_chunk_size(&mut self) -> Result<Place, Refusal> {
        let line = self.kept();
        let count = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (digits, rest) = line.split_at_checked(count).unwrap_or_default();
        let is_size = (1..=LONGEST_SIZE).contains(&count) && matches!(rest.first(), Some(b' ' | b'\t' | b';' | b'\r'));
        let size = str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match size.filter(|_| is_size) {
            Some(0) => {
                self.section = 0;
                Ok(Place::Trailer)
            }
            Some(size) => Ok(Place::Chunk(size)),
            None => Err(Refusal::Chunks),
        }
    }

    fn kept(&self) -> &[u8] {
        self.line.get(..self.length.min(KEPT)).unwrap_or_default()
    }
}

/// Digits only, unlike what Rust reads as a number.
fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{HeadScan, Open};
    use crate::http::refusal::Refusal;
    use actix_codec::Decoder;
    use actix_http::h1::{Codec, Message, MessageType};
    use bytes::BytesMut;
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, prop_oneof};
    use proptest::sample::select;
    use proptest::test_runner::{Config, TestRunner};

    /// What passes of requests that come in pieces of this size, and why no more does.
    fn passed(requests: &str, size: usize) -> (String, Option<Refusal>) {
        let mut bytes = requests.as_bytes().to_vec();
        let (mut scan, mut passed) = (HeadScan::default(), Vec::new());
        for piece in bytes.chunks_mut(size) {
            let mut at = 0;
            while at < piece.len() && scan.refusal().is_none() {
                let count = scan.pass(&mut piece[at..]);
                passed.extend_from_slice(&piece[at..at + count]);
                at += count;
            }
        }
        (String::from_utf8(passed).unwrap(), scan.refusal())
    }

    fn in_all_sizes(requests: &str, expected: &str, refusal: Option<Refusal>) {
        for size in 1..=requests.len() {
            let (passed, why) = passed(requests, size);
            assert_eq!((passed.as_str(), why), (expected, refusal), "in pieces of {size}");
        }
    }

    /// That nothing is read behind this, in whatever pieces it comes.
    fn is_refused(begin: &str, refusal: Refusal) {
        let behind = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";
        for size in [1, 2, 3, 7, 64, 1 << 20] {
            let (passed, why) = passed(&format!("{begin}{behind}"), size);
            assert_eq!(why, Some(refusal), "{begin:?} in pieces of {size}");
            assert!(!passed.contains("/behind") && passed.len() <= begin.len(), "{passed:?}");
            assert_eq!(passed.ends_with('\0'), refusal.is_in_head(), "{passed:?}");
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
        let (mut scan, mut at, mut ends) = (HeadScan::default(), 0, Vec::new());
        while at < all.len() {
            at += scan.pass(&mut all[at..]);
            ends.push((at, scan.messages(), scan.is_between()));
        }
        let second = GET.len() + 2 + CHUNKED.len() + 11;
        assert_eq!(ends, [(GET.len(), 1, true), (second, 2, true), (second + GET.len(), 3, true)]);
    }

    #[test]
    fn a_bare_line_feed_is_spoiled_wherever_it_stands_in_a_head() {
        let bare = Some(Refusal::BareLineFeed);
        in_all_sizes("GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\0", bare);
        in_all_sizes("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\0", bare);
        in_all_sizes("GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\r\n\0", bare);
        in_all_sizes("\nGET / HTTP/1.1\r\n", "\0", bare);
    }

    #[test]
    fn a_bare_line_feed_is_found_in_a_later_request_too() {
        let (later, spoiled) = ("GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\0");
        let bare = Some(Refusal::BareLineFeed);
        in_all_sizes(&format!("{GET}{later}"), &format!("{GET}{spoiled}"), bare);
        let post = "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n";
        in_all_sizes(&format!("{post}{later}"), &format!("{post}{spoiled}"), bare);
    }

    #[test]
    fn a_fragment_in_the_target_is_spoiled() {
        in_all_sizes("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a\0", Some(Refusal::Fragment));
    }

    #[test]
    fn chunks_are_followed_to_their_end() {
        let chunks = "3;a=b\r\n\n#\n\r\nA \r\n0123456789\r\n0\r\nTrailer: #\r\n\r\n";
        in_all_sizes(&format!("{CHUNKED}{chunks}{GET}"), &format!("{CHUNKED}{chunks}{GET}"), None);
        let later = format!("{CHUNKED}{chunks}GET /#");
        in_all_sizes(&later, &later.replace("/#", "/\0"), Some(Refusal::Fragment));
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
            is_refused(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), Refusal::Framing);
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
            is_refused(&format!("{CHUNKED}{body}"), Refusal::Chunks);
        }
    }

    #[test]
    fn a_head_without_end_is_refused() {
        let long = "a".repeat(30 << 10);
        is_refused(&format!("GET /{long}"), Refusal::LongTarget);
        is_refused(&"\r\n".repeat(15 << 10), Refusal::LongTarget);
        is_refused(&format!("GET / HTTP/1.1\r\nA: {long}"), Refusal::LargeHead);
        let fields = "A: b\r\n".repeat(5 << 10);
        is_refused(&format!("GET / HTTP/1.1\r\n{fields}"), Refusal::LargeHead);
    }

    #[test]
    fn a_request_for_a_head_is_known_from_its_first_word() {
        for (requests, is_for_head) in
            [("", false), ("HEAD", false), ("HEAD ", true), ("HEAD /#", true), ("HEADS /#", false), ("GET /\n", false)]
        {
            let mut scan = HeadScan::default();
            scan.pass(&mut requests.as_bytes().to_vec());
            assert_eq!(scan.is_for_head(), is_for_head, "{requests}");
        }
        let mut scan = HeadScan::default();
        scan.pass(&mut b"HEAD / HTTP/1.1\r\n\r\n".to_vec());
        assert!(scan.is_between() && scan.is_for_head());
        scan.pass(&mut b"GET / HTTP/1.1\r\n".to_vec());
        assert!(!scan.is_for_head());
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
            // From the empty line on: whoever sends two bytes and stops would stay for ever.
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

    /// Feeds the parser what passes, and holds the scan to its promise: both see the same requests end at the same bytes,
    /// and what is refused, the parser refuses too or never sees.
    fn assert_agrees(mut requests: Vec<u8>, size: usize) {
        let (mut scan, mut codec, mut read) = (HeadScan::default(), Codec::default(), BytesMut::new());
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
                match scan.refusal() {
                    Some(refusal) => {
                        assert!(!refusal.is_in_head(), "the parser takes what is refused: {refusal:?}");
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
}
