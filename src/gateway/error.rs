//! A gateway call that failed: what the gateway said, cleaned, and what the log should hold. What to do about it stands in
//! `reactions.rs`.

use std::time::Duration;

use jiff::Timestamp;

use super::transport_failure::TransportFailure;
use super::vendor::Gateway;

pub use super::reactions::{Kind, Older};

/// What a gateway's envelope said when it said no, before we know which call it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Decided from the code.
    pub kind: Kind,
    /// What the gateway wrote about it.
    pub note: Note,
    /// The gateway's clock, when its envelope tells.
    pub gateway_time: Option<Timestamp>,
}

impl Refusal {
    /// The answer of a gateway that is not what its documentation promises.
    pub fn unreadable() -> Self {
        Self { kind: Kind::Unreadable, note: Note::default(), gateway_time: None }
    }
}

/// The words of a gateway, cleaned: safe to show to a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The gateway's return code, such as `-500` or `e000006`.
    pub code: Option<String>,
    /// The gateway's name for the code, such as `API_SYSTEM_CALL_ERROR`.
    pub codename: Option<String>,
    /// The gateway's sentence, without control characters and cut to a sensible length.
    pub message: Option<String>,
    /// The gateway's number for this call, for its support.
    pub call_id: Option<String>,
}

impl Note {
    /// Whether the gateway spoke at all; else the message is our own.
    pub const fn is_of_gateway(&self) -> bool {
        self.code.is_some() || self.call_id.is_some()
    }

    /// Makes a gateway's words safe to show: no control characters, no more than a sentence or two.
    pub fn cleaned(
        code: Option<String>,
        codename: Option<String>,
        message: Option<String>,
        call_id: Option<String>,
    ) -> Self {
        let clean = |words: Option<String>| words.map(|words| clean(&words)).filter(|words| !words.is_empty());
        Self { code: clean(code), codename: clean(codename), message: clean(message), call_id: clean(call_id) }
    }
}

fn clean(words: &str) -> String {
    const LONGEST: usize = 200;
    let kept = words.chars().filter(|character| !character.is_control());
    let cleaned: String = kept.take(LONGEST).collect();
    cleaned.trim().to_owned()
}

/// A gateway call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{gateway} {}: {cause}", kind.name())]
pub struct Error {
    /// Which gateway.
    pub gateway: Gateway,
    /// What kind of failure, and with it the reaction.
    pub kind: Kind,
    /// What the gateway said, if it spoke.
    pub note: Option<Note>,
    /// For the log: what happened, without secrets, tokens or signed strings.
    pub cause: String,
    /// When it is worth coming back, if we know.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// A failure on our side of the wire, or an answer that cannot be used.
    pub fn local(gateway: Gateway, kind: Kind, cause: impl Into<String>) -> Self {
        Self { gateway, kind, note: None, cause: cause.into(), retry_after: None }
    }

    /// A failure of the transport.
    pub fn transport(gateway: Gateway, failure: TransportFailure) -> Self {
        Self::local(gateway, Kind::of_transport(failure), failure.words())
    }

    /// The same, with a time after which it is worth coming back.
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        Self { retry_after: wait, ..self }
    }

    /// A refusal by the gateway.
    pub fn refused(gateway: Gateway, refusal: Refusal) -> Self {
        let Refusal { kind, note, .. } = refusal;
        let code = note.code.as_deref().unwrap_or("no code");
        let codename = note.codename.as_deref().unwrap_or_default();
        let cause = format!("the gateway answered {code} {codename}").trim_end().to_owned();
        Self { gateway, kind, note: Some(note), cause, retry_after: None }
    }
}

impl crate::cache::Failure for Error {
    fn stale_is_better(&self) -> bool {
        self.kind.reaction().older == Older::IsBetter
    }

    fn remembered(&self) -> Duration {
        self.kind.reaction().remembered
    }
}
