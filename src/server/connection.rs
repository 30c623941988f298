//! One caller's connection: its requests pass a scan, one at a time, and a caller who stalls is left.
//!
//! The framework watches the first head of a connection only, no body that nobody reads, and no writing at all: whoever
//! sends one request and half of another, or never reads, would hold the connection for ever.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::framing::{HeadScan, Open};
use super::parse_error::{self, Unread};
use super::pipelining::Answers;
use super::slots::{LOOK, Slot};
use super::stalls::{Patience, Watch};
use crate::http::public_url::PublicUrl;

/// How long a caller may go on sending what nobody reads after its answer, so that it can read the answer before the
/// connection ends.
pub const FAREWELL: Duration = Duration::from_secs(2);

/// So much is read while a request is under way, to notice that the caller has gone.
const MOST_HELD: usize = 8 << 10;

/// A socket whose requests pass one at a time, with a watch over it.
pub struct Connection<T> {
    io: T,
    slot: Slot,
    /// When a connection without a slot looks again whether there is one.
    next_look: Option<Pin<Box<Sleep>>>,
    scan: HeadScan,
    watch: Watch,
    answers: Rc<Answers>,
    /// What came behind the request under way.
    held: BytesMut,
    /// The caller sends nothing more; to be told when nothing is held.
    has_ended: bool,
    /// Whether answers depend on the origin that asks.
    varies_by_origin: bool,
    public_url: PublicUrl,
    client_address: Option<IpAddr>,
    /// What is left of the answer that takes the place of the framework's.
    last_words: Option<Bytes>,
    is_leaving: bool,
    /// The request under way was answered before its body had come.
    is_answered_early: bool,
}

impl<T> Connection<T> {
    /// Watches this socket.
    pub fn new(io: T, slot: Slot, patience: Patience, varies_by_origin: bool, public_url: PublicUrl) -> Self {
        Self {
            io,
            slot,
            next_look: None,
            scan: HeadScan::default(),
            watch: Watch::new(patience),
            answers: Rc::default(),
            held: BytesMut::new(),
            has_ended: false,
            varies_by_origin,
            public_url,
            client_address: None,
            last_words: None,
            is_leaving: false,
            is_answered_early: false,
        }
    }

    /// Says where it comes from in the log.
    #[must_use]
    pub fn with_client_address(self, peer: Option<SocketAddr>) -> Self {
        Self { client_address: peer.map(|peer| peer.ip().to_canonical()), ..self }
    }

    /// Reads heads of so many bytes.
    #[must_use]
    pub fn of_heads(self, largest: usize) -> Self {
        Self { scan: HeadScan::of_heads(largest), ..self }
    }

    /// Where its answers are counted.
    pub const fn answers(&self) -> &Rc<Answers> {
        &self.answers
    }

    /// Whether the parser has all that it may have for now.
    fn is_held(&self) -> bool {
        let is_under_way = self.answers.given() < self.scan.messages();
        self.scan.refusal().is_some() || (self.scan.is_between() && (is_under_way || self.answers.is_last()))
    }

    /// Gives the parser what it may have of these bytes, which stand behind the first so many of the buffer.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<usize> {
        let came = buffer.filled_mut().split_at_mut(before).1;
        let passed = self.scan.pass(came);
        buffer.set_filled(before + passed);
        if self.scan.refusal().is_some() {
            self.answers.end_with_the_next();
        }
        if self.scan.open().is_some() {
            self.watch.glance(self.scan.open())?;
        } else if self.scan.is_between() {
            self.request_has_come();
        }
        Ok(passed)
    }

    fn request_has_come(&mut self) {
        self.slot.is_busy();
        if self.slot.is_exempt() {
            self.answers.end_with_the_next();
        }
        if std::mem::take(&mut self.is_answered_early) {
            self.watch.go_on();
        }
    }

    /// Whoever is answered and still sends the body gets a little time to end it: nobody reads it any more.
    fn hurry_an_answered_body(&mut self) {
        let is_in_body = matches!(self.scan.open(), Some(Open::Body(_)));
        if is_in_body && !self.is_answered_early && self.answers.given() >= self.scan.messages() {
            self.is_answered_early = true;
            self.watch.end_request_within(if self.answers.is_last() { Some(FAREWELL) } else { None });
        }
    }

    /// Notes for others that this connection only waits for its caller.
    fn waits_for_caller(&self) {
        if !self.watch.is_writing() && !self.answers.is_endless() {
            self.slot.is_idle();
        }
    }

    /// Passes what was held, to the end of one request.
    fn release(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let before = buffer.filled().len();
        let length = self.held.len().min(buffer.remaining());
        buffer.put_slice(self.held.split_at(length).0);
        let passed = self.pass(buffer, before)?;
        self.held.advance(passed);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> Connection<T> {
    fn read_on(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_pending() {
            self.waits_for_caller();
            self.hurry_an_answered_body();
            if self.scan.open().is_some() {
                self.watch.wait(self.scan.open(), context)?;
            }
        }
        ready!(read)?;
        let end = buffer.filled().len();
        let passed = self.pass(buffer, before)?;
        if before + passed < end {
            // The buffer still holds it, behind what is filled now.
            buffer.set_filled(end);
            self.held.extend_from_slice(buffer.filled().split_at(before + passed).1);
            buffer.set_filled(before + passed);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what the parser may not have yet. Its own buffer is lent for that, so that a request with nothing behind it
    /// costs no memory.
    fn hold(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.keep_back(context, lent)?;
        let is_of_use = !self.held.is_empty() && !self.answers.is_last();
        if self.has_ended && (!is_of_use || self.answers.is_endless()) {
            return Poll::Ready(Ok(()));
        }
        if is_of_use {
            self.answers.wake_at_the_next(context.waker());
        }
        if self.scan.open().is_some() {
            self.watch.wait(self.scan.open(), context)?;
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> Connection<T> {
    /// Reads without passing anything on.
    fn keep_back(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> io::Result<()> {
        while !self.has_ended && self.held.len() < MOST_HELD {
            let mut piece = lent.take(MOST_HELD - self.held.len());
            match Pin::new(&mut self.io).poll_read(context, &mut piece)? {
                Poll::Pending => break,
                Poll::Ready(()) if piece.filled().is_empty() => self.has_ended = true,
                Poll::Ready(()) => self.held.extend_from_slice(piece.filled()),
            }
        }
        Ok(())
    }

    /// Waits for a slot, or until the caller turns out to ask for the health of this service alone.
    fn wait_for_slot(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.keep_back(context, lent)?;
        self.slot.exempt(&self.held);
        if self.has_ended && self.slot.is_waited_for() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let next_look = self.next_look.get_or_insert_with(|| Box::pin(sleep(LOOK)));
        while self.slot.is_waited_for() {
            ready!(next_look.as_mut().poll(context));
            next_look.set(sleep(LOOK));
            self.slot.look();
        }
        self.next_look = None;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.slot.wake_by(context.waker());
        if self.slot.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.slot.is_waited_for() {
            ready!(self.wait_for_slot(context, buffer))?;
        }
        let read = match self.scan.refusal() {
            // The reader of the body sees it end early.
            Some(refusal) if !refusal.is_in_head() => Poll::Ready(Ok(())),
            _ if self.is_held() => self.hold(context, buffer),
            _ if !self.held.is_empty() => Poll::Ready(self.release(buffer)),
            _ if self.has_ended => Poll::Ready(Ok(())),
            _ => self.read_on(context, buffer),
        };
        let has_ended = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if has_ended && self.answers.is_endless() {
            // The framework would write on until a write fails, which takes two heartbeats.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    fn write_on(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        match &written {
            Poll::Ready(Ok(length)) => self.watch.write_flows(*length, bytes.len()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.watch.write_waits();
                self.watch.wait(self.scan.open(), context)?;
            }
        }
        written
    }

    /// Writes the last words to their end, and leaves: what the framework does behind its own answer is too late for both.
    fn say(&mut self, mut words: Bytes, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !words.is_empty() {
            let written = self.write_on(context, &words)?;
            if let Poll::Ready(length) = written {
                words.advance(length);
            }
            self.last_words = Some(words.clone());
            if written.is_pending() {
                return Poll::Pending;
            }
        }
        self.leave(context)
    }

    /// Ends our side and, where the caller has sent what was not read, reads it for a while: a socket that is closed with
    /// bytes unread is reset, and the caller loses the answer (RFC 9112 §9.6).
    fn leave(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_leaving {
            ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
            if self.held.is_empty() && self.scan.refusal().is_none() && self.last_words.is_none() {
                return Poll::Ready(Ok(()));
            }
            self.is_leaving = true;
            self.watch.end_after(FAREWELL);
        }
        let mut unread = [0; 1024];
        while !self.watch.has_ended(context) {
            let mut piece = ReadBuf::new(&mut unread);
            let read = Pin::new(&mut self.io).poll_read(context, &mut piece);
            if !matches!(ready!(read), Ok(()) if !piece.filled().is_empty()) {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let words = match self.last_words.clone() {
            Some(words) => words,
            None => match parse_error::find(bytes) {
                None => return self.write_on(context, bytes),
                // What stands before is written first, by itself.
                Some(answer) if answer.at > 0 => return self.write_on(context, bytes.split_at(answer.at).0),
                Some(answer) => answer.in_other_words(&Unread {
                    refusal: self.scan.refusal(),
                    is_for_head: self.scan.is_for_head()
                        || (self.slot.is_waited_for() && self.held.starts_with(b"HEAD ")),
                    varies_by_origin: self.varies_by_origin,
                    public_url: self.public_url.clone(),
                    has_no_slot: self.slot.is_waited_for(),
                    client_address: self.client_address,
                }),
            },
        };
        self.last_words = Some(words.clone());
        ready!(self.say(words, context))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.leave(context)
    }
}

#[cfg(test)]
mod tests;
