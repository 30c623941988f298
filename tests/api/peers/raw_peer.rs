//! A peer that answers every request with the very bytes that it was given, well-formed or not, and then ends the
//! connection as it was told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use actix_web::rt::net::TcpSocket;

/// Brotli that inflates to an empty object with 64 MiB of blanks inside.
pub const BROTLI_BOMB: &[u8] =
    b"\xcf\xff\xff\x7f\xf8\xa5\x40\xf6\xe2\xb2\x40\x00\xf7\xfe\x3f\xfe\xff\xff\xc3\x2f\x01\x10\x87\x05\x00\xba\xf7\xff\
      \xfc\xff\xff\x87\x5f\x02\x20\x0e\x8b\x00\x74\xef\xff\xf3\xff\xff\x1f\xbf\x44\x5f\x29\x72\x58\x00\x30\xf7\xfe\x1f";

/// What follows the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing, until there is another request.
    Silence,
    /// The same bytes again and again, until the other side has enough.
    ForEver,
}

/// The peer.
pub struct RawPeer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    head: Vec<u8>,
    bytes: Vec<u8>,
    then: Then,
    requests: AtomicUsize,
    stopping: AtomicBool,
}

impl RawPeer {
    /// Starts on a free port. `head` is sent once, `bytes` behind it as `then` says.
    pub fn start(head: &[u8], bytes: &[u8], then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            head: head.to_vec(),
            bytes: bytes.to_vec(),
            then,
            requests: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let its_shared = shared.clone();
        let accepting = thread::spawn(move || {
            for connection in listener.incoming() {
                if its_shared.stopping.load(Ordering::Acquire) {
                    return;
                }
                let (connection, shared) = (connection.unwrap(), its_shared.clone());
                thread::spawn(move || serve(connection, &shared));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Host and port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests were answered.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Acquire)
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(self.address);
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the peer panicked");
    }
}

fn serve(mut connection: TcpStream, shared: &Shared) {
    while read_request(&mut connection) {
        shared.requests.fetch_add(1, Ordering::AcqRel);
        // The other side may leave at any time.
        let mut is_open = connection.write_all(&shared.head).is_ok() && connection.write_all(&shared.bytes).is_ok();
        match shared.then {
            Then::Close => return,
            Then::Reset => return TcpSocket::from_std_stream(connection).set_zero_linger().unwrap(),
            Then::Silence => {}
            Then::ForEver => {
                while is_open {
                    is_open = connection.write_all(&shared.bytes).is_ok();
                }
            }
        }
    }
}

/// Reads a request to its end; false when there is none.
fn read_request(connection: &mut TcpStream) -> bool {
    let mut received = [0; 16 << 10];
    let mut length = 0;
    while !is_whole(received.get(..length).unwrap()) {
        match connection.read(received.get_mut(length..).unwrap()) {
            Ok(0) | Err(_) => return false,
            Ok(more) => length += more,
        }
    }
    true
}

/// A form POST with its body; anything else, such as the first bytes of TLS, is answered at once.
fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received);
    match text.split_once("\r\n\r\n") {
        Some((head, body)) => {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            length.is_none_or(|(_, length)| length.trim().parse::<usize>().is_ok_and(|length| body.len() >= length))
        }
        None => !received.is_empty() && !received.starts_with(b"POST"),
    }
}
