//! The behaviour that holds for every call until it is changed: latency, clock, replay protection, timestamp windows,
//! and whether users must log in.

mod json;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use self::json::{changed, shown};
use super::settings::{AcceptedTimestamp, LoginExpiry, LoginTokenField, OmsServer, SandboxSettings};
use crate::clock::Clock;

/// The current behaviour of both gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The additional latency of every answer, by the machine's clock.
    pub latency: Duration,
    /// How far the gateways' clocks are ahead of the sandbox's: in timestamp checks, `stat.systime` and `Date`.
    pub clock_skew: SignedDuration,
    /// How long OPRetail remembers a signature; zero accepts repeated calls.
    pub opretail_replay_window: Duration,
    /// How long the OMS remembers a signature; zero accepts repeated calls.
    pub oms_replay_window: Duration,
    /// How far OPRetail's `_timestamp` may be from its clock, in either direction.
    pub opretail_timestamp_window: Duration,
    /// How far the OMS's `timestamp` may be from its clock, in either direction.
    pub oms_timestamp_window: Duration,
    /// The simulated server of the OMS.
    pub oms_server: OmsServer,
    /// The accepted forms of the OMS's `timestamp`, if they differ from those of its server.
    pub oms_timestamp_form: Option<AcceptedTimestamp>,
    /// Whether OPRetail's `open.shopweb.*` methods need a user's token.
    pub require_login: bool,
    /// The lifetime of tokens that are issued from now on.
    pub login_lifetime: Duration,
    /// The name of the token in the answer to a login.
    pub login_token_field: LoginTokenField,
    /// How the answer to `ssoLogin` states the token's expiry.
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

/// The behaviour at the start, and the current one.
pub struct CurrentBehaviour {
    start: Behaviour,
    now: Mutex<Behaviour>,
}

impl CurrentBehaviour {
    /// Starts with this behaviour.
    pub const fn new(start: Behaviour) -> Self {
        Self { start, now: Mutex::new(start) }
    }

    /// The current behaviour.
    pub fn get(&self) -> Behaviour {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the behaviour from now on: everything or, when `change` fails, nothing.
    pub fn change<E>(&self, change: impl FnOnce(&mut Behaviour) -> Result<(), E>) -> Result<(), E> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = *now;
        change(&mut changed)?;
        *now = changed;
        Ok(())
    }

    /// Restores the behaviour of the start.
    pub fn reset(&self) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = self.start;
    }
}
