//! How an answer leaves, or fails to: headers by the sandbox's own clock, and what a fault does to a response.

use std::any::Any;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, DATE};
use actix_web::rt::net::{TcpSocket, TcpStream};
use actix_web::rt::task::yield_now;
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::faults::Fault;

/// How long the sandbox keeps an idle connection open, as common servers do.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

const HTML: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n";

/// A second handle on a connection, kept so that a fault can reset it.
pub struct ConnectionHandle(std::net::TcpStream);

impl ConnectionHandle {
    /// Keeps a handle on a connection that has just been accepted.
    pub fn keep(connection: &dyn Any, data: &mut Extensions) {
        let stream = connection.downcast_ref::<TcpStream>();
        let handle = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        if let Some(handle) = handle {
            data.insert(Self(handle.into()));
        }
    }

    // With no time to linger, closing a connection resets it.
    fn reset_when_closed(&self) -> io::Result<()> {
        TcpSocket::from_std_stream(self.0.try_clone()?).set_zero_linger()
    }
}

/// Sends an answer as it is, or as a fault leaves it. [`Fault::Code`] is the dialects' matter and changes nothing here.
pub async fn deliver(
    answer: String,
    fault: Option<Fault>,
    now: Timestamp,
    connection: Option<&ConnectionHandle>,
) -> HttpResponse {
    match fault {
        None | Some(Fault::Code(_)) => with_date(StatusCode::OK, now).content_type(ContentType::json()).body(answer),
        Some(Fault::HttpStatus(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            with_date(status, now).content_type(ContentType::html()).body(HTML)
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Truncate) => truncated(answer, now),
        Some(Fault::Empty) => with_date(StatusCode::OK, now).content_type(ContentType::json()).finish(),
        Some(Fault::Html) => with_date(StatusCode::OK, now).content_type(ContentType::html()).body(HTML),
        Some(Fault::Reset) => reset(connection, now),
    }
}

fn with_date(status: StatusCode, now: Timestamp) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
        response.insert_header((DATE, date));
    }
    response
}

// A body that fails makes the server close the connection. The pause lets the first half leave before that.
fn truncated(answer: String, now: Timestamp) -> HttpResponse {
    let whole = answer.len() as u64;
    let half = Bytes::from(answer).split_to(usize::try_from(whole / 2).unwrap_or_default());
    let first = stream::once(async move { Ok(half) });
    let end = stream::once(async {
        yield_now().await;
        Err(broken())
    });
    let body = SizedStream::new(whole, Box::pin(first.chain(end)));
    with_date(StatusCode::OK, now).content_type(ContentType::json()).body(body)
}

// A body that fails at once makes the server close the connection before the head has left.
fn reset(connection: Option<&ConnectionHandle>, now: Timestamp) -> HttpResponse {
    if let Some(Err(error)) = connection.map(ConnectionHandle::reset_when_closed) {
        tracing::warn!(%error, "the connection will be closed rather than reset");
    }
    let body = SizedStream::new(1, Box::pin(stream::once(async { Err::<Bytes, _>(broken()) })));
    with_date(StatusCode::OK, now).body(body)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "a fault was asked for")
}
