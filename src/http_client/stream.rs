//! A connection with or without TLS, and the check that it is quiet enough to carry another request.

use std::io::{self, ErrorKind, Read as _};
use std::ops::Deref as _;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::rt::net::{ActixStream, Ready};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The number of bytes that show the status of an unsolicited response.
const GLANCE: usize = 12;

/// A connection to a server.
#[derive(Debug)]
pub enum Stream {
    /// A connection without TLS.
    Plain(TcpStream),
    /// A connection with TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Data that arrived on an idle connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnsolicitedData {
    /// Nothing arrived: the connection is open and usable.
    Nothing,
    /// The connection has ended, or is about to.
    End,
    /// Bytes arrived that belong to no request.
    Bytes,
}

impl Stream {
    /// Lets the kernel close the connection if sent data is not acknowledged within this time, on systems that support
    /// it.
    ///
    /// # Errors
    /// Returns the error of the operating system.
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only some systems can do so"))]
    pub fn give_up_when_unacknowledged(&self, time: Duration) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        SockRef::from(self.tcp()).set_tcp_user_timeout(Some(time))?;
        Ok(())
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Polls whether the socket is readable.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(self.tcp(), cx)
    }

    /// Polls whether the socket is writable.
    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(self.tcp(), cx)
    }

    /// Checks an idle connection in the pool. It asks the kernel, since the runtime's knowledge of the socket may be
    /// older than what has arrived meanwhile.
    pub(super) fn unasked(&mut self) -> UnsolicitedData {
        if let Self::Tls(stream) = self {
            let mut bytes = [0; GLANCE];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => return unasked(buffer.filled()),
                Poll::Ready(Err(_)) => return UnsolicitedData::End,
            }
        }
        match (self.waiting_in_kernel(), self) {
            (UnsolicitedData::Bytes, Self::Tls(_)) => UnsolicitedData::End,
            (unasked, _) => unasked,
        }
    }

    /// Checks a new connection before its first request. Under TLS the server may send session tickets first.
    pub(super) fn speaks_first(&self) -> bool {
        matches!(self, Self::Plain(_)) && self.waiting_in_kernel() == UnsolicitedData::Bytes
    }

    /// Reads what has arrived from the kernel. If there is anything, the connection is not used after that.
    fn waiting_in_kernel(&self) -> UnsolicitedData {
        let mut bytes = [0; GLANCE];
        match SockRef::from(self.tcp()).deref().read(&mut bytes) {
            Ok(length) => unasked(bytes.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => UnsolicitedData::Nothing,
            Err(_) => UnsolicitedData::End,
        }
    }
}

/// Classifies unsolicited bytes. A server or load balancer that closes an idle connection may explain that with 408
/// first (RFC 9110 §15.5.9).
fn unasked(bytes: &[u8]) -> UnsolicitedData {
    let is_farewell = bytes.starts_with(b"HTTP/1.") && bytes.get(8..) == Some(b" 408");
    if bytes.is_empty() || is_farewell { UnsolicitedData::End } else { UnsolicitedData::Bytes }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
