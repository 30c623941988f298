//! A connection for one request and its response. It is between the network and the client library, and passes on
//! nothing but the bytes of the one response to this request.

use std::fmt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::{ActixStream, Ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::RequestFailure;
use super::framing::{CloseState, MalformedResponse, ResponseReader};
use super::pool::PoolSlot;
use super::stream::Stream;

/// A connection for one exchange. If that ends well, the connection returns to the pool.
pub(super) struct PooledConnection {
    /// The connection; `None` after a failure.
    stream: Option<Stream>,
    home: Option<PoolSlot>,
    is_reused: bool,
    /// The reader of the response, from the first byte of the request on.
    response: Option<ResponseReader>,
    /// Bytes that were read and not passed on yet.
    output: Vec<u8>,
    handed_on: usize,
    has_received: bool,
}

impl PooledConnection {
    /// Creates an exchange on a connection that is new or reused.
    pub(super) fn new(stream: Stream, home: PoolSlot, is_reused: bool) -> Self {
        Self {
            stream: Some(stream),
            home: Some(home),
            is_reused,
            response: None,
            output: Vec::new(),
            handed_on: 0,
            has_received: false,
        }
    }

    /// Begins the exchange when the first bytes of the request are about to be written.
    fn begin(&mut self, request: &[u8]) -> io::Result<()> {
        if self.response.is_some() {
            return Ok(());
        }
        if !self.is_reused && self.stream.as_ref().is_some_and(Stream::speaks_first) {
            return Err(self.end(RequestFailure::Malformed));
        }
        self.response = Some(ResponseReader::new(request.starts_with(b"HEAD ")));
        Ok(())
    }

    /// Passes on buffered bytes, and returns whether there were any.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = self.output.get(self.handed_on..).unwrap_or_default();
        let part = waiting.get(..waiting.len().min(buffer.remaining())).unwrap_or_default();
        if part.is_empty() {
            return false;
        }
        buffer.put_slice(part);
        self.handed_on += part.len();
        if self.handed_on == self.output.len() {
            self.output.clear();
            self.handed_on = 0;
        }
        true
    }

    /// Reads what arrived in the buffer after its first `before` bytes, and leaves there what is passed on as it is.
    fn read(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> Result<(), MalformedResponse> {
        let Some(response) = &mut self.response else { return Err(MalformedResponse("it came before the request")) };
        let received = buffer.filled().get(before..).unwrap_or_default();
        let passed = response.pass(received.len());
        if passed.is_none() {
            response.take(received, &mut self.output)?;
        }
        buffer.set_filled(before + passed.unwrap_or_default());
        Ok(())
    }

    /// Handles the server's close of the connection. `in_order` is false if TLS ended without `close_notify`; a body
    /// that lasts until the close may then be truncated (RFC 9112 §9.8).
    fn close(&mut self, in_order: bool) -> io::Result<()> {
        let Some(response) = &mut self.response else { return Err(self.end(RequestFailure::Closed)) };
        if response.lasts_until_close() && !in_order {
            return Err(self.end(RequestFailure::CutShort));
        }
        let failure = match response.close() {
            CloseState::Complete => return Ok(()),
            CloseState::NoResponse if self.is_reused => RequestFailure::StaleConnection,
            CloseState::NoResponse | CloseState::WithinHead => RequestFailure::Closed,
            CloseState::WithinBody => RequestFailure::CutShort,
        };
        Err(self.end(failure))
    }

    /// Handles a failure of the connection.
    fn broke(&mut self, error: &io::Error) -> io::Error {
        let has_head = self.response.as_ref().is_some_and(ResponseReader::has_head);
        let failure = match error.kind() {
            // rustls reports a record that it does not accept as invalid data.
            ErrorKind::InvalidData => RequestFailure::Malformed,
            _ if has_head => RequestFailure::BrokeOff,
            _ if self.is_reused && !self.has_received => RequestFailure::StaleConnection,
            _ => RequestFailure::Reset,
        };
        self.end(failure)
    }

    fn end(&mut self, failure: RequestFailure) -> io::Error {
        self.stream = None;
        failure.into_io()
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| RequestFailure::Closed.into_io())
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exchange").field("is_reused", &self.is_reused).finish_non_exhaustive()
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let (Some(stream), Some(home), Some(response)) = (self.stream.take(), self.home.take(), &self.response) else {
            return;
        };
        if response.has_surplus() {
            home.distrust();
        } else if response.is_reusable() {
            home.put(stream);
        }
    }
}

impl AsyncRead for PooledConnection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let is_complete = this.response.as_ref().is_some_and(ResponseReader::is_complete);
            // At the end of the response the client library sees the end of the connection.
            if this.hand_on(buffer) || is_complete || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let before = buffer.filled().len();
            let outcome = ready!(this.stream()?.poll_read(cx, buffer));
            match outcome {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Poll::Ready(this.close(false)),
                Err(error) => return Poll::Ready(Err(this.broke(&error))),
                Ok(()) if buffer.filled().len() == before => return Poll::Ready(this.close(true)),
                Ok(()) => this.has_received = true,
            }
            if let Err(malformed) = this.read(buffer, before) {
                tracing::debug!(%malformed, "response malformed");
                buffer.set_filled(before);
                return Poll::Ready(Err(this.end(RequestFailure::Malformed)));
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for PooledConnection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.begin(bytes)?;
        let written = ready!(this.stream()?.poll_write(cx, bytes));
        Poll::Ready(written.map_err(|error| this.broke(&error)))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = ready!(this.stream()?.poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| this.broke(&error)))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_shutdown(cx)
    }
}

impl ActixStream for PooledConnection {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.as_ref().map_or(Poll::Ready(Ok(Ready::EMPTY)), |stream| stream.poll_read_ready(cx))
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.as_ref().map_or(Poll::Ready(Ok(Ready::EMPTY)), |stream| stream.poll_write_ready(cx))
    }
}
