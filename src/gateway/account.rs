//! One tenant's access to one vendor's gateway: the signing protocol and all state learned about the gateway (clock
//! offset, secret in use, breaker, login, missing methods).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::account_settings::AccountSettings;
use super::breaker::Breaker;
use super::clock_offset::{ClockOffset, ClockReading};
use super::cool_down::CoolDowns;
use super::error::{Error, Kind};
use super::limit::CallLimit;
use super::login::SharedLogin;
use super::protocol::call::TimeFormIndex;
use super::protocol::{Call, Protocol, TimestampAndNonce};
use super::reactions::{BreakerEffect, ShownProblem};
use super::registry::Registry;
use super::retry_budget::RetryBudget;
use super::stamps::{FormMemory, Stamps};
use super::vendor::Vendor;
use crate::json::odd_values::RecentWarnings;

pub use super::credential::WhichSecret;

/// Counter that numbers every [`Account`] of the process.
static ACCOUNTS: AtomicU64 = AtomicU64::new(0);

/// How long a method stays marked as missing at a server.
const LACKING: Duration = Duration::from_secs(3_600);

/// A tenant's access to a vendor's gateway, shared by all workers.
pub struct Account {
    /// A number that no other account of the process has.
    pub number: u64,
    protocol: Protocol,
    /// The protocol bound to the second secret, if there is one.
    second: Option<Protocol>,
    /// Whether the gateway last accepted the second secret.
    uses_second: AtomicBool,
    stamps: Stamps,
    clock: Arc<ClockOffset>,
    mending_is_in_vain: AtomicBool,
    health: AtomicU8,
    rests: CoolDowns,
    /// The circuit breaker of the credential.
    pub breaker: Breaker,
    /// The retry budget of the credential.
    pub budget: RetryBudget,
    /// The limits on calls under way at this gateway, shared by all tenants.
    pub limit: Arc<CallLimit>,
    /// The shared login, used where the protocol needs one.
    pub login: Arc<SharedLogin>,
    /// Methods that the server lacks, each with the elapsed time at which that was noticed.
    lacking: Mutex<HashMap<String, Duration>>,
    /// Which odd values were logged as warnings already.
    pub(super) warned: RecentWarnings,
}

/// What the last call ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GatewayHealth)]
pub enum Health {
    /// No call has been made yet.
    Unknown,
    /// The gateway responded.
    Answering,
    /// The gateway failed, or refused the credentials.
    Failing,
}

/// A corrected form or offset of the timestamp. It is tried after a refusal and becomes the account's own if the
/// gateway accepts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CandidateStamp {
    offset: Option<SignedDuration>,
    form: Option<TimeFormIndex>,
}

impl CandidateStamp {
    const fn is_under_way(&self) -> bool {
        self.offset.is_some() || self.form.is_some()
    }
}

/// A timestamp and nonce, with the clock offset by which the timestamp was made.
#[derive(Clone, Debug)]
pub struct StampedAttempt {
    /// The timestamp and nonce that are sent.
    pub stamp: TimestampAndNonce,
    offset: SignedDuration,
}

impl Account {
    /// Opens an account with these settings.
    pub fn new(settings: &AccountSettings, registry: &Registry) -> Self {
        let forms = settings.vendor.pack().time.forms.len();
        let form = settings.time_form.map_or_else(|| FormMemory::learning(forms), FormMemory::fixed);
        let second = settings.has_second_secret().then(|| Protocol::new(settings, WhichSecret::Second));
        Self {
            number: ACCOUNTS.fetch_add(1, Ordering::Relaxed),
            protocol: Protocol::new(settings, WhichSecret::First),
            second,
            uses_second: AtomicBool::new(false),
            stamps: Stamps::new(settings.identity(), settings.unique, form, registry.used.clone()),
            clock: Arc::default(),
            mending_is_in_vain: AtomicBool::new(false),
            health: AtomicU8::default(),
            rests: CoolDowns::default(),
            breaker: registry.breaker(),
            budget: RetryBudget::default(),
            limit: registry.limit(settings.vendor, settings.url()),
            login: Arc::default(),
            lacking: Mutex::default(),
            warned: RecentWarnings::default(),
        }
    }

    /// The vendor whose gateway is called.
    pub const fn vendor(&self) -> Vendor {
        self.protocol.vendor()
    }

    /// Takes over what an account of the previous configuration learned: the gateway's clock offset, and the login if
    /// it is still of the same user.
    #[must_use]
    pub fn taught_by(self, before: &Self, has_same_login: bool) -> Self {
        let login = if has_same_login { before.login.clone() } else { self.login };
        Self { clock: before.clock.clone(), login, ..self }
    }

    /// The vendor's protocol, bound to this credential with the secret that the gateway accepted last.
    pub fn protocol(&self) -> &Protocol {
        self.protocol_with(self.secret())
    }

    /// The vendor's protocol, bound to this credential with one of its secrets.
    pub const fn protocol_with(&self, secret: WhichSecret) -> &Protocol {
        match (secret, &self.second) {
            (WhichSecret::Second, Some(second)) => second,
            _ => &self.protocol,
        }
    }

    /// The secret that the gateway accepted last.
    pub fn secret(&self) -> WhichSecret {
        if self.uses_second.load(Ordering::Relaxed) { WhichSecret::Second } else { WhichSecret::First }
    }

    /// The credential's other secret; `None` if it has only one.
    pub fn other_than(&self, secret: WhichSecret) -> Option<WhichSecret> {
        let other = if secret == WhichSecret::First { WhichSecret::Second } else { WhichSecret::First };
        self.second.as_ref().map(|_| other)
    }

    /// Records that the gateway accepted this secret.
    pub fn secret_was_accepted(&self, secret: WhichSecret) {
        if self.secret() != secret {
            self.uses_second.store(secret == WhichSecret::Second, Ordering::Relaxed);
            tracing::info!(gateway = %self.vendor(), ?secret, "credential secret switched: the gateway accepts the other one");
        }
    }

    /// All secrets of the credential, which must be redacted even when the gateway echoes them.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let second = self.second.iter().flat_map(Protocol::secrets);
        self.protocol.secrets().chain(second)
    }

    /// Issues a timestamp and nonce for one attempt at our time `now`; `None` when no unused second is left.
    pub fn stamp(&self, call: &Call, candidate: &CandidateStamp, now: Timestamp) -> Option<StampedAttempt> {
        let offset = candidate.offset.unwrap_or_else(|| self.clock.current());
        let form = candidate.form.unwrap_or_else(|| self.stamps.form.current());
        let stamp = self.stamps.issue(call, now.checked_add(offset).unwrap_or(now), form)?;
        Some(StampedAttempt { stamp, offset })
    }

    /// Corrects the candidate after a refused timestamp: first by the gateway's clock, then without an offset, then in
    /// the other timestamp form. Returns false when nothing is left to correct.
    pub fn correct_timestamp(
        &self,
        candidate: &mut CandidateStamp,
        refused: &StampedAttempt,
        reading: Option<&ClockReading>,
    ) -> bool {
        if let Some(offset) = reading.and_then(|reading| reading.explains(refused.offset)) {
            candidate.offset = Some(offset);
            return true;
        }
        if candidate.offset.is_none() && !refused.offset.is_zero() {
            candidate.offset = Some(SignedDuration::ZERO);
            return true;
        }
        if candidate.form.is_none()
            && let Some(form) = self.stamps.form.other_than(refused.stamp.form)
        {
            candidate.form = Some(form);
            return true;
        }
        false
    }

    /// Whether correcting a timestamp can be expected to help: false from the refusal of a corrected timestamp until a
    /// timestamp is accepted again.
    pub fn correction_may_help(&self) -> bool {
        !self.mending_is_in_vain.load(Ordering::Relaxed)
    }

    /// Records that a timestamp was refused and nothing is left to correct.
    pub fn stamp_was_refused(&self, candidate: &CandidateStamp) {
        if candidate.is_under_way() {
            self.mending_is_in_vain.store(true, Ordering::Relaxed);
        }
    }

    /// Records that the gateway accepted a timestamp: adopts the candidate, or learns the clock offset from the
    /// response.
    pub fn stamp_was_accepted(&self, candidate: &CandidateStamp, reading: Option<&ClockReading>) {
        self.mending_is_in_vain.store(false, Ordering::Relaxed);
        if let Some(form) = candidate.form {
            self.stamps.form.remember(form);
        }
        match (candidate.offset, reading) {
            (Some(offset), reading) => self.clock.confirm(offset, reading),
            (None, Some(reading)) => self.clock.observe(reading),
            (None, None) => {}
        }
    }

    /// Records that the gateway called a timestamp repeated that we had not used.
    pub fn stamp_was_repeated(&self, call: &Call) {
        self.stamps.repeated(call);
    }

    /// Records that the server lacks a method, because its replacement answered.
    pub fn method_is_lacking(&self, method: &str, now: Duration) {
        let mut lacking = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        if lacking.insert(method.to_owned(), now).is_none() {
            tracing::info!(gateway = %self.vendor(), method, "method missing at this server: its replacement is called");
        }
    }

    /// Whether the server is known to lack a method. The method is tried again after a while, because servers are
    /// updated.
    pub fn lacks(&self, method: &str, now: Duration) -> bool {
        let lacking = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        lacking.get(method).is_some_and(|since| now.saturating_sub(*since) < LACKING)
    }

    /// The refusal for which the credential is in cool-down with this method; `None` when the method may be called.
    pub fn resting(&self, method: &str, now: Duration) -> Option<Error> {
        self.rests.refusal(method, now)
    }

    /// Records the outcome of an attempt in the cool-downs and in the health.
    pub fn observe(&self, method: &str, outcome: Result<(), &Error>, now: Duration) {
        self.rests.observe(method, outcome, now);
        let health = match outcome.map_err(|error| (error.kind, error.kind.reaction())) {
            Err((_, reaction)) if reaction.counts == BreakerEffect::Not => return,
            Err((_, reaction)) if reaction.counts == BreakerEffect::AsFailure => Health::Failing,
            Err((_, reaction)) if reaction.shown == ShownProblem::RefusedCredentials => Health::Failing,
            // Neither an outage nor a response of the gateway itself.
            Err((Kind::Incomplete | Kind::UnexpectedStatus, _)) => Health::Failing,
            _ => Health::Answering,
        };
        self.health.store(health as u8, Ordering::Relaxed);
    }

    /// The outcome of the last call.
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            code if code == Health::Answering as u8 => Health::Answering,
            code if code == Health::Failing as u8 => Health::Failing,
            _ => Health::Unknown,
        }
    }

    /// How far the gateway's clock is ahead of ours, as far as is known.
    pub fn clock_offset(&self) -> SignedDuration {
        self.clock.current()
    }

    /// The gateway's time when ours is `now`.
    pub fn gateway_time(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.clock.current()).unwrap_or(now)
    }

    /// An error that arose on our side of a call to this gateway.
    pub fn error(&self, kind: Kind, cause: impl Into<String>) -> Error {
        Error::local(self.vendor(), kind, cause)
    }
}
