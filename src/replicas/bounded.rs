//! A stream that limits the size of Redis replies to what replicas can have written. The Redis library reads a whole
//! reply into memory, whatever size the server announces; this stream checks the announced sizes and ends the
//! connection before such a reply arrives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest text in bytes. A response has at most 256 KiB, an event of the journal less.
const LARGEST_TEXT: u64 = 1 << 20;

/// The longest line in bytes: an error, a number, or the length of what follows.
const LONGEST_LINE: usize = 64 << 10;

/// The largest reply in bytes with all its parts: a page of the journal, a cluster's slots.
const LARGEST_REPLY: u64 = 8 << 20;

/// The most parts of a reply. Each part takes more memory than its bytes.
const MOST_PARTS: u64 = 64 << 10;

/// The deepest nesting of a reply.
const DEEPEST: usize = 16;

/// The limit that a reply exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// A text or the whole reply is too large.
    #[error("a reply is larger than anything that is written there")]
    TooLarge,
    /// The reply has too many parts, or they are nested too deeply.
    #[error("a reply has more parts than anything that is written there")]
    TooManyParts,
    /// The reply is not in Redis' protocol.
    #[error("a reply is not in Redis' protocol")]
    Malformed,
}

/// A stream that ends where a reply exceeds the limits.
pub struct BoundedStream<S> {
    stream: S,
    replies: ReplyParser,
}

impl<S> BoundedStream<S> {
    /// Wraps a stream and limits what is read from it.
    pub fn new(stream: S) -> Self {
        Self { stream, replies: ReplyParser::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(this.replies.follow(read).map_err(|excess| io::Error::new(io::ErrorKind::InvalidData, excess)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The parser's place in the current reply.
#[derive(Debug, Default)]
struct ReplyParser {
    /// The line that is being read.
    line: Vec<u8>,
    /// Remaining bytes of the text that is being read, including its line end.
    text: u64,
    /// Missing parts of each open list, the outermost first.
    open: Vec<u64>,
    /// Bytes of the current reply so far.
    bytes: u64,
    parts: u64,
}

impl ReplyParser {
    /// Parses the next bytes.
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), LimitExceeded> {
        while !bytes.is_empty() {
            let taken = if self.text > 0 { self.follow_text(bytes) } else { self.follow_line(bytes)? };
            self.bytes = self.bytes.saturating_add(taken as u64);
            if self.bytes > LARGEST_REPLY {
                return Err(LimitExceeded::TooLarge);
            }
            if self.text == 0 && self.line.is_empty() && self.open.is_empty() {
                (self.bytes, self.parts) = (0, 0);
            }
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn follow_text(&mut self, bytes: &[u8]) -> usize {
        let taken = usize::try_from(self.text).unwrap_or(usize::MAX).min(bytes.len());
        self.text -= taken as u64;
        if self.text == 0 {
            self.end_part();
        }
        taken
    }

    fn follow_line(&mut self, bytes: &[u8]) -> Result<usize, LimitExceeded> {
        let end = memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |end| end + 1);
        self.line.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.line.len() > LONGEST_LINE {
            return Err(LimitExceeded::TooLarge);
        }
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            self.begin_part(&line)?;
        }
        Ok(taken)
    }

    fn begin_part(&mut self, line: &[u8]) -> Result<(), LimitExceeded> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(LimitExceeded::TooManyParts);
        }
        let (kind, rest) = line.split_first().ok_or(LimitExceeded::Malformed)?;
        match kind {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => self.end_part(),
            b'$' | b'=' | b'!' => match length(rest)? {
                // A null has no line end.
                None => self.end_part(),
                Some(length) if length > LARGEST_TEXT => return Err(LimitExceeded::TooLarge),
                Some(length) => self.text = length + 2,
            },
            b'*' | b'~' | b'>' => self.open(length(rest)?.unwrap_or_default())?,
            b'%' => self.open(length(rest)?.unwrap_or_default().saturating_mul(2))?,
            _ => return Err(LimitExceeded::Malformed),
        }
        Ok(())
    }

    fn open(&mut self, parts: u64) -> Result<(), LimitExceeded> {
        if parts > MOST_PARTS || self.open.len() >= DEEPEST {
            return Err(LimitExceeded::TooManyParts);
        }
        if parts == 0 {
            self.end_part();
        } else {
            self.open.push(parts);
        }
        Ok(())
    }

    /// Ends a part, and with its last part the enclosing list.
    fn end_part(&mut self) {
        while let Some(missing) = self.open.last_mut() {
            *missing -= 1;
            if *missing > 0 {
                return;
            }
            self.open.pop();
        }
    }
}

/// Parses the number on a line. Returns `None` for -1, which stands for null.
fn length(text: &[u8]) -> Result<Option<u64>, LimitExceeded> {
    let text =
        text.strip_suffix(b"\r\n").and_then(|text| std::str::from_utf8(text).ok()).ok_or(LimitExceeded::Malformed)?;
    if text == "-1" { Ok(None) } else { text.parse().map(Some).map_err(|_| LimitExceeded::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::{DEEPEST, LARGEST_TEXT, LONGEST_LINE, LimitExceeded, MOST_PARTS, ReplyParser};

    /// Parses the bytes at once and byte by byte.
    fn follow(bytes: &[u8]) -> Result<(), LimitExceeded> {
        let (mut at_once, mut in_pieces) = (ReplyParser::default(), ReplyParser::default());
        let followed = at_once.follow(bytes);
        assert_eq!(bytes.iter().try_for_each(|byte| in_pieces.follow(&[*byte])), followed);
        if followed.is_ok() {
            assert_eq!((at_once.bytes, at_once.parts, at_once.open.len()), (0, 0, 0), "the replies have ended");
        }
        followed
    }

    #[test]
    fn replies_of_every_kind_pass_however_they_are_cut() {
        let answer = format!("*3\r\n${}\r\n{}\r\n:630000\r\n$5\r\nfresh\r\n", 256 << 10, "x".repeat(256 << 10));
        for reply in [
            "+OK\r\n",
            "-READONLY You can't write\r\n",
            ":-1\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "$0\r\n\r\n",
            "$3\r\n\r\n*\r\n",
            "*2\r\n*1\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n",
            "%1\r\n+a\r\n#t\r\n",
            "_\r\n,1.5\r\n(12345678901234567890\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n~1\r\n:1\r\n",
            &answer,
        ] {
            assert_eq!(follow(reply.as_bytes()), Ok(()), "{reply}");
            assert_eq!(follow(reply.repeat(3).as_bytes()), Ok(()), "{reply}");
        }
        assert_eq!(
            ReplyParser::default().follow(answer.repeat(100).as_bytes()),
            Ok(()),
            "each reply counts for itself"
        );
    }

    #[test]
    fn what_is_larger_than_anything_that_is_written_ends_the_connection_before_it_comes() {
        for (reply, excess) in [
            ("$10000000000\r\n".to_owned(), LimitExceeded::TooLarge),
            (format!("${}\r\n", LARGEST_TEXT + 1), LimitExceeded::TooLarge),
            ("=18446744073709551615\r\n".to_owned(), LimitExceeded::TooLarge),
            (format!("*2\r\n!{}\r\n", 20 << 20), LimitExceeded::TooLarge),
            ("*1000000000\r\n".to_owned(), LimitExceeded::TooManyParts),
            ("%18446744073709551615\r\n".to_owned(), LimitExceeded::TooManyParts),
            ("*1\r\n".repeat(DEEPEST + 1), LimitExceeded::TooManyParts),
            (
                format!("*2\r\n*{MOST_PARTS}\r\n{}", ":1\r\n".repeat(65_000) + &":1\r\n".repeat(600)),
                LimitExceeded::TooManyParts,
            ),
            (format!("-{}", "x".repeat(LONGEST_LINE)), LimitExceeded::TooLarge),
            (
                format!("*60\r\n{}", format!("${}\r\n{}\r\n", 1 << 19, "x".repeat(1 << 19)).repeat(17)),
                LimitExceeded::TooLarge,
            ),
            ("$99999999999999999999999\r\n".to_owned(), LimitExceeded::Malformed),
            ("$-2\r\n".to_owned(), LimitExceeded::Malformed),
            ("$?\r\n".to_owned(), LimitExceeded::Malformed),
            ("$5\n".to_owned(), LimitExceeded::Malformed),
            ("HTTP/1.1 400 Bad Request\r\n".to_owned(), LimitExceeded::Malformed),
            ("\n".to_owned(), LimitExceeded::Malformed),
        ] {
            assert_eq!(
                ReplyParser::default().follow(reply.as_bytes()),
                Err(excess),
                "{}",
                reply.get(..40).unwrap_or(&reply)
            );
        }
    }
}
