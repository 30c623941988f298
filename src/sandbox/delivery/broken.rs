//! Bodies that arrive incomplete, slowly or without end.

use std::io;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody, SizedStream};
use actix_web::rt::task::yield_now;
use actix_web::rt::time::sleep;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

const DRIP_EVERY: Duration = Duration::from_millis(100);

// A part of an endless list.
const ZEROS: &[u8] = b"0,0,";
const ZEROS_AT_ONCE: usize = 4_096;

/// A body that fails at once: the server closes the connection before the headers are sent.
pub fn before_it_begins() -> impl MessageBody + 'static {
    SizedStream::new(1, Box::pin(stream::once(async { Err::<Bytes, _>(broken()) })))
}

/// A body with the full `Content-Length` of which only the first `bytes` are sent. The last byte is never sent.
pub fn cut(answer: String, bytes: usize) -> impl MessageBody + 'static {
    let whole = Bytes::from(answer);
    let length = whole.len();
    let start = whole.slice(..bytes.min(length.saturating_sub(1)));
    let start = stream::once(async move { Ok(start) });
    // A body that fails makes the server close the connection. The pause lets the data be sent before that.
    let end = stream::once(async {
        yield_now().await;
        Err(broken())
    });
    SizedStream::new(length as u64, Box::pin(start.chain(end)))
}

/// The whole body, a byte at a time.
pub fn drip(answer: String) -> impl MessageBody + 'static {
    let whole = Bytes::from(answer);
    let length = whole.len();
    let bytes = stream::iter(0..length).then(move |position| {
        let byte = whole.slice(position..=position);
        async move {
            sleep(DRIP_EVERY).await;
            Ok::<_, io::Error>(byte)
        }
    });
    SizedStream::new(length as u64, Box::pin(bytes))
}

/// The body with one more field, a list that continues until the client disconnects. Each part is made when the client
/// has received the previous one.
pub fn endless(answer: &str) -> impl MessageBody + 'static {
    let open = answer.trim_end().strip_suffix('}').unwrap_or(answer);
    let start = Bytes::from(format!("{open},\"more\":["));
    let zeros = Bytes::from(ZEROS.repeat(ZEROS_AT_ONCE));
    let rest = stream::repeat_with(move || Ok::<_, io::Error>(zeros.clone()));
    BodyStream::new(stream::once(async move { Ok(start) }).chain(rest).boxed_local())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "a fault was asked for")
}
