//! The first call of a diagnosis: it ignores cool-downs, retries nothing blindly, and reports what the service corrects
//! silently.

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

/// The most attempts of a probe: clock and form are corrected once each, either correction can be tried back, and there
/// may be a second secret.
const MOST_ATTEMPTS: usize = 5;

/// The result of a first call to a gateway.
#[derive(Debug)]
pub struct FirstContact {
    /// The outcome of the last attempt, with the data if there is any.
    pub outcome: Result<Option<Value>, Error>,
    /// How far the gateway's clock is ahead of ours, if it sent its time.
    pub ahead: Option<SignedDuration>,
    /// Whether the gateway refused the time of our own clock.
    pub refused_time: bool,
    /// How the text that the gateway signed differs from ours, if it refused the signature and showed that text.
    pub difference: Option<SignedTextDifference>,
}

/// One attempt of a probe.
struct ProbeAttempt {
    outcome: Result<Option<Value>, Error>,
    reading: Option<ClockReading>,
    difference: Option<SignedTextDifference>,
}

impl GatewayClient {
    /// Calls without a login, and corrects the time as long as it is refused. Later calls use what this one learned
    /// about the gateway's clock.
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

    /// Logs the configured user in, if the call needs that; returns false if it does not.
    ///
    /// # Errors
    /// The error of the login.
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
