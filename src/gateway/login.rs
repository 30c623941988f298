//! The login or token exchange that some methods need beside the signature. All workers share one token: a single
//! flight logs in for all requests that wait, and the token is renewed before it expires, or once when the gateway has
//! lost it.
//!
//! The token is not kept in the response cache: a lookup in that cache from inside a fetch would deadlock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::{Error, Kind};
use super::vendor::Vendor;
use crate::single_flight::{Flight, Follower, Leader};
use secrecy::SecretString;

/// How long before its expiry a token is renewed, or a tenth of its lifetime if that is less.
const RENEWED_BEFORE_END: Duration = Duration::from_secs(60);

/// The longest cool-down after a refused login. The cool-down doubles up to this, so that at most three logins are
/// refused in any ten minutes.
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);

/// The first cool-down after a login that failed otherwise. It starts with a moment, for a short disturbance of the
/// gateway, and doubles up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The most losses of a login in a minute. A gateway that loses it more often is not logged in to again.
const MOST_LOSSES: usize = 3;
const LOSSES_WITHIN: Duration = Duration::from_secs(60);

/// The token that a login returned.
#[derive(Clone)]
pub struct LoginToken {
    /// The token, as the pack's headers or parameters carry it.
    pub value: SecretString,
    /// How long the token is used, by our elapsed time; `None` when the gateway did not say.
    life: Option<TokenLifetime>,
    /// A number that no other token of the account has.
    serial: u64,
}

#[derive(Clone, Copy, Debug)]
struct TokenLifetime {
    renew_from: Duration,
    ends: Duration,
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoginToken").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// The outcome of a login, as the followers of the single flight receive it.
pub type LoginOutcome = Result<Arc<LoginToken>, Error>;

/// The leader's duty to log in for all. Dropping it without [`SharedLogin::complete`] makes the followers ask again.
#[derive(Debug)]
pub struct LoginDuty {
    leader: Leader<LoginOutcome>,
    started: Duration,
}

/// The next step of a request that needs the login.
#[derive(Debug)]
pub enum LoginStep {
    /// Use this token.
    Use(Arc<LoginToken>),
    /// Use this token, and renew it.
    UseAndRenew(Arc<LoginToken>, LoginDuty),
    /// Log in as the leader of the single flight.
    LogIn(LoginDuty, Follower<LoginOutcome>),
    /// Follow the login under way.
    Wait(Follower<LoginOutcome>),
    /// Give up: the login was refused and is still in cool-down.
    CoolDown(Error),
}

/// Whether there is a login, for `/readyz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// No call has needed a login yet, or the last token expired.
    None,
    /// There is a token in use.
    LoggedIn,
    /// The gateway refused the user name or password, or loses every login.
    Refused,
}

/// The login of one account, shared by all workers.
#[derive(Debug, Default)]
pub struct SharedLogin(Mutex<LoginInner>);

#[derive(Debug, Default)]
struct LoginInner {
    token: Option<Arc<LoginToken>>,
    flight: Flight<LoginOutcome>,
    rest: Option<LoginCoolDown>,
    losses: VecDeque<Duration>,
    serial: u64,
}

#[derive(Debug)]
struct LoginCoolDown {
    until: Duration,
    length: Duration,
    error: Error,
}

impl SharedLogin {
    /// The next step of a request that needs the login at this elapsed time.
    pub fn next_step(&self, now: Duration) -> LoginStep {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = inner.flight.follow();
        if let Some(token) = inner.token.clone().filter(|token| token.is_usable(now)) {
            let is_resting = inner.rest.as_ref().is_some_and(|rest| now < rest.until);
            if token.is_nearly_over(now) && under_way.is_none() && !is_resting {
                return LoginStep::UseAndRenew(token, inner.begin(now));
            }
            return LoginStep::Use(token);
        }
        if let Some(follower) = under_way {
            return LoginStep::Wait(follower);
        }
        match inner.rest.as_ref().filter(|rest| now < rest.until) {
            Some(rest) => LoginStep::CoolDown(rest.error.clone().retry_after(Some(rest.until.saturating_sub(now)))),
            None => {
                let duty = inner.begin(now);
                let follower = duty.leader.follower();
                LoginStep::LogIn(duty, follower)
            }
        }
    }

    /// Completes a login: stores the token with its lifetime, or starts a cool-down, and passes the outcome to the
    /// followers.
    pub fn complete(&self, duty: LoginDuty, outcome: Result<(SecretString, Option<Duration>), Error>, now: Duration) {
        let landed = {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok((value, life)) => {
                    Ok(inner.store_token(value, life.map(|life| TokenLifetime::of(life, duty.started))))
                }
                Err(error) => {
                    inner.cool_down_after(&error, now);
                    Err(error)
                }
            }
        };
        duty.leader.finish(landed);
    }

    /// Records that the gateway no longer knows this token. Returns whether a new login is worthwhile: not when the
    /// gateway loses every token.
    pub fn lost(&self, vendor: Vendor, token: &LoginToken, now: Duration) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.token.as_ref().is_none_or(|held| held.serial != token.serial) {
            // Another request noticed the loss first.
            return inner.rest.as_ref().is_none_or(|rest| now >= rest.until);
        }
        inner.token = None;
        inner.losses.retain(|at| now.saturating_sub(*at) < LOSSES_WITHIN);
        inner.losses.push_back(now);
        if inner.losses.len() <= MOST_LOSSES {
            return true;
        }
        let cause = "the gateway forgets every login at once; see whether its user may use the method";
        let error = Error::local(vendor, Kind::LoginExpired, cause);
        inner.rest = Some(LoginCoolDown { until: now + LOSSES_WITHIN, length: LOSSES_WITHIN, error });
        false
    }

    /// The state of the login at this elapsed time.
    pub fn state(&self, now: Duration) -> LoginState {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = inner.token.as_ref().is_some_and(|token| token.is_usable(now));
        let refused = |rest: &LoginCoolDown| matches!(rest.error.kind, Kind::LoginRefused | Kind::LoginExpired);
        match &inner.rest {
            _ if is_held => LoginState::LoggedIn,
            Some(rest) if refused(rest) => LoginState::Refused,
            _ => LoginState::None,
        }
    }
}

impl LoginToken {
    /// A token that another program renews; its serial is none that a login gives.
    pub const fn given(value: SecretString) -> Self {
        Self { value, life: None, serial: 0 }
    }

    /// Whether another program renews the token.
    pub const fn is_given(&self) -> bool {
        self.serial == 0
    }

    fn is_usable(&self, now: Duration) -> bool {
        self.life.is_none_or(|life| now < life.ends)
    }

    fn is_nearly_over(&self, now: Duration) -> bool {
        self.life.is_some_and(|life| now >= life.renew_from)
    }
}

impl TokenLifetime {
    fn of(length: Duration, from: Duration) -> Self {
        let ends = from + length;
        Self { renew_from: ends.saturating_sub(RENEWED_BEFORE_END.min(length / 10)), ends }
    }
}

impl LoginInner {
    fn begin(&mut self, now: Duration) -> LoginDuty {
        LoginDuty { leader: self.flight.lead(), started: now }
    }

    fn store_token(&mut self, value: SecretString, life: Option<TokenLifetime>) -> Arc<LoginToken> {
        self.serial += 1;
        self.rest = None;
        let token = Arc::new(LoginToken { value, life, serial: self.serial });
        self.token = Some(token.clone());
        token
    }

    fn cool_down_after(&mut self, error: &Error, now: Duration) {
        let refused = error.kind == Kind::LoginRefused;
        let first = error.kind.reaction().rests.filter(|_| refused).unwrap_or(FIRST_PAUSE);
        let longest = if refused { LONGEST_REST } else { LONGEST_PAUSE };
        let length = self.rest.as_ref().map_or(first, |rest| (rest.length * 2).clamp(first, longest));
        self.rest = Some(LoginCoolDown { until: now + length, length, error: error.clone() });
    }
}

#[cfg(test)]
mod tests;
