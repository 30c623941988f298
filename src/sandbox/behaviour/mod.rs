//! Behaviour that holds for every call until it is changed: how slow the gateway is, what time it takes it to be, what it
//! remembers, and whether it wants users to log in.

mod json;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use self::json::{changed, shown};
use super::settings::{AcceptedTimestamp, LoginExpiry, LoginTokenField, OmsServer, SandboxSettings};
use crate::clock::Clock;

/// How both gateways behave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// How much longer every answer takes, by the machine's clock.
    pub latency: Duration,
    /// By how much the gateways' clocks are ahead of the sandbox's: in timestamp checks, `stat.systime` and `Date`.
    pub clock_skew: SignedDuration,
    /// For how long OPRetail remembers a signature; zero accepts repeated calls.
    pub opretail_replay_window: Duration,
    /// For how long the OMS remembers a signature; zero accepts repeated calls.
    pub oms_replay_window: Duration,
    /// How far OPRetail's `_timestamp` may be from its clock, either way.
    pub opretail_timestamp_window: Duration,
    /// How far the OMS's `timestamp` may be from its clock, either way.
    pub oms_timestamp_window: Duration,
    /// Which server of the OMS answers.
    pub oms_server: OmsServer,
    /// Which forms of the OMS's `timestamp` are taken, when they are not those of its server.
    pub oms_timestamp_form: Option<AcceptedTimestamp>,
    /// Whether OPRetail's `open.shopweb.*` methods need a user's token.
    pub require_login: bool,
    /// How long a token lives that is given from now on.
    pub login_lifetime: Duration,
    /// The name of the token in the answer to a login.
    pub login_token_field: LoginTokenField,
    /// How the answer to `ssoLogin` says when the token ends.
    pub login_expiry: LoginExpiry,
}

impl Behaviour {
    /// The gateways' time.
    pub fn now(&self, clock: &Clock) -> Timestamp {
        let now = clock.now();
        now.checked_add(self.clock_skew).unwrap_or(now)
    }
}

impl From<&SandboxSettings> for Behaviour {
    fn from(settings: &SandboxSettings) -> Self {
        Self {
            latency: settings.latency,
            clock_skew: settings.clock_skew,
            opretail_replay_window: settings.opretail_replay_window,
            oms_replay_window: settings.oms_replay_window,
            opretail_timestamp_window: settings.opretail_timestamp_window,
            oms_timestamp_window: settings.oms_timestamp_window,
            oms_server: settings.oms_server,
            oms_timestamp_form: settings.oms_timestamp_form,
            require_login: settings.require_login,
            login_lifetime: settings.login_lifetime,
            login_token_field: settings.login_token_field,
            login_expiry: settings.login_expiry,
        }
    }
}

/// The behaviour at the start, and the one that holds now.
pub struct CurrentBehaviour {
    start: Behaviour,
    now: Mutex<Behaviour>,
}

impl CurrentBehaviour {
    /// As the sandbox starts.
    pub const fn new(start: Behaviour) -> Self {
        Self { start, now: Mutex::new(start) }
    }

    /// What holds now.
    pub fn get(&self) -> Behaviour {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what holds from now on: all of it or, when `change` fails, nothing.
    pub fn change<E>(&self, change: impl FnOnce(&mut Behaviour) -> Result<(), E>) -> Result<(), E> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = *now;
        change(&mut changed)?;
        *now = changed;
        Ok(())
    }

    /// Goes back to the start.
    pub fn reset(&self) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = self.start;
    }
}
