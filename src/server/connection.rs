//! The guard around one client connection: framing is validated, requests are processed one at a time, and slow clients are
//! disconnected.
//!
//! actix-http has a timeout for the first request head of a connection only, none for a body that nobody reads and none for
//! writes: a client that sends one request and half of another, or never reads, would hold the connection for ever.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::framing::{FramingValidator, Incomplete};
use super::listener::ConnectionLimits;
use super::parse_error::{self, UnreadRequest};
use super::pipelining::ResponseCounter;
use super::slots::{ConnectionSlot, RECHECK};
use super::slow_clients::StallDetector;

/// How long a client may keep sending after its last response, so that it can read the response before the connection
/// closes (lingering close).
pub const LINGERING_CLOSE: Duration = Duration::from_secs(2);

/// The most bytes read ahead while a request is in progress, to notice that the client has disconnected.
const MOST_BUFFERED: usize = 8 << 10;

/// A socket whose requests are passed to the parser one at a time, with timeouts for slow clients.
pub struct Connection<T> {
    io: T,
    slot: ConnectionSlot,
    /// When a connection without a slot checks again for a free one.
    next_look: Option<Pin<Box<Sleep>>>,
    framing: FramingValidator,
    stalls: StallDetector,
    /// Counts the responses.
    pub responses: Rc<ResponseCounter>,
    /// Bytes received after the request in progress.
    buffered: BytesMut,
    /// The client has closed its side; reported to the parser once nothing is buffered.
    has_ended: bool,
    limits: Rc<ConnectionLimits>,
    client_address: Option<IpAddr>,
    /// The unwritten rest of the problem that replaces the framework's own parse-error response.
    parse_error: Option<Bytes>,
    is_leaving: bool,
    /// The request in progress was answered before its body had arrived.
    is_answered_early: bool,
}

impl<T> Connection<T> {
    /// Guards this socket of the client at `peer`, whose address the access log states.
    pub fn new(io: T, slot: ConnectionSlot, peer: Option<SocketAddr>, limits: &Rc<ConnectionLimits>) -> Self {
        Self {
            io,
            slot,
            next_look: None,
            framing: FramingValidator::of_heads(limits.largest_head),
            stalls: StallDetector::new(limits.timeouts),
            responses: Rc::default(),
            buffered: BytesMut::new(),
            has_ended: false,
            limits: limits.clone(),
            client_address: peer.map(|peer| peer.ip().to_canonical()),
            parse_error: None,
            is_leaving: false,
            is_answered_early: false,
        }
    }

    /// Whether the parser gets nothing more until the request in progress is answered.
    fn is_held(&self) -> bool {
        let is_under_way = self.responses.sent() < self.framing.messages();
        self.framing.error().is_some() || (self.framing.is_between() && (is_under_way || self.responses.is_last()))
    }

    /// Passes to the parser what it may read of these bytes, which follow the first `before` bytes of the buffer.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<usize> {
        let came = buffer.filled_mut().split_at_mut(before).1;
        let passed = self.framing.pass(came);
        buffer.set_filled(before + passed);
        if self.framing.error().is_some() {
            self.responses.close_after_next();
        }
        if self.framing.incomplete().is_some() {
            self.stalls.check_if_due(self.framing.incomplete())?;
        } else if self.framing.is_between() {
            self.request_has_come();
        }
        Ok(passed)
    }

    fn request_has_come(&mut self) {
        self.slot.is_busy();
        if self.slot.is_exempt() {
            self.responses.close_after_next();
        }
        if std::mem::take(&mut self.is_answered_early) {
            self.stalls.go_on();
        }
    }

    /// Limits the time for the rest of a body whose request is already answered: nobody reads it any more.
    fn hurry_an_answered_body(&mut self) {
        let is_in_body = matches!(self.framing.incomplete(), Some(Incomplete::Body(_)));
        if is_in_body && !self.is_answered_early && self.responses.sent() >= self.framing.messages() {
            self.is_answered_early = true;
            self.stalls.end_request_within(if self.responses.is_last() { Some(LINGERING_CLOSE) } else { None });
        }
    }

    /// Marks the connection as idle: it only waits for its client.
    fn waits_for_caller(&self) {
        if !self.stalls.is_writing() && !self.responses.is_stream() {
            self.slot.is_idle();
        }
    }

    /// Passes buffered bytes to the parser, to the end of one request.
    fn release(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let before = buffer.filled().len();
        let length = self.buffered.len().min(buffer.remaining());
        buffer.put_slice(self.buffered.split_at(length).0);
        let passed = self.pass(buffer, before)?;
        self.buffered.advance(passed);
        if self.buffered.is_empty() {
            self.buffered = BytesMut::new();
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
            if self.framing.incomplete().is_some() {
                self.stalls.wait(self.framing.incomplete(), context)?;
            }
        }
        ready!(read)?;
        let end = buffer.filled().len();
        let passed = self.pass(buffer, before)?;
        if before + passed < end {
            // The buffer still holds the byte, after the filled part.
            buffer.set_filled(end);
            self.buffered.extend_from_slice(buffer.filled().split_at(before + passed).1);
            buffer.set_filled(before + passed);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads ahead without passing anything to the parser, in the parser's own buffer, so that a request with nothing behind it
    /// costs no memory.
    fn hold(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.buffer(context, lent)?;
        let is_useful = !self.buffered.is_empty() && !self.responses.is_last();
        if self.has_ended && (!is_useful || self.responses.is_stream()) {
            return Poll::Ready(Ok(()));
        }
        if is_useful {
            self.responses.wake_at_next(context.waker());
        }
        if self.framing.incomplete().is_some() {
            self.stalls.wait(self.framing.incomplete(), context)?;
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> Connection<T> {
    /// Reads into the buffer without passing anything to the parser.
    fn buffer(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> io::Result<()> {
        while !self.has_ended && self.buffered.len() < MOST_BUFFERED {
            let mut piece = lent.take(MOST_BUFFERED - self.buffered.len());
            match Pin::new(&mut self.io).poll_read(context, &mut piece)? {
                Poll::Pending => break,
                Poll::Ready(()) if piece.filled().is_empty() => self.has_ended = true,
                Poll::Ready(()) => self.buffered.extend_from_slice(piece.filled()),
            }
        }
        Ok(())
    }

    /// Waits for a slot, or until the request turns out to be a health check.
    fn wait_for_slot(&mut self, context: &mut Context<'_>, lent: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.buffer(context, lent)?;
        self.slot.exempt(&self.buffered);
        if self.has_ended && self.slot.is_waited_for() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let next_look = self.next_look.get_or_insert_with(|| Box::pin(sleep(RECHECK)));
        while self.slot.is_waited_for() {
            ready!(next_look.as_mut().poll(context));
            next_look.set(sleep(RECHECK));
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
        let read = match self.framing.error() {
            // The reader of the body sees it end early.
            Some(error) if !error.is_in_head() => Poll::Ready(Ok(())),
            _ if self.is_held() => self.hold(context, buffer),
            _ if !self.buffered.is_empty() => Poll::Ready(self.release(buffer)),
            _ if self.has_ended => Poll::Ready(Ok(())),
            _ => self.read_on(context, buffer),
        };
        let has_ended = matches!(read, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if has_ended && self.responses.is_stream() {
            // The framework would keep writing until a write fails, which takes two heartbeats.
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    fn write_on(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        match &written {
            Poll::Ready(Ok(length)) => self.stalls.write_flows(*length, bytes.len()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.stalls.write_waits();
                self.stalls.wait(self.framing.incomplete(), context)?;
            }
        }
        written
    }

    /// Writes the parse-error response to its end and closes the connection.
    fn write_parse_error(&mut self, mut response: Bytes, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !response.is_empty() {
            let written = self.write_on(context, &response)?;
            if let Poll::Ready(length) = written {
                response.advance(length);
            }
            self.parse_error = Some(response.clone());
            if written.is_pending() {
                return Poll::Pending;
            }
        }
        self.linger(context)
    }

    /// Closes our side and, where the client has sent bytes that were not read, reads them for a while: a socket that is closed
    /// with unread bytes is reset, and the client loses the response (RFC 9112 §9.6).
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_leaving {
            ready!(Pin::new(&mut self.io).poll_shutdown(context))?;
            if self.buffered.is_empty() && self.framing.error().is_none() && self.parse_error.is_none() {
                return Poll::Ready(Ok(()));
            }
            self.is_leaving = true;
            self.stalls.end_after(LINGERING_CLOSE);
        }
        let mut unread = [0; 1024];
        while !self.stalls.has_ended(context) {
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
        let response = match self.parse_error.clone() {
            Some(response) => response,
            // The framework's own responses have no body, so nearly all writes end in another way.
            None if !bytes.ends_with(b"\r\n\r\n") => return self.write_on(context, bytes),
            None => match parse_error::find(bytes) {
                None => return self.write_on(context, bytes),
                // The bytes before the response are written first, by themselves.
                Some(answer) if answer.at > 0 => return self.write_on(context, bytes.split_at(answer.at).0),
                Some(answer) => answer.as_problem(&UnreadRequest {
                    error: self.framing.error(),
                    is_for_head: self.framing.is_for_head()
                        || (self.slot.is_waited_for() && self.buffered.starts_with(b"HEAD ")),
                    varies_by_origin: self.limits.varies_by_origin,
                    public_url: self.limits.public_url.clone(),
                    has_no_slot: self.slot.is_waited_for(),
                    client_address: self.client_address,
                }),
            },
        };
        self.parse_error = Some(response.clone());
        ready!(self.write_parse_error(response, context))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.linger(context)
    }
}

#[cfg(test)]
mod tests;
