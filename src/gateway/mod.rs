//! The outbound gateway engine: the whole pipeline of a call on one page. It knows no vendor.
//!
//! One attempt checks cool-down, breaker and limit ([`cool_down`], [`breaker`], [`limit`]), gets the login token
//! ([`login`]) and the timestamp ([`stamps`], [`clock_offset`]), encodes and signs ([`protocol`]), sends
//! ([`transport`]), reads the response ([`answer`]), and reports the outcome to breaker and clock offset. A failure has
//! exactly one reaction in the table of [`reactions`]; [`call_state`] decides what follows, and [`retry`] counts
//! attempts. Signing is part of the attempt, so every retry is signed again.

pub mod account;
pub mod account_settings;
pub mod account_table;
mod answer;
mod body;
pub mod breaker;
mod call_state;
mod clock_offset;
mod cool_down;
pub mod credential;
pub mod diagnosis;
pub mod endpoint;
pub mod error;
#[cfg(test)]
pub mod fixtures;
mod limit;
pub mod login;
mod login_flight;
pub mod probe;
pub mod protocol;
pub mod reactions;
mod redactor;
pub mod registry;
mod retry;
mod retry_budget;
mod settings;
pub mod stamps;
pub mod tenants;
pub mod tls;
pub mod transport;
pub mod transport_failure;
pub mod vendor;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::clock::{Clock, Deadline};
use crate::fair_queue::{Permit, Principal};
use crate::http_client::ConnectionReuse;
use crate::json::odd_values;
use crate::telemetry::traces::{Attempt, CallSpan, CallerTrace as _, Traces};
use crate::telemetry::{call_tally, metrics};

use account::{Account, CandidateStamp, StampedAttempt};
use answer::Reply;
use breaker::{BreakerPermit, CircuitChange};
use call_state::{CallState, FailedAttempt, SentAttempt};
use error::{Error, Kind};
use protocol::Call;
use reactions::BreakerEffect;
use redactor::Redactor;
use transport::Transport;
use transport_failure::TransportFailure;

pub use settings::{GatewaySettings, LimitSettings};

/// Calls gateways from one worker.
#[derive(Clone)]
pub struct GatewayClient {
    transport: Transport,
    clock: Clock,
    deadline: Duration,
    /// Records a span for each attempt; `None` if traces are off.
    traces: Option<Traces>,
    /// The common deadline of all calls for one response, if there is one.
    until: Option<Deadline>,
    /// The principal whose share of the calls is used.
    principal: Principal,
    /// Whether the calls are some of many that one request makes.
    is_one_of_many: bool,
}

impl GatewayClient {
    /// Creates a client for one worker.
    pub fn new(transport: Transport, clock: Clock, deadline: Duration) -> Self {
        let principal = Principal::default();
        Self { transport, clock, deadline, traces: None, until: None, principal, is_one_of_many: false }
    }

    /// Records a span for each attempt in these traces, if there are any.
    #[must_use]
    pub fn traced(self, traces: Option<Traces>) -> Self {
        Self { traces, ..self }
    }

    /// A copy of the client for all calls of one response: together they end in the time that one call is given.
    #[must_use]
    pub fn for_one_answer(&self) -> Self {
        Self { until: Some(Deadline::after(self.deadline)), ..self.clone() }
    }

    /// A copy of the client whose calls use this principal's share.
    #[must_use]
    pub fn on_behalf_of(&self, principal: Principal) -> Self {
        Self { principal, ..self.clone() }
    }

    /// A copy of the client for one of many calls of one request, which wait for their turn behind each other.
    #[must_use]
    pub fn as_one_of_many(&self) -> Self {
        Self { is_one_of_many: true, ..self.clone() }
    }

    /// Makes one call, with the retries that its failures allow, and decodes its data. Returns `None` when the gateway
    /// reported success without data.
    ///
    /// # Errors
    /// The failure of the last attempt.
    pub async fn call<T: DeserializeOwned>(&self, account: &Arc<Account>, call: &Call) -> Result<Option<T>, Error> {
        let (gateway, method) = (account.vendor().name(), call.method.name.as_ref());
        let started = self.clock.elapsed();
        if let Some(refusal) = account.resting(method, started) {
            return Err(refusal);
        }
        let outcome = self.attempts(account, call).await;
        let name = outcome.as_ref().map_or_else(|error| error.kind.name(), |_| "success");
        metrics::gateway_calls(gateway, method.to_owned(), name).increment(1);
        let took = self.clock.elapsed().saturating_sub(started);
        metrics::gateway_duration(gateway, method.to_owned()).record(took);
        outcome
    }

    /// Makes one attempt and returns the envelope as received, for inspection, with the failure that it reports.
    ///
    /// # Errors
    /// There is no whole response.
    pub async fn call_raw(&self, account: &Arc<Account>, call: &Call) -> Result<(Bytes, Result<(), Error>), Error> {
        let deadline = self.deadline();
        let login = self.login_for(account, call, &deadline).await?;
        let stamped = self.stamp(account, call, &CandidateStamp::default())?;
        let request = account.protocol().encode(call, &stamped.stamp, login.as_ref().map(|token| &token.value));
        let secrets = account.secrets().chain(login.as_ref().map(|token| &token.value));
        let hidden = Redactor::new(secrets, stamped.stamp.nonce.as_deref(), request.sent());
        let response = self.transport.send(account.vendor(), request, ConnectionReuse::New, &deadline).await?;
        let time = (self.clock.now(), SignedDuration::ZERO);
        let reply: Reply<IgnoredAny> = answer::read(account, call, &response, &hidden, time, false);
        Ok((response.body, reply.outcome.map(|_| ())))
    }

    /// The elapsed time of the clock, by which an account measures its state.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn deadline(&self) -> Deadline {
        self.until.unwrap_or_else(|| Deadline::after(self.deadline))
    }

    async fn attempts<T: DeserializeOwned>(&self, account: &Arc<Account>, call: &Call) -> Result<Option<T>, Error> {
        let deadline = self.deadline();
        let mut state = CallState::default();
        loop {
            let failure = match self.attempt(account, call, &mut state, &deadline).await {
                Ok(data) => return Ok(data),
                Err(failure) => failure,
            };
            let pause = self.pause_before_next(account, call, &mut state, &failure);
            let Some(pause) = pause.filter(|pause| *pause < deadline.left()) else {
                state.record_correction(account, failure.error.kind);
                return Err(failure.error);
            };
            tracing::debug!(gateway = %account.vendor(), method = %call.method.name, cause = %failure.error, "retrying the call");
            metrics::gateway_retries(account.vendor().name(), failure.error.kind.name()).increment(1);
            call_tally::retry(failure.error.kind.name());
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes one attempt, from the admission checks to the decoded data.
    async fn attempt<T: DeserializeOwned>(
        &self,
        account: &Arc<Account>,
        call: &Call,
        state: &mut CallState,
        deadline: &Deadline,
    ) -> Result<Option<T>, FailedAttempt> {
        let unsent = |error| FailedAttempt { error, sent: None, reading: None };
        self.ensure_not_cooling_down(account, call).map_err(unsent)?;
        let login = self.login_for(account, call, deadline).await.map_err(unsent)?;
        let (permit, leave) = self.admit(account, call, deadline).await.map_err(unsent)?;
        let stamped = self.stamp(account, call, &state.candidate).map_err(unsent)?;
        state.attempts.begin(&account.budget);
        let had_its_time = self.transport.has_time(deadline);
        let connection = if state.needs_new_connection { ConnectionReuse::New } else { ConnectionReuse::Any };
        let (secret, number) = (state.other_secret.unwrap_or_else(|| account.secret()), state.attempts.number());
        let mut sent = SentAttempt { stamped, login, secret, connection, had_its_time, number };
        let started = self.clock.elapsed();
        let Reply { outcome, reading, .. } = self.exchange(account, call, &sent, deadline).await;
        sent.had_its_time &= !self.transport.is_overdue(self.clock.elapsed().saturating_sub(started));
        drop(permit);
        let error = outcome.as_ref().err();
        self.record(account, call, leave, &sent, error);
        if error.is_none_or(|error| state.untried_secret(account, error, secret).is_none()) {
            account.observe(&call.method.name, error.map_or(Ok(()), Err), self.clock.elapsed());
        }
        if outcome.as_ref().err().is_none_or(Error::is_admitted) {
            account.stamp_was_accepted(&state.candidate, reading.as_ref());
            account.secret_was_accepted(secret);
            (0..std::mem::take(&mut state.paid_for_repeats)).for_each(|_| account.budget.refund());
        }
        outcome.map_err(|error| FailedAttempt { error, sent: Some(sent), reading })
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        account: &Account,
        call: &Call,
        sent: &SentAttempt,
        deadline: &Deadline,
    ) -> Reply<T> {
        let login = sent.login.as_ref().map(|token| &token.value);
        let stamp = &sent.stamped.stamp;
        let request = account.protocol_with(sent.secret).encode(call, stamp, login);
        let secrets = account.secrets().chain(login);
        let hidden = Redactor::new(secrets, stamp.nonce.as_deref(), request.sent());
        let (vendor, method) = (account.vendor(), call.method.name.as_ref());
        let attempt = Attempt { gateway: vendor.name(), method, url: &request.url, number: sent.number };
        let span = self.traces.as_ref().and_then(|traces| traces.call(attempt, self.clock.now()));
        let context = span.as_ref().map(CallSpan::context);
        let started = self.clock.elapsed();
        let response = self.transport.send(vendor, request, sent.connection, deadline).in_trace(context).await;
        let took = self.clock.elapsed().saturating_sub(started);
        let length = SignedDuration::try_from(took).unwrap_or_default();
        let reply = match response {
            Ok(_) if self.transport.is_overdue(took) => {
                let failure = Error::transport(vendor, TransportFailure::NotInTime);
                Reply { outcome: Err(failure), reading: None, call_id: None }
            }
            Ok(response) => {
                let now = self.clock.now();
                let is_traced = span.is_some();
                self.reading(account, call, || {
                    answer::read(account, call, &response, &hidden, (now, length), is_traced)
                })
            }
            Err(failure) => Reply { outcome: Err(failure), reading: None, call_id: None },
        };
        if let Some(span) = span {
            span.end(reply.outcome.as_ref().err().map(|error| error.kind.name()), reply.call_id.as_deref(), took);
        }
        reply
    }

    /// Reads the data of a call and reports odd values in it: in the metrics each time, in the log once in a while.
    pub fn reading<T>(&self, account: &Account, call: &Call, read: impl FnOnce() -> T) -> T {
        let (read, odd) = odd_values::collect(read);
        let (gateway, method, now) = (account.vendor().name(), call.method.name.as_ref(), self.clock.elapsed());
        for (field, count) in odd.iter() {
            metrics::gateway_odd_values(gateway, method.to_owned(), field.to_owned()).increment(count);
            if account.warned.is_due(method, field, now) {
                tracing::warn!(gateway, method, field, count, "odd values skipped in the gateway's answer");
            } else {
                tracing::debug!(gateway, method, field, count, "odd values skipped in the gateway's answer");
            }
        }
        read
    }

    /// Refuses at once while the breaker is open or the credential is in cool-down, before any waiting.
    fn ensure_not_cooling_down(&self, account: &Account, call: &Call) -> Result<(), Error> {
        account
            .breaker
            .wait(&call.method.name, self.clock.elapsed())
            .map_or(Ok(()), |wait| Err(breaker_open(account, wait)))
    }

    /// Gets a permit of the call limit and one of the breaker.
    async fn admit<'a>(
        &self,
        account: &'a Account,
        call: &'a Call,
        deadline: &Deadline,
    ) -> Result<(Permit, BreakerPermit<'a>), Error> {
        // One of many calls is not refused for waiting behind the others: it waits until the request's deadline.
        let left = deadline.left();
        let longest = if self.is_one_of_many { left } else { left.min(account.limit.queue_wait) };
        let permit = account.limit.enter(&self.principal, longest).await.map_err(|full| {
            let cause = "too many calls are under way or waiting; see gateway.calls_in_flight and calls_per_second";
            account.error(Kind::Busy, cause).retry_after(Some(full.retry_after))
        })?;
        let leave = account
            .breaker
            .pass(&call.method.name, self.clock.elapsed())
            .map_err(|wait| breaker_open(account, wait))?;
        Ok((permit, leave))
    }

    fn stamp(&self, account: &Account, call: &Call, candidate: &CandidateStamp) -> Result<StampedAttempt, Error> {
        account.stamp(call, candidate, self.clock.now()).ok_or_else(|| {
            let cause = "every timestamp that may be used for this call has been used; switch the nonce on";
            account.error(Kind::Busy, cause).retry_after(Some(Duration::from_secs(1)))
        })
    }

    /// Reports the outcome of an attempt to the breaker and the metrics.
    fn record(
        &self,
        account: &Account,
        call: &Call,
        leave: BreakerPermit<'_>,
        sent: &SentAttempt,
        error: Option<&Error>,
    ) {
        let (gateway, method, now) = (account.vendor().name(), call.method.name.as_ref(), self.clock.elapsed());
        let outcome = error.map_or("success", |error| error.kind.name());
        metrics::gateway_attempts(gateway, method.to_owned(), outcome).increment(1);
        call_tally::attempt();
        let counts = match error {
            None => BreakerEffect::Healthy,
            Some(error) if error.kind == Kind::TimedOut && !sent.had_its_time => BreakerEffect::Not,
            Some(error) => error.kind.reaction().counts,
        };
        match leave.record(counts, error.and_then(|error| error.retry_after), now) {
            CircuitChange::None => {}
            CircuitChange::Opened => {
                metrics::breaker_opened(gateway).increment(1);
                let cause = error.map(|error| error.cause.as_str());
                tracing::warn!(
                    gateway,
                    method,
                    cause,
                    "circuit breaker opened: the method fails and is not called for a while"
                );
            }
            CircuitChange::Closed => {
                tracing::info!(gateway, method, "circuit breaker closed: the method answers again");
            }
        }
    }
}

fn breaker_open(account: &Account, wait: Duration) -> Error {
    let cause = "circuit breaker open: calls of this method have been failing, and it is not called for a while";
    account.error(Kind::BreakerOpen, cause).retry_after(Some(wait))
}
