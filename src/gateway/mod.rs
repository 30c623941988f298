//! The vendors' side: the whole outbound pipeline on one page.
//!
//! One attempt goes: may we ([`rest`], [`breaker`], [`limit`]) → logged in ([`login`]) → stamp ([`stamps`], [`clock_offset`]) →
//! encode and sign ([`dialect`]) → send ([`transport`]) → read ([`answer`]) → tell the breaker and the clock. A failure finds
//! its one reaction in the table of [`reactions`], and [`retry`] counts. Signing is inside the attempt, so that a retry is
//! always signed anew.

pub mod account;
mod answer;
pub mod breaker;
mod clock_offset;
pub mod dialect;
pub mod endpoint;
pub mod error;
mod limit;
pub mod login;
mod login_flight;
pub mod oms;
pub mod opretail;
pub mod parameters;
pub mod reactions;
pub mod registry;
mod rest;
mod retry;
mod retry_budget;
pub mod scalar;
mod settings;
pub mod stamps;
pub(crate) mod strict_json;
pub mod tenants;
pub mod tls;
pub mod transport;
pub mod transport_failure;
pub mod vendor;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;

use crate::clock::{Clock, Deadline};
use crate::telemetry::metrics;

use account::{Account, Trial};
use answer::Reply;
use breaker::{Change, Leave};
use clock_offset::Reading;
use dialect::{Call, Stamp};
use error::{Error, Kind};
use limit::Place;
use login::LoginToken;
use retry::{Attempts, Next, jittered};
use transport::Transport;

pub use settings::{GatewaySettings, LimitSettings};

/// Calls gateways from one worker.
#[derive(Clone)]
pub struct GatewayClient {
    transport: Transport,
    clock: Clock,
    deadline: Duration,
}

/// A failed attempt, with what the retry needs to know about it.
struct Failure {
    error: Error,
    /// What was sent; nothing when the attempt ended before.
    sent: Option<(Stamp, Option<Arc<LoginToken>>)>,
    reading: Option<Reading>,
}

impl GatewayClient {
    /// A client for one worker.
    pub const fn new(transport: Transport, clock: Clock, deadline: Duration) -> Self {
        Self { transport, clock, deadline }
    }

    /// Makes one call, with as many attempts as its failures deserve, and decodes its data.
    /// `None` when the gateway answered with success but without data.
    ///
    /// # Errors
    /// The failure of the last attempt.
    pub async fn call<T: DeserializeOwned>(&self, account: &Arc<Account>, call: &Call) -> Result<Option<T>, Error> {
        let (gateway, method) = (account.gateway().name(), call.method.name.as_ref());
        let started = self.clock.elapsed();
        if let Some(refusal) = account.resting(method, started) {
            return Err(refusal);
        }
        let outcome = self.attempts(account, call).await;
        let ended = self.clock.elapsed();
        account.observe(method, outcome.as_ref().map(|_| ()), ended);
        let name = outcome.as_ref().map_or_else(|error| error.kind.name(), |_| "success");
        metrics::gateway_call(gateway, method, name, ended.saturating_sub(started));
        outcome
    }

    /// Sends one attempt and gives the envelope as it came, for people who look at the wire.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn call_raw(&self, account: &Arc<Account>, call: &Call) -> Result<Bytes, Error> {
        let deadline = Deadline::after(self.deadline);
        let login = self.login_for(account, call, &deadline).await?;
        let stamp = self.stamp(account, call, &Trial::default())?;
        let request = account.dialect().encode(call, &stamp, login.as_ref().map(|token| &token.value));
        let sent = self.transport.send(request, &deadline).await;
        sent.map(|response| response.body).map_err(|failure| Error::transport(account.gateway(), failure))
    }

    async fn attempts<T: DeserializeOwned>(&self, account: &Arc<Account>, call: &Call) -> Result<Option<T>, Error> {
        let deadline = Deadline::after(self.deadline);
        let mut attempts = Attempts::default();
        let mut trial = Trial::default();
        account.budget.earn();
        loop {
            let failure = match self.attempt(account, call, &trial, &deadline).await {
                Ok(data) => return Ok(data),
                Err(failure) => failure,
            };
            let Some(pause) = self.pause_before_next(account, call, &mut attempts, &mut trial, &failure) else {
                return Err(failure.error);
            };
            if pause >= deadline.left() {
                return Err(failure.error);
            }
            tracing::debug!(gateway = %account.gateway(), method = %call.method.name, cause = %failure.error, "calling again");
            metrics::gateway_retry(account.gateway().name(), failure.error.kind.name());
            tokio::time::sleep(pause).await;
        }
    }

    /// One attempt, from the question whether we may to the data.
    async fn attempt<T: DeserializeOwned>(
        &self,
        account: &Arc<Account>,
        call: &Call,
        trial: &Trial,
        deadline: &Deadline,
    ) -> Result<Option<T>, Failure> {
        let unsent = |error| Failure { error, sent: None, reading: None };
        self.must_not_rest(account).map_err(unsent)?;
        let login = self.login_for(account, call, deadline).await.map_err(unsent)?;
        let (place, leave) = self.admit(account, deadline).await.map_err(unsent)?;
        let stamp = self.stamp(account, call, trial).map_err(unsent)?;
        let Reply { outcome, reading } = self.exchange(account, call, &stamp, login.as_deref(), deadline).await;
        drop(place);
        self.record(account, call, leave, outcome.as_ref().err());
        match outcome {
            Ok(data) => {
                account.stamp_was_taken(trial, reading.as_ref());
                Ok(data)
            }
            Err(error) => Err(Failure { error, sent: Some((stamp, login)), reading }),
        }
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        account: &Account,
        call: &Call,
        stamp: &Stamp,
        login: Option<&LoginToken>,
        deadline: &Deadline,
    ) -> Reply<T> {
        let request = account.dialect().encode(call, stamp, login.map(|token| &token.value));
        let sent = self.clock.elapsed();
        let response = self.transport.send(request, deadline).await;
        let took = SignedDuration::try_from(self.clock.elapsed().saturating_sub(sent)).unwrap_or_default();
        match response {
            Ok(response) => answer::read(account, call, &response, self.clock.now(), took),
            Err(failure) => Reply { outcome: Err(Error::transport(account.gateway(), failure)), reading: None },
        }
    }

    /// Refuses at once while the breaker is open, before anybody waits for anything.
    fn must_not_rest(&self, account: &Account) -> Result<(), Error> {
        account.breaker.wait(self.clock.elapsed()).map_or(Ok(()), |wait| Err(breaker_open(account, wait)))
    }

    /// A place among the calls under way, and the breaker's leave.
    async fn admit(&self, account: &Account, deadline: &Deadline) -> Result<(Place, Leave), Error> {
        let place = account.limit.enter(&self.clock, deadline).await.map_err(|full| {
            let cause = "too many calls are under way or waiting; see gateway.calls_in_flight and calls_per_second";
            account.error(Kind::Busy, cause).retry_after(Some(full.retry_after))
        })?;
        let leave = account.breaker.pass(self.clock.elapsed()).map_err(|wait| breaker_open(account, wait))?;
        Ok((place, leave))
    }

    fn stamp(&self, account: &Account, call: &Call, trial: &Trial) -> Result<Stamp, Error> {
        account.stamp(call, trial, self.clock.now()).ok_or_else(|| {
            let cause = "every timestamp that may be used for this call has been used; switch the nonce on";
            account.error(Kind::Busy, cause).retry_after(Some(Duration::from_secs(1)))
        })
    }

    /// Tells the breaker and the metrics what an attempt ended in.
    fn record(&self, account: &Account, call: &Call, leave: Leave, error: Option<&Error>) {
        let gateway = account.gateway().name();
        metrics::gateway_attempt(gateway, &call.method.name, error.map_or("success", |error| error.kind.name()));
        let counts = error.map_or(reactions::Counts::AsAnswer, |error| error.kind.reaction().counts);
        let asked_to_wait = error.and_then(|error| error.retry_after);
        match account.breaker.record(leave, counts, asked_to_wait, self.clock.elapsed()) {
            Change::None => {}
            Change::Opened => {
                metrics::breaker_opened(gateway);
                let cause = error.map(|error| error.cause.as_str());
                tracing::warn!(gateway, cause, "the gateway fails and is left alone for a while");
            }
            Change::Closed => tracing::info!(gateway, "the gateway answers again"),
        }
    }

    /// Whether there is another attempt, and after which pause. A retry with something mended is free; a blind one costs.
    fn pause_before_next(
        &self,
        account: &Account,
        call: &Call,
        attempts: &mut Attempts,
        trial: &mut Trial,
        failure: &Failure,
    ) -> Option<Duration> {
        let (stamp, login) = failure.sent.as_ref()?;
        if failure.error.kind == Kind::Repeated {
            account.stamp_was_repeated(call);
        }
        let longest = match attempts.after(failure.error.kind) {
            Next::GiveUp => return None,
            Next::Mended { .. } if account.mend_timestamp(trial, stamp, failure.reading.as_ref()) => {
                return Some(Duration::ZERO);
            }
            Next::LoggedIn => return self.may_log_in_again(account, login.as_deref()?).then_some(Duration::ZERO),
            Next::Mended { else_blind: false } => return None,
            Next::Mended { else_blind: true } => Duration::ZERO,
            Next::AgainWithin(longest) => longest,
        };
        if account.breaker.wait(self.clock.elapsed()).is_some() {
            return None;
        }
        if !account.budget.spend() {
            metrics::gateway_retry_denied(account.gateway().name());
            return None;
        }
        Some(jittered(longest))
    }
}

fn breaker_open(account: &Account, wait: Duration) -> Error {
    let cause = "the gateway has been failing and is left alone for a while";
    account.error(Kind::BreakerOpen, cause).retry_after(Some(wait))
}
