//! A first call for whoever looks for trouble: nothing rests, nothing is tried again blindly, and what the service mends in
//! silence is told.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use super::GatewayClient;
use super::account::{Account, CandidateStamp, StampedAttempt, WhichSecret};
use super::answer::{self, Reply};
use super::clock_offset::ClockReading;
use super::error::{Error, Kind};
use super::protocol::{Call, SignedTextDifference};
use super::redactor::Redactor;
use crate::http_client::ConnectionReuse;

/// A clock and a form can be mended, each once, and either can be tried back; and there may be a second secret.
const MOST_ATTEMPTS: usize = 5;

/// What a gateway made of a first call.
#[derive(Debug)]
pub struct FirstContact {
    /// What the last attempt ended in: the data, if there is any.
    pub outcome: Result<Option<Value>, Error>,
    /// How far the gateway's clock is ahead of ours, if it told.
    pub ahead: Option<SignedDuration>,
    /// Whether it refused the time by our own clock.
    pub refused_time: bool,
    /// What the gateway signed otherwise, when it refused the signature and showed what it had signed.
    pub difference: Option<SignedTextDifference>,
}

/// One attempt.
struct ProbeAttempt {
    outcome: Result<Option<Value>, Error>,
    reading: Option<ClockReading>,
    difference: Option<SignedTextDifference>,
}

impl GatewayClient {
    /// Calls without a login, and with another time as long as the time is refused. What is learned of the gateway's clock
    /// is kept for later calls.
    pub async fn contact(&self, account: &Arc<Account>, call: &Call) -> FirstContact {
        let mut candidate = CandidateStamp::default();
        let mut secret = account.secret();
        let mut contact = FirstContact { outcome: Ok(None), ahead: None, refused_time: false, difference: None };
        for _ in 0..MOST_ATTEMPTS {
            let stamped = match self.stamp(account, call, &candidate) {
                Ok(stamped) => stamped,
                Err(error) => return FirstContact { outcome: Err(error), ..contact },
            };
            let probe = self.probe(account, call, &stamped, secret).await;
            contact.ahead = probe.reading.as_ref().map(ClockReading::offset).or(contact.ahead);
            contact.difference = probe.difference;
            contact.outcome = probe.outcome;
            let is = |kind| contact.outcome.as_ref().is_err_and(|error| error.kind == kind);
            let other =
                account.other_than(secret).filter(|_| is(Kind::CredentialsRefused) && secret == account.secret());
            if let Some(other) = other {
                secret = other;
                continue;
            }
            let refused = is(Kind::TimestampRefused);
            if !refused {
                account.stamp_was_accepted(&candidate, probe.reading.as_ref());
                if contact.outcome.is_ok() {
                    account.secret_was_accepted(secret);
                }
                break;
            }
            contact.refused_time = true;
            if !account.correct_timestamp(&mut candidate, &stamped, probe.reading.as_ref()) {
                break;
            }
        }
        contact
    }

    /// Logs the configured user in, if the call needs that; false if it does not.
    ///
    /// # Errors
    /// What the login ended in.
    pub async fn try_login(&self, account: &Arc<Account>, call: &Call) -> Result<bool, Error> {
        let deadline = self.deadline();
        Ok(self.login_for(account, call, &deadline).await?.is_some())
    }

    async fn probe(
        &self,
        account: &Arc<Account>,
        call: &Call,
        stamped: &StampedAttempt,
        secret: WhichSecret,
    ) -> ProbeAttempt {
        let (dialect, stamp) = (account.protocol_with(secret), &stamped.stamp);
        let request = dialect.encode(call, stamp, None);
        let hidden = Redactor::new(account.secrets(), stamp.nonce.as_deref(), request.sent());
        let started = self.clock.elapsed();
        let response =
            match self.transport.send(account.vendor(), request, ConnectionReuse::New, &self.deadline()).await {
                Ok(response) => response,
                Err(failure) => return ProbeAttempt { outcome: Err(failure), reading: None, difference: None },
            };
        let took = SignedDuration::try_from(self.clock.elapsed().saturating_sub(started)).unwrap_or_default();
        let read = answer::read(account, call, &response, &hidden, (self.clock.now(), took), false);
        let Reply::<Value> { outcome, reading, .. } = read;
        let difference = dialect.signed_otherwise(call, stamp, &response.body);
        ProbeAttempt { outcome, reading, difference }
    }
}
