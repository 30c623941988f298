//! Gets the login token for a call that needs one. A detached task logs in as a single flight, so that a caller who
//! disconnects does not cancel the login for the others.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::value::RawValue;

use super::account::Account;
use super::error::{Error, Kind};
use super::login::{LoginDuty, LoginStep, LoginToken};
use super::protocol::{Call, TokenExpiryHint};
use super::reactions::BreakerEffect;
use super::{GatewayClient, metrics};
use crate::clock::Deadline;
use crate::telemetry::traces;

impl GatewayClient {
    /// The login token for a call; `None` for a call that needs none.
    pub(super) async fn login_for(
        &self,
        account: &Arc<Account>,
        call: &Call,
        deadline: &Deadline,
    ) -> Result<Option<Arc<LoginToken>>, Error> {
        if let Some(token) = account.protocol().given_token(call) {
            return Ok(Some(token.clone()));
        }
        let Some(login_call) = account.protocol().login_for(call).cloned() else { return Ok(None) };
        match tokio::time::timeout(deadline.left(), self.logged_in(account, login_call)).await {
            Ok(token) => token.map(Some),
            Err(_) => Err(account.error(Kind::TimedOut, "the login did not end in time")),
        }
    }

    /// Whether a new login is worthwhile after the gateway lost this token.
    pub(super) fn may_log_in_again(&self, account: &Account, lost: &LoginToken) -> bool {
        !lost.is_given() && account.login.lost(account.vendor(), lost, self.clock.elapsed())
    }

    async fn logged_in(&self, account: &Arc<Account>, login_call: Call) -> Result<Arc<LoginToken>, Error> {
        loop {
            let follower = match account.login.next_step(self.clock.elapsed()) {
                LoginStep::Use(token) => return Ok(token),
                LoginStep::UseAndRenew(token, duty) => {
                    self.spawn_login(account, login_call, duty);
                    return Ok(token);
                }
                LoginStep::CoolDown(error) => return Err(error),
                LoginStep::LogIn(duty, follower) => {
                    self.spawn_login(account, login_call.clone(), duty);
                    follower
                }
                LoginStep::Wait(follower) => follower,
            };
            // A leader that vanished without an outcome is replaced.
            if let Some(outcome) = follower.outcome().await {
                return outcome;
            }
        }
    }

    fn spawn_login(&self, account: &Arc<Account>, call: Call, duty: LoginDuty) {
        let (client, account) = (self.on_behalf_of(self.principal.in_background()), account.clone());
        let login = async move {
            let outcome = client.log_in(&account, &call).await;
            report(&account, outcome.as_ref().err());
            account.login.complete(duty, outcome, client.clock.elapsed());
        };
        actix_web::rt::spawn(traces::carried(login));
    }

    /// Logs in and returns the token with its lifetime. Any answer of the gateway without a token is a refusal of the
    /// login, and never of what the caller requested.
    async fn log_in(&self, account: &Arc<Account>, call: &Call) -> Result<(SecretString, Option<Duration>), Error> {
        let data: Result<Option<Box<RawValue>>, Error> = Box::pin(self.call(account, call)).await;
        let answer = match data {
            Ok(data) => data.and_then(|data| self.reading(account, call, || account.protocol().read_login(data.get()))),
            Err(error) if error.kind.reaction().admitted => {
                return Err(refused(account, call, error, self.clock.elapsed()));
            }
            Err(error) => return Err(error),
        };
        let Some(answer) = answer else {
            let error = account.error(Kind::LoginRefused, "the login was answered without a token");
            return Err(refused(account, call, error, self.clock.elapsed()));
        };
        let now = account.gateway_time(self.clock.now());
        let life = match answer.ends {
            TokenExpiryHint::Unknown => None,
            TokenExpiryHint::At(end) => Duration::try_from(end.duration_since(now)).ok(),
            TokenExpiryHint::After(life) => Some(life),
        };
        Ok((answer.token, life.filter(|life| !life.is_zero())))
    }
}

/// Turns the gateway's message into an error of the one kind that a refused login has.
fn refused(account: &Account, call: &Call, error: Error, now: Duration) -> Error {
    let error = Error { kind: Kind::LoginRefused, ..error };
    account.observe(&call.method.name, Err(&error), now);
    error
}

fn report(account: &Account, error: Option<&Error>) {
    let gateway = account.vendor().name();
    match error {
        // Nothing was sent.
        Some(error) if error.kind.reaction().counts == BreakerEffect::Not => return,
        Some(error) => tracing::error!(cause = %error, "login failed at the gateway"),
        None => tracing::info!(gateway, "logged in at the gateway"),
    }
    metrics::gateway_logins(gateway, error.map_or("success", |error| error.kind.name())).increment(1);
}
