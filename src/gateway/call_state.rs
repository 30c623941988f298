//! The state of one call over its attempts: what was sent, the candidate timestamp, and whether another attempt follows
//! a failure.

use std::sync::Arc;
use std::time::Duration;

use super::account::{Account, CandidateStamp, StampedAttempt, WhichSecret};
use super::clock_offset::ClockReading;
use super::error::{Error, Kind};
use super::login::LoginToken;
use super::protocol::Call;
use super::reactions::RetryPolicy;
use super::retry::{Attempts, RetryDecision, jittered};
use super::{GatewayClient, metrics};
use crate::http_client::ConnectionReuse;

/// What one attempt carried.
pub(super) struct SentAttempt {
    pub stamped: StampedAttempt,
    pub login: Option<Arc<LoginToken>>,
    pub secret: WhichSecret,
    pub connection: ConnectionReuse,
    /// The number of the attempt within its call, from 1.
    pub number: u32,
    /// Whether the gateway had the full time of an attempt, and not only what our own queue had left of it.
    pub had_its_time: bool,
}

/// A failed attempt, with what a retry needs to know about it.
pub(super) struct FailedAttempt {
    pub error: Error,
    /// What was sent; `None` when the attempt ended before sending.
    pub sent: Option<SentAttempt>,
    pub reading: Option<ClockReading>,
}

/// The state of one call over its attempts.
#[derive(Default)]
pub(super) struct CallState {
    pub attempts: Attempts,
    pub candidate: CandidateStamp,
    /// The retries that the budget paid for after the gateway had called a timestamp repeated.
    pub paid_for_repeats: u32,
    /// Whether the next attempt needs a new connection, because one failed in a way that its connection may have
    /// caused.
    pub needs_new_connection: bool,
    /// The other secret of the credential, after the first one was refused.
    pub other_secret: Option<WhichSecret>,
    /// The retries with a corrected timestamp, which are free if they help.
    corrections: u32,
}

impl CallState {
    /// The secret for one more attempt, if the one that was used was refused and the credential has another.
    pub(super) fn untried_secret(&self, account: &Account, error: &Error, sent: WhichSecret) -> Option<WhichSecret> {
        let is_refused = error.kind == Kind::CredentialsRefused && !error.is_admitted();
        let is_untried = is_refused && self.other_secret.is_none();
        account.other_than(sent).filter(|_| is_untried)
    }

    /// Settles a failed call: if its timestamp was refused, its corrections did not help, and the budget pays for them.
    pub(super) fn record_correction(&mut self, account: &Account, kind: Kind) {
        if kind == Kind::TimestampRefused {
            account.stamp_was_refused(&self.candidate);
            account.budget.owe(std::mem::take(&mut self.corrections));
        }
    }
}

impl GatewayClient {
    /// Decides whether another attempt follows, and returns the pause before it. A retry with a correction is free as
    /// long as corrections help; a blind retry costs budget.
    pub(super) fn pause_before_next(
        &self,
        account: &Account,
        call: &Call,
        state: &mut CallState,
        failure: &FailedAttempt,
    ) -> Option<Duration> {
        let SentAttempt { stamped, login, secret, .. } = failure.sent.as_ref()?;
        let kind = failure.error.kind;
        state.needs_new_connection |=
            matches!(kind.reaction().again, RetryPolicy::AfterPause(_) | RetryPolicy::OnNewConnection);
        if let Some(other) = state.untried_secret(account, &failure.error, *secret) {
            state.other_secret = Some(other);
            return Some(Duration::ZERO);
        }
        let may_log_in = kind == Kind::LoginExpired && self.may_log_in_again(account, login.as_deref()?);
        let longest = match state.attempts.after(kind) {
            RetryDecision::GiveUp => return None,
            RetryDecision::Reconnected => return Some(Duration::ZERO),
            RetryDecision::LoggedIn => return may_log_in.then_some(Duration::ZERO),
            RetryDecision::Corrected { else_blind } => {
                let is_corrected = account.correct_timestamp(&mut state.candidate, stamped, failure.reading.as_ref());
                if is_corrected && account.correction_may_help() {
                    state.corrections += 1;
                    return Some(Duration::ZERO);
                }
                (is_corrected || else_blind).then_some(Duration::ZERO)?
            }
            RetryDecision::AgainWithin(longest) => longest,
        };
        if account.breaker.wait(&call.method.name, self.clock.elapsed()).is_some() {
            return None;
        }
        if !account.budget.spend() {
            metrics::gateway_retries_denied(account.vendor().name()).increment(1);
            return None;
        }
        if kind == Kind::Repeated {
            account.stamp_was_repeated(call);
            state.paid_for_repeats += 1;
        }
        Some(jittered(longest))
    }
}
