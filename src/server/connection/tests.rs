//! Tests of the connection guard over a pipe with paused time: which clients are disconnected, which are not, and what
//! is buffered.

use super::{Connection, LINGERING_CLOSE, MOST_BUFFERED};
use crate::http::public_url::PublicUrl;
use crate::http::request_limits;
use crate::server::listener::ConnectionLimits;
use crate::server::slots::{ConnectionSlot, Slots};
use crate::server::slow_clients::ClientTimeouts;
use actix_http::Response;
use futures_util::FutureExt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::{advance, pause, timeout};

const HEAD: Duration = Duration::from_secs(10);
const PATIENCE: ClientTimeouts = ClientTimeouts { head: HEAD, body: Duration::from_secs(30) };
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na\r\n";

fn answered(connection: &Connection<DuplexStream>, times: u64) {
    while connection.responses.sent() < times {
        connection.responses.record(&mut Response::ok());
    }
}

fn limits(varies_by_origin: bool) -> Rc<ConnectionLimits> {
    Rc::new(ConnectionLimits {
        workers: 1,
        connections: 10,
        connections_are_set: false,
        timeouts: PATIENCE,
        keep_alive: HEAD,
        drain: HEAD,
        varies_by_origin,
        public_url: PublicUrl::default(),
        largest_head: request_limits::largest_read(request_limits::largest_head(0)),
    })
}

fn slot() -> ConnectionSlot {
    Slots::new(10).enter()
}

fn connected() -> (DuplexStream, Connection<DuplexStream>) {
    let (caller, ours) = duplex(1024);
    (caller, Connection::new(ours, slot(), None, &limits(false)))
}

/// Reads until nothing more arrives, and returns whether the connection was given up within this time.
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

/// Returns what the parser may read now.
async fn read_now(connection: &mut Connection<DuplexStream>) -> Vec<u8> {
    // A task may read only a limited number of times before it yields.
    tokio::task::yield_now().await;
    let (mut read, mut bytes) = (Vec::new(), [0; 64]);
    while let Some(Ok(length @ 1..)) = connection.read(&mut bytes).now_or_never() {
        read.extend_from_slice(&bytes[..length]);
    }
    read
}

#[actix_web::test]
async fn a_request_waits_until_the_one_before_it_is_answered() {
    let (mut caller, mut connection) = connected();
    caller.write_all(&[REQUEST, POST, b"\r\n", REQUEST, &REQUEST[..5]].concat()).await.unwrap();
    for (number, expected) in [(0, REQUEST), (1, POST), (2, &[b"\r\n", REQUEST].concat()), (3, &REQUEST[..5])] {
        answered(&connection, number);
        assert_eq!(read_now(&mut connection).await, expected, "{number}");
        assert_eq!(read_now(&mut connection).await, b"", "{number}");
    }
    assert!(connection.buffered.is_empty());
}

#[actix_web::test]
async fn an_answer_wakes_the_request_that_waits_for_it() {
    let (mut caller, mut connection) = connected();
    caller.write_all(&REQUEST.repeat(2)).await.unwrap();
    assert_eq!(read_now(&mut connection).await, REQUEST);
    let responses = connection.responses.clone();
    let mut bytes = [0; 64];
    let reading = connection.read(&mut bytes);
    let answering = async move { responses.record(&mut Response::ok()) };
    let (read, ()) = tokio::join!(reading, answering);
    assert_eq!(&bytes[..read.unwrap()], REQUEST);
}

#[actix_web::test]
async fn little_is_held_and_nothing_of_it_lost() {
    let (mut caller, ours) = duplex(1 << 20);
    let mut connection = Connection::new(ours, slot(), None, &limits(false));
    let count = 1000;
    caller.write_all(&REQUEST.repeat(count)).await.unwrap();
    caller.shutdown().await.unwrap();
    for number in 0..count {
        answered(&connection, u64::try_from(number).unwrap());
        assert_eq!(read_now(&mut connection).await, REQUEST, "{number}");
        assert!(connection.buffered.len() <= MOST_BUFFERED);
    }
    assert_eq!(connection.read(&mut [0; 9]).await.unwrap(), 0);
}

#[actix_web::test]
async fn nothing_is_read_behind_the_last_request() {
    let (mut caller, mut connection) = connected();
    caller.write_all(&REQUEST.repeat(3)).await.unwrap();
    assert_eq!(read_now(&mut connection).await, REQUEST);
    connection.responses.close_after_next();
    answered(&connection, 1);
    assert_eq!(read_now(&mut connection).await, b"");
    drop(caller);
    assert_eq!(connection.read(&mut [0; 9]).await.unwrap(), 0, "the end is still seen");
}

#[actix_web::test]
async fn chunks_that_are_not_well_formed_end_the_body() {
    let (mut caller, mut connection) = connected();
    let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    caller.write_all(&[head, b"1\r\na\r\n0\r\nX: a\nb\r\n\r\n".as_slice(), REQUEST].concat()).await.unwrap();
    let mut read = Vec::new();
    connection.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [head, b"1\r\na\r\n0\r\n".as_slice()].concat());
    assert!(connection.responses.is_last());
}

/// A client whose bytes never end and never pause.
struct Endless(&'static [u8]);

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = buffer.remaining().min(self.0.len());
        buffer.put_slice(&self.0[..length]);
        Poll::Ready(Ok(()))
    }
}

#[actix_web::test]
async fn a_caller_whose_body_never_ends_is_left_though_its_bytes_never_wait() {
    pause();
    let body = b"Content-Length: 99999999999\r\n\r\n";
    let mut connection = Connection::new(Endless(&[b'a'; 64]), slot(), None, &limits(false));
    let mut head = [b"POST / HTTP/1.1\r\n".as_slice(), body].concat();
    assert_eq!(connection.framing.pass(&mut head), head.len());
    let mut bytes = [0; 64];
    let mut waited = Duration::ZERO;
    let kind = loop {
        match connection.read(&mut bytes).await {
            Ok(_) => advance(HEAD / 10).await,
            Err(error) => break error.kind(),
        }
        waited += HEAD / 10;
    };
    assert_eq!(kind, ErrorKind::TimedOut);
    assert!(waited > PATIENCE.body && waited < HEAD * 7, "{waited:?}");
}

const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\
    date: Thu, 26 Nov 2026 13:28:37 GMT\r\n\r\n";

#[actix_web::test]
async fn the_frameworks_last_answer_leaves_as_a_problem_in_pieces_of_any_size() {
    let before = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\r\n\r\n".as_slice();
    for size in [1, 2, 40, 1024] {
        let (mut caller, ours) = duplex(size);
        let mut connection = Connection::new(ours, slot(), None, &limits(true));
        let responses = [before, REFUSED].concat();
        let writing = async {
            connection.write_all(&responses).await.unwrap();
            connection.shutdown().await.unwrap();
        };
        let reading = async {
            let mut read = Vec::new();
            caller.read_to_end(&mut read).await.unwrap();
            drop(caller);
            String::from_utf8(read).unwrap()
        };
        let ((), read) = tokio::join!(writing, reading);
        let (first, last) = read.split_at(before.len());
        assert_eq!(first.as_bytes(), before);
        let (head, body) = last.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("application/problem+json") && head.contains("vary: Origin"), "{head}");
        assert!(body.contains("/problems/bad-request"), "{body}");
    }
}

#[actix_web::test]
async fn a_client_that_keeps_sending_is_read_for_a_while_but_not_for_ever() {
    pause();
    let (mut caller, mut connection) = connected();
    caller.write_all(&[b'a'; 1024]).await.unwrap();
    let writing = connection.write_all(REFUSED);
    let sending = async {
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 400 "));
        while caller.write_all(&[b'a'; 64]).await.is_ok() {
            advance(LINGERING_CLOSE / 8).await;
        }
    };
    let ended = timeout(LINGERING_CLOSE * 2, async {
        tokio::select! { written = writing => written, () = sending => panic!("reset") }
    });
    ended.await.unwrap().unwrap();
}

#[actix_web::test]
async fn a_client_that_stalls_in_any_head_is_disconnected() {
    pause();
    for begun in
        [&REQUEST[..9], &[REQUEST, b"G"].concat(), &[REQUEST, &REQUEST[..20]].concat(), &[REQUEST, b"\r\n"].concat()]
    {
        let (mut caller, mut connection) = connected();
        answered(&connection, 1);
        caller.write_all(begun).await.unwrap();
        assert!(!is_given_up(&mut connection, HEAD).await, "a look too early");
        assert!(is_given_up(&mut connection, HEAD * 2).await);
    }
}

#[actix_web::test]
async fn a_client_that_stalls_in_a_body_is_disconnected_after_its_reader_has_given_up() {
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
async fn a_client_that_sends_heads_slowly_but_in_time_stays_connected() {
    pause();
    let (mut caller, mut connection) = connected();
    answered(&connection, 9);
    for _ in 0..9 {
        caller.write_all(&REQUEST[..9]).await.unwrap();
        assert!(!is_given_up(&mut connection, HEAD * 9 / 10).await);
        caller.write_all(&REQUEST[9..]).await.unwrap();
        assert!(!is_given_up(&mut connection, HEAD * 3).await);
    }
}

#[actix_web::test]
async fn a_client_that_trickles_a_head_is_disconnected() {
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
async fn a_client_that_does_not_read_the_response_is_disconnected_after_a_minute() {
    pause();
    let (caller, mut connection) = connected();
    let answer = [0; 4096];
    let writing = connection.write_all(&answer);
    let given_up = timeout(HEAD * 8, writing).await.unwrap();
    assert_eq!(given_up.unwrap_err().kind(), ErrorKind::TimedOut);
    drop(caller);
}

/// Returns what a client receives of a response of 512 KiB that it reads in pieces, one per head timeout.
async fn taken_in_pieces_of(size: usize) -> (io::Result<()>, usize) {
    let (mut caller, ours) = duplex(1 << 10);
    let mut connection = Connection::new(ours, slot(), None, &limits(false));
    let writing = async move {
        let written = connection.write_all(&[7; 512 << 10]).await;
        drop(connection);
        written
    };
    let reading = async {
        let (mut taken, mut piece) = (0, vec![0; size]);
        while caller.read_exact(&mut piece).await.is_ok() {
            taken += size;
            advance(HEAD).await;
        }
        taken
    };
    tokio::join!(writing, reading)
}

#[actix_web::test]
async fn a_client_that_reads_slowly_gets_the_response_but_not_at_any_rate() {
    pause();
    let (written, taken) = taken_in_pieces_of(16 << 10).await;
    written.unwrap();
    assert_eq!(taken, 512 << 10);
    let (written, taken) = taken_in_pieces_of(4 << 10).await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(taken < 64 << 10, "{taken}");
}
