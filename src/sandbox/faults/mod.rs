//! Faults on demand, of a gateway or of the network in front of it. A fault replaces an answer after the request was
//! checked and executed, so its signature is used up as usual.

mod mixed;
mod order;
mod queue;
mod reading;

use std::time::Duration;

use bytes::Bytes;

pub use self::order::FaultOrder;
pub use self::queue::FaultQueue;

/// A fault that is applied to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The gateway answers with this code of its own, such as `-500` or `e000005`.
    Code(String),
    /// A proxy in front of the gateway answers with this status and an HTML page.
    HttpStatus(u16),
    /// A proxy in front of the gateway asks to wait, with `Retry-After`.
    AskToWait {
        /// 429 or 503.
        status: u16,
        /// The value of `Retry-After` in seconds.
        seconds: u32,
    },
    /// The correct answer, delayed by this time.
    Delay(Duration),
    /// No answer is ever sent.
    Hang,
    /// The connection is reset before the answer begins.
    Reset,
    /// The connection is closed normally before the answer begins.
    Close,
    /// Bytes that are not HTTP, then the connection is closed.
    Garbage,
    /// The answer stops in the middle, and the connection is closed.
    Truncate,
    /// The full `Content-Length` is sent; after this many bytes of the body, and never all of them, the connection is
    /// closed.
    Cut(usize),
    /// The headers are sent at once, the body one byte every 100 ms.
    Drip,
    /// The answer never ends.
    Endless,
    /// Some kilobytes of gzip that decompress to 64 MiB.
    Bomb,
    /// Some bytes of brotli that decompress to 64 MiB.
    BrotliBomb,
    /// 200 with an empty body.
    Empty,
    /// 200 with an HTML page.
    Html,
    /// 200 with exactly this body: wrong types, repeated names, numbers too large, control characters.
    Body(String),
    /// 200 with exactly these bytes, which need not be text.
    Bytes(Bytes),
    /// A random one of all the above, each time.
    Mixed,
}

impl Fault {
    /// An answer with a code of the gateway's own, written as text: `Fault::code("-500")`.
    pub fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }

    /// The name of the fault in orders.
    const fn name(&self) -> &'static str {
        match self {
            Self::Code(_) => "code",
            Self::HttpStatus(_) | Self::AskToWait { .. } => "http_status",
            Self::Delay(_) => "delay",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Garbage => "garbage",
            Self::Truncate => "truncate",
            Self::Cut(_) => "cut",
            Self::Drip => "drip",
            Self::Endless => "endless",
            Self::Bomb => "bomb",
            Self::BrotliBomb => "brotli_bomb",
            Self::Empty => "empty",
            Self::Html => "html",
            Self::Body(_) | Self::Bytes(_) => "body",
            Self::Mixed => "mixed",
        }
    }
}
