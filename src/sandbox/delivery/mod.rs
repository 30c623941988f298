//! Sends answers, with headers by the gateways' own clock, and applies faults to responses.

mod bomb;
mod broken;
mod connection;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, ContentType, DATE, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::stream;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

pub use self::connection::ConnectionHandle;
use super::faults::Fault;

/// How long the sandbox keeps an idle connection open, like common servers.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

const HTML: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n";

// Data as from a server of another protocol, none of which can be parsed as HTTP.
const GARBAGE: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46\x00\xff\xfe~~ this is not HTTP ~~\r\n\r\n";

/// The headers with which a gateway sends its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerHead {
    /// JSON with a `Content-Length`.
    Json,
    /// Always HTML, in chunks.
    ChunkedHtml,
}

/// An answer before a fault is applied.
pub struct SandboxAnswer {
    /// The body.
    pub body: String,
    /// The kind of headers.
    pub head: AnswerHead,
}

impl From<String> for SandboxAnswer {
    fn from(body: String) -> Self {
        Self { body, head: AnswerHead::Json }
    }
}

impl AnswerHead {
    fn begin(self, now: Timestamp) -> HttpResponseBuilder {
        let mut response = with_date(StatusCode::OK, now);
        response.content_type(match self {
            Self::Json => "application/json",
            Self::ChunkedHtml => "text/html; charset=UTF-8",
        });
        response
    }

    fn send(self, now: Timestamp, body: impl Into<Bytes>) -> HttpResponse {
        let body = body.into();
        match self {
            Self::Json => self.begin(now).body(body),
            Self::ChunkedHtml => self.begin(now).streaming(stream::once(ready(Ok::<_, Infallible>(body)))),
        }
    }
}

/// Sends an answer, with the fault applied. [`Fault::Code`] and [`Fault::Delay`] have no effect here: the dialects
/// write codes, and the server delays answers.
pub async fn deliver(
    answer: SandboxAnswer,
    fault: Option<Fault>,
    now: Timestamp,
    connection: Option<&ConnectionHandle>,
) -> HttpResponse {
    let SandboxAnswer { body: answer, head } = answer;
    let begin = || head.begin(now);
    match fault {
        None | Some(Fault::Code(_) | Fault::Delay(_) | Fault::Mixed) => head.send(now, answer),
        Some(Fault::Body(body)) => head.send(now, body),
        Some(Fault::Bytes(body)) => head.send(now, body),
        Some(Fault::HttpStatus(status)) => proxy_error(status, now).body(HTML),
        Some(Fault::AskToWait { status, seconds }) => {
            proxy_error(status, now).insert_header((RETRY_AFTER, seconds)).body(HTML)
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Reset) => {
            connection.inspect(|connection| connection.reset_when_closed());
            begin().body(broken::before_it_begins())
        }
        Some(Fault::Close) => begin().body(broken::before_it_begins()),
        Some(Fault::Garbage) => {
            connection.inspect(|connection| connection.send(GARBAGE));
            begin().body(broken::before_it_begins())
        }
        Some(Fault::Truncate) => {
            let half = answer.len() / 2;
            begin().body(broken::cut(answer, half))
        }
        Some(Fault::Cut(bytes)) => begin().body(broken::cut(answer, bytes)),
        Some(Fault::Drip) => begin().body(broken::drip(answer)),
        Some(Fault::Endless) => begin().body(broken::endless(&answer)),
        Some(Fault::Bomb) => begin().insert_header((CONTENT_ENCODING, "gzip")).body(bomb::gzip()),
        Some(Fault::BrotliBomb) => begin().insert_header((CONTENT_ENCODING, "br")).body(bomb::BROTLI),
        Some(Fault::Empty) => begin().finish(),
        Some(Fault::Html) => with_date(StatusCode::OK, now).content_type(ContentType::html()).body(HTML),
    }
}

fn proxy_error(status: u16, now: Timestamp) -> HttpResponseBuilder {
    let mut response = with_date(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), now);
    response.content_type(ContentType::html());
    response
}

fn with_date(status: StatusCode, now: Timestamp) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
        response.insert_header((DATE, date));
    }
    response
}
