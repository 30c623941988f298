//! The vendors' side: the whole outbound pipeline on one page.
//!
//! One call goes: stamp ([`stamps`], [`clock_offset`]) → encode and sign ([`dialect`]) → send and read ([`transport`])
//! → read the envelope ([`dialect`]) → on failure, the reaction ([`error`]) → again ([`retry`]) or give up.
//! Signing is inside the attempt, so that a retry is always signed anew.

pub mod account;
mod clock_offset;
pub mod dialect;
pub mod endpoint;
pub mod error;
pub mod oms;
pub mod opretail;
pub mod parameters;
mod rest;
mod retry;
pub mod scalar;
mod settings;
pub mod stamps;
pub mod tenants;
pub mod tls;
pub mod transport;
pub mod vendor;

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::telemetry::metrics;

use account::Account;
use dialect::{Call, Stamp};
use error::{Error, Kind, Note, Refusal};
use retry::{Attempts, Next};
use transport::{Response, Transport};

pub use settings::GatewaySettings;

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
    stamp: Stamp,
    gateway_time: Option<Timestamp>,
    took: SignedDuration,
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
    pub async fn call<T: DeserializeOwned>(&self, account: &Account, call: &Call) -> Result<Option<T>, Error> {
        let started = self.clock.elapsed();
        if let Some(refusal) = account.resting(&call.method.name, started) {
            return Err(refusal);
        }
        let outcome = match tokio::time::timeout(self.deadline, self.attempts(account, call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::local(account.gateway(), Kind::TimedOut, "no attempt succeeded in time")),
        };
        let ended = self.clock.elapsed();
        account.observe(&call.method.name, outcome.as_ref().map(|_| ()), ended);
        let name = outcome.as_ref().map_or_else(|error| error.kind.name(), |_| "success");
        let took = ended.saturating_sub(started);
        metrics::gateway_call(account.gateway().name(), &call.method.name, name, took);
        outcome
    }

    /// Sends one attempt and gives the envelope as it came, for people who look at the wire.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn call_raw(&self, account: &Account, call: &Call) -> Result<Bytes, Error> {
        let stamp = self.stamp(account, call)?;
        Ok(self.send(account, call, &stamp).await?.body)
    }

    async fn attempts<T: DeserializeOwned>(&self, account: &Account, call: &Call) -> Result<Option<T>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let stamp = self.stamp(account, call)?;
            let failure = match self.attempt(account, call, stamp).await {
                Ok(data) => return Ok(data),
                Err(failure) => failure,
            };
            let pause = match attempts.after(failure.error.kind) {
                Next::GiveUp => return Err(failure.error),
                Next::Again(pause) => pause,
                Next::AfterMending => {
                    self.mend(account, &failure);
                    Duration::ZERO
                }
                Next::IfMended if self.mend(account, &failure) => Duration::ZERO,
                Next::IfMended => return Err(failure.error),
            };
            tracing::debug!(gateway = %account.gateway(), method = %call.method.name, cause = %failure.error, "calling again");
            metrics::gateway_retry(account.gateway().name(), failure.error.kind.name());
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        account: &Account,
        call: &Call,
        stamp: Stamp,
    ) -> Result<Option<T>, Failure> {
        let sent = self.clock.elapsed();
        let outcome = self.send(account, call, &stamp).await;
        let took = SignedDuration::try_from(self.clock.elapsed().saturating_sub(sent)).unwrap_or_default();
        let response = match outcome {
            Ok(response) => response,
            Err(error) => return Err(Failure { error, stamp, gateway_time: None, took }),
        };
        decode(account, call, &response).map_err(|(error, time)| {
            let gateway_time = time.or(response.date);
            Failure { error, stamp, gateway_time, took }
        })
    }

    async fn send(&self, account: &Account, call: &Call, stamp: &Stamp) -> Result<Response, Error> {
        let request = account.dialect().encode(call, stamp);
        let sent = self.transport.send(request).await;
        sent.map_err(|error| Error::local(account.gateway(), error.kind, error.cause))
    }

    fn stamp(&self, account: &Account, call: &Call) -> Result<Stamp, Error> {
        account.stamp(call, self.clock.now()).ok_or_else(|| {
            let cause = "every timestamp that may be used for this call has been used; switch the nonce on";
            Error::local(account.gateway(), Kind::Busy, cause)
        })
    }

    fn mend(&self, account: &Account, failure: &Failure) -> bool {
        account.mend_timestamp(&failure.stamp, failure.gateway_time, self.clock.now(), failure.took)
    }
}

/// Status, envelope and data of a whole answer.
fn decode<T: DeserializeOwned>(
    account: &Account,
    call: &Call,
    response: &Response,
) -> Result<Option<T>, (Error, Option<Timestamp>)> {
    let gateway = account.gateway();
    let local = |kind, cause: String| (Error::local(gateway, kind, cause), None);
    match response.status {
        200..=299 => {}
        status => return Err(local(kind_of_status(status), format!("HTTP status {status}"))),
    }
    let body = account.dialect().clean(response.body.clone());
    let answer = account.dialect().decode(&body).map_err(|refusal| refused(gateway, refusal))?;
    // PHP writes an empty list for an empty object.
    let Some(data) = answer.data.filter(|data| data.get() != "[]") else { return Ok(None) };
    serde_json::from_str(data.get()).map(Some).map_err(|error| {
        let cause = format!("data of {} at column {}: {:?} error", call.method.name, error.column(), error.classify());
        let note = answer.call_id.map(|call_id| Note { call_id: Some(call_id), ..Note::default() });
        (Error { note, ..Error::local(gateway, Kind::Unreadable, cause) }, None)
    })
}

/// A gateway reports its errors inside HTTP 200; any other status comes from something in front of it.
const fn kind_of_status(status: u16) -> Kind {
    match status {
        401 | 403 => Kind::CredentialsRefused,
        429 => Kind::Busy,
        500.. => Kind::GatewayFailed,
        _ => Kind::UnexpectedStatus,
    }
}

fn refused(gateway: vendor::Gateway, refusal: Refusal) -> (Error, Option<Timestamp>) {
    let gateway_time = refusal.gateway_time;
    let error = if refusal.kind == Kind::Unreadable {
        Error::local(gateway, Kind::Unreadable, "the answer is not a complete envelope")
    } else {
        Error::refused(gateway, refusal)
    };
    (error, gateway_time)
}
