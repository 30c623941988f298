//! Faults on demand: what a gateway, or the network before it, does on a bad day. A fault replaces an answer, after
//! the request was checked and ran: a signature is used up, as it would be.

mod listing;
mod mixed;
mod order;
mod queue;
mod reading;

use std::time::Duration;

use bytes::Bytes;

pub use self::order::FaultOrder;
pub use self::queue::FaultQueue;

/// What happens to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The gateway answers with this code of its own, such as `-500` or `e000005`.
    Code(String),
    /// A proxy before the gateway answers with this status and a page of HTML.
    HttpStatus(u16),
    /// A proxy before the gateway asks for patience, with `Retry-After`.
    AskToWait {
        /// 429 or 503.
        status: u16,
        /// What `Retry-After` says.
        seconds: u32,
    },
    /// The right answer, so much later.
    Delay(Duration),
    /// No answer ever comes.
    Hang,
    /// The connection is reset before the answer begins.
    Reset,
    /// The connection is closed in good order before the answer begins.
    Close,
    /// Bytes that are not HTTP, then the connection is closed.
    Garbage,
    /// The answer stops in the middle and the connection is closed.
    Truncate,
    /// The whole length is announced; after so many bytes of the body, and never all, the connection is closed.
    Cut(usize),
    /// The head comes at once, the body a byte every 100 ms.
    Drip,
    /// The answer goes on and never ends.
    Endless,
    /// Some kilobytes of gzip that inflate to 64 MiB.
    Bomb,
    /// Some bytes of brotli that inflate to 64 MiB.
    BrotliBomb,
    /// 200 with no body.
    Empty,
    /// 200 with a page of HTML.
    Html,
    /// 200 with exactly this body: wrong types, names twice, numbers too large, control characters.
    Body(String),
    /// The same, where the body need not be text.
    Bytes(Bytes),
    /// Each time another one of all the above, by chance.
    Mixed,
}

impl Fault {
    /// The gateway answers with a code of its own, written as text: `Fault::code("-500")`.
    pub fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }

    /// The name that orders use.
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
