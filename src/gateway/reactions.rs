//! The one table: each answer of a gateway, each failure of the transport and each quirk of the client library ends in
//! exactly one kind, and each kind has exactly one right reaction.
//!
//! Everyone else looks here and obeys: the envelopes and the transport find the kind, the retry loop asks whether and how
//! to go on, the breaker what counts, the cache how long, and `http/problem_type.rs` gives the status. `tests/api/gateway/reactions.rs`
//! walks the table row by row, for each built-in vendor, over real sockets. The codes of a vendor are in its pack.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::transport_failure::TransportFailure;

/// Whether and how a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// The same call would end the same way.
    No,
    /// Signed anew, after a pause, at most so many times, and only within the retry budget.
    AfterPause(u32),
    /// Signed anew at once with a new nonce or timestamp, at most so many times, and only within the retry budget.
    WithNewStamp(u32),
    /// Signed again at once on a new connection, once, outside of the retry budget: the old one had ended.
    OnNewConnection,
    /// With the clock corrected, then with the other timestamp form, as far as there is something to mend.
    WithOtherTimestamp,
    /// Once, after one new login that all callers share.
    WithNewLogin,
}

/// What it says of the gateway's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEffect {
    /// Something answered, whatever it said: there is no outage.
    Healthy,
    /// It is an outage: no connection, none to the end, no answer in time, or a failure that the gateway reports of itself.
    AsFailure,
    /// Nothing was asked of the gateway.
    Not,
}

/// Which problem the caller is told about; `http/problem_type.rs` gives each its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownProblem {
    /// 502 `gateway-refused-credentials`.
    RefusedCredentials,
    /// 502 `gateway-error`.
    GatewayError,
    /// 503 `gateway-unavailable`, with `Retry-After`.
    Unavailable,
    /// 504 `gateway-timeout`.
    Timeout,
    /// 403 `store-not-granted`.
    NotGranted,
    /// 404 `not-found`.
    NotFound,
    /// 422 `gateway-rejected-request`.
    RejectedRequest,
    /// 500 `internal-error`.
    InternalError,
}

/// What is better for the caller when there is an older answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleIfErrorPolicy {
    /// The older answer: the failure says nothing about it.
    IsBetter,
    /// The failure: it is the truth, and the older answer is no more.
    IsOver,
    /// The older answer, once: it is over when the gateway says the same again after a moment.
    OutlivesOne,
}

/// The one right reaction to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Try again, and how.
    pub again: RetryPolicy,
    /// What the breaker makes of it.
    pub counts: BreakerEffect,
    /// Whether it proves that the gateway took key, timestamp and signature: it looks at what is asked for only then.
    pub admitted: bool,
    /// Whether an older answer is served instead.
    pub older: StaleIfErrorPolicy,
    /// How long the failure itself is remembered, so that a crowd does not repeat it.
    pub remembered: Duration,
    /// How long the credential is not tried again: with the same method, or with the same login.
    pub rests: Option<Duration>,
    /// What the caller is told when there is no older answer.
    pub shown: ShownProblem,
}

/// A row of the table: what is seen, and the reaction to it.
#[derive(Debug)]
pub struct ReactionRow {
    /// What it is called.
    pub kind: Kind,
    /// HTTP statuses; a gateway's own errors come inside 200, so any other is of something in front of it.
    pub http: &'static [RangeInclusive<u16>],
    /// What the transport meets.
    pub transport: &'static [TransportFailure],
    /// What to do.
    pub reaction: Reaction,
}

const MOMENT: Duration = Duration::from_secs(1);
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

macro_rules! reactions {
    ($(
        $(#[$doc:meta])+
        $kind:ident $name:literal
            http $http:tt transport $transport:tt
            => $again:expr, $counts:ident, $admitted:literal, $older:ident, $remembered:ident, $rests:expr, $shown:ident;
    )+) => {
        /// What kind of failure a gateway call ended in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])+ $kind),+ }

        /// All rows.
        pub static TABLE: &[&ReactionRow] = &[$(&Kind::$kind.row_of()),+];

        impl Kind {
            /// The name in logs and metrics.
            pub const fn name(self) -> &'static str { match self { $(Self::$kind => $name),+ } }

            /// The one right reaction.
            pub const fn reaction(self) -> Reaction { self.row_of().reaction }

            const fn row_of(self) -> ReactionRow {
                use self::RetryPolicy::{AfterPause, No, OnNewConnection, WithNewLogin, WithNewStamp, WithOtherTimestamp};
                match self {
                    $(Self::$kind => ReactionRow {
                        kind: Self::$kind,
                        http: &$http,
                        transport: &$transport,
                        reaction: Reaction {
                            again: $again,
                            counts: BreakerEffect::$counts,
                            admitted: $admitted,
                            older: StaleIfErrorPolicy::$older,
                            remembered: $remembered,
                            rests: $rests,
                            shown: ShownProblem::$shown,
                        },
                    }),+
                }
            }
        }
    };
}

use TransportFailure as T;

// Columns behind the arrow: again, what the breaker counts, whether it proves that key, timestamp and signature were taken,
// an older answer, how long the failure is remembered, how long the credential rests, and what the caller is told.
reactions! {
    /// The gateway refused our key, signature, method, permission or system parameters: an operator must act.
    CredentialsRefused "credentials_refused"
        http []
        transport []
        => No, Healthy, false, IsBetter, MOMENT, Some(HALF_A_MINUTE), RefusedCredentials;

    /// The gateway found our timestamp too old, too new or in the wrong form.
    TimestampRefused "timestamp_refused"
        http [] transport []
        => WithOtherTimestamp, Healthy, false, IsBetter, MOMENT, None, RefusedCredentials;

    /// The gateway has seen this signature before, or says that the call is repeated.
    Repeated "repeated"
        http [] transport []
        => WithNewStamp(2), Healthy, false, IsBetter, MOMENT, None, Unavailable;

    /// The user login token in the header is no longer known.
    LoginExpired "login_expired"
        http [] transport []
        => WithNewLogin, Healthy, true, IsBetter, MOMENT, None, RefusedCredentials;

    /// The gateway refused the configured user name or password.
    LoginRefused "login_refused"
        http [] transport []
        => No, Healthy, true, IsBetter, MOMENT, Some(FIVE_MINUTES), RefusedCredentials;

    /// The organization does not belong to our key.
    NotGranted "not_granted"
        http [] transport []
        => No, Healthy, true, IsOver, MOMENT, None, NotGranted;

    /// The gateway knows no such thing.
    NotFound "not_found"
        http [] transport []
        => No, Healthy, true, OutlivesOne, HALF_A_MINUTE, None, NotFound;

    /// The gateway refused a business parameter: only codes that are known to mean this, since the caller is blamed and an
    /// older answer is given up for it.
    ParameterRefused "parameter_refused"
        http [] transport []
        => No, Healthy, true, IsOver, MOMENT, None, RejectedRequest;

    /// The gateway answered with a code of its vendor's form that its pack does not list, such as one for too many calls.
    UnlistedCode "unlisted_code"
        http [] transport []
        => No, Healthy, true, IsBetter, MOMENT, None, Unavailable;

    /// The gateway reported a failure of its own, or without a code that could be told. Or something in front of it
    /// did, or wants the request again: 408 (timeout), 421 (another connection), 425 (too early).
    GatewayFailed "gateway_failed"
        http [408..=408, 421..=421, 425..=425, 500..=599] transport []
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, GatewayError;

    /// An answer came in which something is missing or broken: it is empty, its document ends too early, its coding cannot be
    /// undone, or its head is not well-formed HTTP. The gateway is alive, and another attempt may bring a good one.
    Incomplete "incomplete"
        http []
        transport [T::MalformedHttp, T::EndsEarly, T::Empty, T::Undecodable]
        => AfterPause(1), Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// A whole answer came that is not JSON, not of the documented shape, or too large. The gateway is alive, would say the
    /// same again, and may well answer everything else.
    Unreadable "unreadable"
        http [] transport [T::TooLarge, T::NotAnEnvelope]
        => No, Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// An HTTP status that no gateway documents, such as a redirect, which is not followed: it would carry the signed
    /// form to another place. 401, 403 and 407 are of something in front of the gateway, and say nothing about our key.
    /// Every status that stands nowhere else. Whatever answers is alive, and may let other methods through.
    UnexpectedStatus "unexpected_status"
        http [300..=399, 401..=401, 403..=404, 407..=407] transport []
        => No, Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// The gateway asks to wait: 429, or a 503 that says for how long.
    AskedToWait "asked_to_wait"
        http [429..=429] transport []
        => No, AsFailure, false, IsBetter, MOMENT, None, Unavailable;

    /// No connection: refused, DNS or TLS. Nothing was sent.
    Unreachable "unreachable"
        http []
        transport [T::NameNotResolved, T::ConnectionRefused, T::NoConnectionInTime, T::TlsFailed]
        => AfterPause(2), AsFailure, false, IsBetter, MOMENT, None, Unavailable;

    /// The gateway closed a connection from the pool just as it was used again.
    StaleConnection "stale_connection"
        http [] transport [T::StaleConnection]
        => OnNewConnection, Not, false, IsBetter, MOMENT, None, GatewayError;

    /// The connection broke while the call was under way, before the answer or within it; the gateway may have run it.
    Disconnected "disconnected"
        http [] transport [T::Closed, T::Reset, T::CutShort, T::BrokeOff]
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, GatewayError;

    /// No complete answer in time.
    TimedOut "timed_out"
        http [] transport [T::NotInTime]
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, Timeout;

    /// We held the call back ourselves: too many are under way or waiting, or no unused timestamp is left.
    Busy "busy"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, Unavailable;

    /// HTTP cannot carry the call, as where a value for a header has a line break: an operator must act.
    NotSent "not_sent"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, InternalError;

    /// We held the call back ourselves: the breaker is open.
    BreakerOpen "breaker_open"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, Unavailable;
}

impl Kind {
    /// The kind of an HTTP status other than 2xx.
    pub fn of_status(status: u16) -> Self {
        find(|row| row.http.iter().any(|statuses| statuses.contains(&status))).unwrap_or(Self::UnexpectedStatus)
    }

    /// The kind of what the transport met.
    pub fn of_transport(failure: TransportFailure) -> Self {
        find(|row| row.transport.contains(&failure)).unwrap_or(Self::Disconnected)
    }
}

fn find(is_it: impl Fn(&ReactionRow) -> bool) -> Option<Kind> {
    TABLE.iter().find(|row| is_it(row)).map(|row| row.kind)
}

#[cfg(test)]
mod tests {
    use super::{Kind, TABLE};
    use crate::gateway::transport_failure::TransportFailure;
    use std::collections::HashSet;

    #[test]
    fn nothing_stands_in_two_rows() {
        let mut seen = HashSet::new();
        for row in TABLE {
            let http = row.http.iter().cloned().flatten().map(|status| format!("http {status}"));
            let transport = row.transport.iter().map(|failure| format!("{failure:?}"));
            for answer in http.chain(transport) {
                assert!(seen.insert(answer.clone()), "{answer} stands twice");
            }
        }
    }

    #[test]
    fn every_failure_of_the_transport_has_its_row() {
        for failure in TransportFailure::ALL {
            assert!(TABLE.iter().any(|row| row.transport.contains(failure)), "{failure:?}");
        }
    }

    #[test]
    fn what_is_not_listed_has_a_reaction_too() {
        assert_eq!(Kind::of_status(418), Kind::UnexpectedStatus);
        assert_eq!(Kind::of_status(504), Kind::GatewayFailed);
    }
}
