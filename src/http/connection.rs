//! One caller's connection: its bytes pass a scan, and a caller who stalls in a head or does not take the answer is left.
//!
//! The framework watches the first head of a connection only, no body that nobody reads, and no writing at all: whoever
//! sends one request and half of another, or never reads, would hold the connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::head_scan::{HeadScan, Open};

/// After so many looks at which an answer waits and nothing of it was taken, the caller is gone. A slow reader's buffers
/// empty in leaps, so this is longer than the patience for heads.
const LOOKS_AT_AN_ANSWER: u32 = 6;

/// A head that was open at the last look, too, comes too slowly.
const LOOKS_AT_A_HEAD: u32 = 2;

/// How long a caller may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a head: it is given up between this and twice this time after it has begun.
    pub head: Duration,
    /// For a body, at the least. Whoever reads it should give up before.
    pub body: Duration,
}

impl Patience {
    fn looks_at_a_body(self) -> u32 {
        let looks = self.body.as_millis().div_ceil(self.head.as_millis().max(1));
        u32::try_from(looks).unwrap_or(u32::MAX).saturating_add(LOOKS_AT_A_HEAD)
    }
}

/// A socket with a watch over it.
pub struct Connection<T> {
    io: T,
    scan: HeadScan,
    patience: Patience,
    /// Polled only while something is open, since the framework takes each waking for a reason to keep a connection alive.
    next_look: Pin<Box<Sleep>>,
    open: Option<Open>,
    looks: u32,
    write: Write,
}

/// How the answers leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Flowing,
    Waiting { looks: u32 },
}

impl<T> Connection<T> {
    /// Watches this socket.
    pub fn new(io: T, patience: Patience) -> Self {
        Self {
            io,
            scan: HeadScan::default(),
            patience,
            next_look: Box::pin(sleep(patience.head)),
            open: None,
            looks: 0,
            write: Write::Flowing,
        }
    }

    /// Looks whenever it is time, so that a request costs no timer of its own.
    fn watch(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.next_look.as_mut().poll(context).is_ready() {
            self.next_look.set(sleep(self.patience.head));
            if self.has_stalled() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    fn has_stalled(&mut self) -> bool {
        let open = self.scan.open();
        self.looks = if open == self.open { self.looks.saturating_add(1) } else { 1 };
        self.open = open;
        if let Write::Waiting { looks } = &mut self.write {
            *looks = looks.saturating_add(1);
        }
        let is_request_late = match open {
            Some(Open::Head(_)) => self.looks >= LOOKS_AT_A_HEAD,
            Some(Open::Body(_)) => self.looks >= self.patience.looks_at_a_body(),
            None => false,
        };
        is_request_late || matches!(self.write, Write::Waiting { looks } if looks >= LOOKS_AT_AN_ANSWER)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        // A caller whose bytes we do not ask for, because sixteen requests wait already, does not stall.
        if read.is_pending() && self.scan.open().is_some() {
            self.watch(context)?;
        }
        ready!(read)?;
        self.scan.pass(buffer.filled_mut().split_at_mut(before).1);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        if written.is_ready() {
            self.write = Write::Flowing;
        } else {
            if self.write == Write::Flowing {
                self.write = Write::Waiting { looks: 0 };
            }
            self.watch(context)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{Connection, Patience};
    use std::io::ErrorKind;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, pause, timeout};

    const HEAD: Duration = Duration::from_secs(10);
    const PATIENCE: Patience = Patience { head: HEAD, body: Duration::from_secs(30) };
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

    fn connected() -> (DuplexStream, Connection<DuplexStream>) {
        let (caller, ours) = duplex(1024);
        (caller, Connection::new(ours, PATIENCE))
    }

    /// Reads until nothing more comes; whether the connection was given up within this time.
    async fn is_given_up(connection: &mut Connection<DuplexStream>, within: Duration) -> bool {
        let mut bytes = [0; 1024];
        let reading = async {
            loop {
                match connection.read(&mut bytes).await {
                    Ok(_) => {}
                    Err(error) => return error.kind(),
                }
            }
        };
        timeout(within, reading).await.is_ok_and(|kind| kind == ErrorKind::TimedOut)
    }

    #[actix_web::test]
    async fn a_caller_who_stalls_in_any_head_is_left() {
        pause();
        for begun in [&REQUEST[..9], &[REQUEST, b"G"].concat(), &[REQUEST, &REQUEST[..20]].concat()] {
            let (mut caller, mut connection) = connected();
            caller.write_all(begun).await.unwrap();
            assert!(!is_given_up(&mut connection, HEAD).await, "a look too early");
            assert!(is_given_up(&mut connection, HEAD * 2).await);
        }
    }

    #[actix_web::test]
    async fn a_caller_who_stalls_in_a_body_is_left_after_its_reader_has_given_up() {
        pause();
        let lengths = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf".as_slice();
        let chunks = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf";
        for begun in [lengths, chunks] {
            let (mut caller, mut connection) = connected();
            caller.write_all(begun).await.unwrap();
            assert!(!is_given_up(&mut connection, PATIENCE.body).await);
            assert!(is_given_up(&mut connection, HEAD * 3).await);
        }
    }

    #[actix_web::test]
    async fn a_caller_between_requests_is_not_watched() {
        pause();
        for begun in [b"".as_slice(), REQUEST] {
            let (mut caller, mut connection) = connected();
            caller.write_all(begun).await.unwrap();
            assert!(!is_given_up(&mut connection, HEAD * 60).await);
        }
    }

    #[actix_web::test]
    async fn a_caller_who_sends_heads_slowly_but_in_time_is_kept() {
        pause();
        let (mut caller, mut connection) = connected();
        for _ in 0..9 {
            caller.write_all(&REQUEST[..9]).await.unwrap();
            assert!(!is_given_up(&mut connection, HEAD * 9 / 10).await);
            caller.write_all(&REQUEST[9..]).await.unwrap();
            assert!(!is_given_up(&mut connection, HEAD * 3).await);
        }
    }

    #[actix_web::test]
    async fn a_caller_who_trickles_a_head_is_left() {
        pause();
        let (mut caller, mut connection) = connected();
        let mut bytes = REQUEST.iter();
        let outcomes = async {
            for byte in bytes.by_ref().take(4) {
                caller.write_all(&[*byte]).await.unwrap();
                if is_given_up(&mut connection, HEAD * 6 / 10).await {
                    return true;
                }
            }
            false
        };
        assert!(outcomes.await);
    }

    #[actix_web::test]
    async fn a_caller_who_does_not_take_the_answer_is_left_after_a_minute() {
        pause();
        let (caller, mut connection) = connected();
        let answer = [0; 4096];
        let writing = connection.write_all(&answer);
        let given_up = timeout(HEAD * 8, writing).await.unwrap();
        assert_eq!(given_up.unwrap_err().kind(), ErrorKind::TimedOut);
        drop(caller);
    }

    #[actix_web::test]
    async fn a_caller_who_takes_the_answer_slowly_gets_it() {
        pause();
        let (mut caller, mut connection) = connected();
        let writing = async { connection.write_all(&[7; 4096]).await };
        let reading = async {
            let mut taken = Vec::new();
            let mut piece = [0; 512];
            while taken.len() < 4096 {
                advance(HEAD * 2).await;
                let length = caller.read(&mut piece).await.unwrap();
                taken.extend_from_slice(piece.get(..length).unwrap());
            }
            taken
        };
        let (written, taken) = tokio::join!(writing, reading);
        written.unwrap();
        assert_eq!(taken, [7; 4096]);
    }
}
