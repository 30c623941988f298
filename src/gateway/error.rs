//! What can go wrong with a gateway call, and the one right reaction to each.
//! The kind is decided beside the envelope (`opretail/codes.rs`, `oms/codes.rs`) or in `transport.rs`; everyone else
//! asks [`Kind::reaction`] and obeys: the retry loop, the cache, and the table of problems.

use std::time::Duration;

use jiff::Timestamp;

use super::vendor::Gateway;

/// What kind of failure a gateway call ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The gateway refused our key, signature, method, permission or system parameters: an operator must act.
    CredentialsRefused,
    /// The gateway found our timestamp too old, too new or in the wrong form.
    TimestampRefused,
    /// The gateway has seen this signature before, or says that the call is repeated.
    Repeated,
    /// The user login token in the header is no longer known.
    LoginExpired,
    /// The gateway refused the configured user name or password.
    LoginRefused,
    /// The organization does not belong to our key.
    NotGranted,
    /// The gateway knows no such thing.
    NotFound,
    /// The gateway refused a business parameter.
    ParameterRefused,
    /// The gateway reported a failure of its own.
    GatewayFailed,
    /// The answer was cut short, empty, not JSON, or not of the documented shape.
    Unreadable,
    /// An HTTP status that no gateway documents, such as a redirect.
    UnexpectedStatus,
    /// No connection: refused, DNS or TLS. Nothing was sent.
    Unreachable,
    /// The connection broke while the call was under way; the gateway may have run it.
    Disconnected,
    /// No complete answer in time.
    TimedOut,
    /// We held the call back ourselves: no room, or no unused timestamp.
    Busy,
}

/// Whether and how a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The same call would end the same way.
    No,
    /// Signed anew, after a pause, at most so many times.
    AfterPause(u32),
    /// Once, with the clock corrected or the other timestamp form.
    WithOtherTimestamp,
    /// Signed anew at once with a new nonce or timestamp, at most so many times.
    WithNewStamp(u32),
}

/// Which problem the caller is told about; `http/problem.rs` gives each its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// 502 `gateway-refused-credentials`.
    RefusedCredentials,
    /// 502 `gateway-error`.
    GatewayError,
    /// 503 `gateway-unavailable`.
    Unavailable,
    /// 504 `gateway-timeout`.
    Timeout,
    /// 403 `store-not-granted`.
    NotGranted,
    /// 404 `not-found`.
    NotFound,
    /// 422 `gateway-rejected-request`.
    RejectedRequest,
}

/// The one right reaction to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Try again, and how.
    pub again: Again,
    /// Whether it speaks against the gateway's health.
    pub counts_as_failure: bool,
    /// Whether an older answer is better for the caller than this failure.
    pub stale_is_better: bool,
    /// How long the failure itself is remembered, so that a crowd does not repeat it.
    pub remembered: Duration,
    /// What the caller is told when there is no older answer.
    pub shown: Shown,
}

const MOMENT: Duration = Duration::from_secs(1);
const MISSING_IS_REMEMBERED: Duration = Duration::from_secs(30);

impl Kind {
    /// The table. A row a kind: again, counts as failure, stale is better, remembered, shown.
    pub const fn reaction(self) -> Reaction {
        use Again::{AfterPause, No, WithNewStamp, WithOtherTimestamp};
        match self {
            Self::CredentialsRefused => row(No, false, true, MOMENT, Shown::RefusedCredentials),
            Self::TimestampRefused => row(WithOtherTimestamp, false, true, MOMENT, Shown::RefusedCredentials),
            Self::Repeated => row(WithNewStamp(2), false, true, MOMENT, Shown::Unavailable),
            Self::LoginExpired => row(No, false, true, MOMENT, Shown::RefusedCredentials),
            Self::LoginRefused => row(No, false, true, MOMENT, Shown::RefusedCredentials),
            Self::NotGranted => row(No, false, false, MOMENT, Shown::NotGranted),
            Self::NotFound => row(No, false, false, MISSING_IS_REMEMBERED, Shown::NotFound),
            Self::ParameterRefused => row(No, false, false, MOMENT, Shown::RejectedRequest),
            Self::GatewayFailed => row(AfterPause(1), true, true, MOMENT, Shown::GatewayError),
            Self::Unreadable => row(AfterPause(1), true, true, MOMENT, Shown::GatewayError),
            Self::UnexpectedStatus => row(No, true, true, MOMENT, Shown::GatewayError),
            Self::Unreachable => row(AfterPause(2), true, true, MOMENT, Shown::Unavailable),
            Self::Disconnected => row(AfterPause(1), true, true, MOMENT, Shown::GatewayError),
            Self::TimedOut => row(AfterPause(1), true, true, MOMENT, Shown::Timeout),
            Self::Busy => row(No, false, true, MOMENT, Shown::Unavailable),
        }
    }

    /// How long the credential is not tried again with the same method; gateways lock keys that insist.
    pub const fn credential_rests(self) -> Option<Duration> {
        match self {
            Self::CredentialsRefused | Self::LoginRefused => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "credentials_refused",
            Self::TimestampRefused => "timestamp_refused",
            Self::Repeated => "repeated",
            Self::LoginExpired => "login_expired",
            Self::LoginRefused => "login_refused",
            Self::NotGranted => "not_granted",
            Self::NotFound => "not_found",
            Self::ParameterRefused => "parameter_refused",
            Self::GatewayFailed => "gateway_failed",
            Self::Unreadable => "unreadable",
            Self::UnexpectedStatus => "unexpected_status",
            Self::Unreachable => "unreachable",
            Self::Disconnected => "disconnected",
            Self::TimedOut => "timed_out",
            Self::Busy => "busy",
        }
    }
}

const fn row(again: Again, failure: bool, stale: bool, remembered: Duration, shown: Shown) -> Reaction {
    Reaction { again, counts_as_failure: failure, stale_is_better: stale, remembered, shown }
}

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
}

impl Error {
    /// A failure on our side of the wire, or an answer that cannot be used.
    pub fn local(gateway: Gateway, kind: Kind, cause: impl Into<String>) -> Self {
        Self { gateway, kind, note: None, cause: cause.into() }
    }

    /// A refusal by the gateway.
    pub fn refused(gateway: Gateway, refusal: Refusal) -> Self {
        let Refusal { kind, note, .. } = refusal;
        let code = note.code.as_deref().unwrap_or("no code");
        let codename = note.codename.as_deref().unwrap_or_default();
        let cause = format!("the gateway answered {code} {codename}").trim_end().to_owned();
        Self { gateway, kind, note: Some(note), cause }
    }
}

impl crate::cache::Failure for Error {
    fn stale_is_better(&self) -> bool {
        self.kind.reaction().stale_is_better
    }

    fn remembered(&self) -> Duration {
        self.kind.reaction().remembered
    }
}
