//! The reaction table. Each gateway answer, each transport failure and each quirk of the client library has exactly one
//! kind, and each kind has exactly one reaction.
//!
//! All others follow this table: envelopes and transport determine the kind, the retry loop whether and how to retry,
//! the circuit breaker what counts, the cache how long to store, and `http/problem_type.rs` the status.
//! `tests/api/gateway/reactions.rs` tests every row for each built-in vendor over real sockets. A vendor's codes are in
//! its pack.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::transport_failure::TransportFailure;

/// Whether and how a call is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// No retry: the same call would end the same way.
    No,
    /// Signed again after a pause, at most this many times, and only within the retry budget.
    AfterPause(u32),
    /// Signed again at once with a new nonce or timestamp, at most this many times, and only within the retry budget.
    WithNewStamp(u32),
    /// Signed again at once on a new connection, once, outside the retry budget, because the old connection had ended.
    OnNewConnection,
    /// Signed again with the clock corrected, then in the other timestamp form, while there is something to correct.
    WithOtherTimestamp,
    /// Once, after a new login that all callers share.
    WithNewLogin,
}

/// What an outcome says about the gateway's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEffect {
    /// The gateway responded, whatever it said: there is no outage.
    Healthy,
    /// An outage: the connection failed or broke, no answer came in time, or the gateway reported a failure of its own.
    AsFailure,
    /// Nothing was sent to the gateway.
    Not,
}

/// The problem that the caller receives; `http/problem_type.rs` gives each its status.
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

/// What a caller receives when a stale response exists (stale-if-error).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleIfErrorPolicy {
    /// The stale response: the failure says nothing about it.
    IsBetter,
    /// The failure: it is authoritative, and the stale response is removed.
    IsOver,
    /// The stale response, once. It is removed when the gateway says the same again after a moment.
    OutlivesOne,
}

/// The reaction to a kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Whether and how the call is retried.
    pub again: RetryPolicy,
    /// The effect on the circuit breaker.
    pub counts: BreakerEffect,
    /// Whether it proves that the gateway accepted key, timestamp and signature. Only then does it check the
    /// parameters.
    pub admitted: bool,
    /// Whether a stale response is served instead.
    pub older: StaleIfErrorPolicy,
    /// How long the failure itself is cached, so that many callers do not repeat it.
    pub remembered: Duration,
    /// How long the credential is in cool-down: with the same method, or with the same login.
    pub rests: Option<Duration>,
    /// The problem that the caller receives when there is no stale response.
    pub shown: ShownProblem,
}

/// A row of the table: the observed failure and the reaction to it.
#[derive(Debug)]
pub struct ReactionRow {
    /// The kind of failure.
    pub kind: Kind,
    /// HTTP statuses. A gateway's own errors come inside 200, so any other status comes from something in front of it.
    pub http: &'static [RangeInclusive<u16>],
    /// The transport failures.
    pub transport: &'static [TransportFailure],
    /// The reaction.
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
        /// The kind of failure in which a gateway call ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])+ $kind),+ }

        /// All rows of the table.
        pub static TABLE: &[&ReactionRow] = &[$(&Kind::$kind.row_of()),+];

        impl Kind {
            /// The name in logs and metrics.
            pub const fn name(self) -> &'static str { match self { $(Self::$kind => $name),+ } }

            /// The reaction to this kind.
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

// Columns after the arrow: retry, breaker effect, whether key, timestamp and signature are proven accepted,
// stale-if-error, how long the failure is cached, cool-down of the credential, and the problem that the caller
// receives.
reactions! {
    /// The gateway refused our key, signature, method, permission or system parameters. An operator must act.
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

    /// The gateway no longer knows the login token that the call carried.
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

    /// The gateway knows no such object.
    NotFound "not_found"
        http [] transport []
        => No, Healthy, true, OutlivesOne, HALF_A_MINUTE, None, NotFound;

    /// The gateway refused a business parameter. Only codes that are known to mean this belong here, because the caller
    /// is blamed and a stale response is given up for it.
    ParameterRefused "parameter_refused"
        http [] transport []
        => No, Healthy, true, IsOver, MOMENT, None, RejectedRequest;

    /// The gateway answered with a code of its vendor's form that its pack does not list, such as one for too many
    /// calls.
    UnlistedCode "unlisted_code"
        http [] transport []
        => No, Healthy, true, IsBetter, MOMENT, None, Unavailable;

    /// The gateway reported a failure of its own, or one without a readable code. Also: something in front of it failed
    /// or wants the request again: 408 (timeout), 421 (another connection), 425 (too early).
    GatewayFailed "gateway_failed"
        http [408..=408, 421..=421, 425..=425, 500..=599] transport []
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, GatewayError;

    /// The answer is incomplete or broken: it is empty, its document ends too early, its coding cannot be decoded, or
    /// its headers are not well-formed HTTP. The gateway is alive, and another attempt may succeed.
    Incomplete "incomplete"
        http []
        transport [T::MalformedHttp, T::EndsEarly, T::Empty, T::Undecodable]
        => AfterPause(1), Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// A whole answer is not JSON, not of the documented shape, or too large. The gateway is alive, would answer the
    /// same again, and may well answer everything else.
    Unreadable "unreadable"
        http [] transport [T::TooLarge, T::NotAnEnvelope]
        => No, Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// An HTTP status that no gateway documents and no other row lists, such as a redirect. Redirects are not followed,
    /// because that would send the signed form elsewhere. 401, 403 and 407 come from something in front of the gateway,
    /// and say nothing about our key. The responder is alive, and may let other methods through.
    UnexpectedStatus "unexpected_status"
        http [300..=399, 401..=401, 403..=404, 407..=407] transport []
        => No, Healthy, false, IsBetter, MOMENT, None, GatewayError;

    /// The gateway asks to wait: 429, or a 503 that says for how long.
    AskedToWait "asked_to_wait"
        http [429..=429] transport []
        => No, AsFailure, false, IsBetter, MOMENT, None, Unavailable;

    /// No connection: it was refused, or DNS or TLS failed. Nothing was sent.
    Unreachable "unreachable"
        http []
        transport [T::NameNotResolved, T::ConnectionRefused, T::NoConnectionInTime, T::TlsFailed]
        => AfterPause(2), AsFailure, false, IsBetter, MOMENT, None, Unavailable;

    /// The gateway closed a pooled connection just as it was reused.
    StaleConnection "stale_connection"
        http [] transport [T::StaleConnection]
        => OnNewConnection, Not, false, IsBetter, MOMENT, None, GatewayError;

    /// The connection broke while the call was under way, before the answer or within it. The gateway may have executed
    /// the call.
    Disconnected "disconnected"
        http [] transport [T::Closed, T::Reset, T::CutShort, T::BrokeOff]
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, GatewayError;

    /// No complete answer arrived in time.
    TimedOut "timed_out"
        http [] transport [T::NotInTime]
        => AfterPause(1), AsFailure, false, IsBetter, MOMENT, None, Timeout;

    /// We held the call back: too many are under way or waiting, or no unused timestamp is left.
    Busy "busy"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, Unavailable;

    /// HTTP cannot carry the call, for example when a header value has a line break. An operator must act.
    NotSent "not_sent"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, InternalError;

    /// We held the call back: the circuit breaker is open.
    BreakerOpen "breaker_open"
        http [] transport []
        => No, Not, false, IsBetter, MOMENT, None, Unavailable;
}

impl Kind {
    /// The kind of an HTTP status other than 2xx.
    pub fn of_status(status: u16) -> Self {
        find(|row| row.http.iter().any(|statuses| statuses.contains(&status))).unwrap_or(Self::UnexpectedStatus)
    }

    /// The kind of a transport failure.
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
