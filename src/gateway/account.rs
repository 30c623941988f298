//! One company's access to one gateway: its dialect, its stamps, and what is known of the gateway's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::clock_offset::ClockOffset;
use super::dialect::{Call, Dialect, Stamp, TimestampForm};
use super::error::{Error, Shown};
use super::oms::{Oms, OmsSettings, TimestampChoice};
use super::opretail::{OpRetail, OpRetailSettings};
use super::rest::Rests;
use super::stamps::{FormMemory, Stamps, UsedSeconds};
use super::vendor::Gateway;

/// One company's access to one gateway, shared by all workers.
pub struct Account {
    dialect: Box<dyn Dialect>,
    stamps: Stamps,
    offset: ClockOffset,
    health: AtomicU8,
    rests: Rests,
}

/// What the last call ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GatewayHealth)]
pub enum Health {
    /// There was no call yet.
    Unknown,
    /// The gateway answered.
    Answering,
    /// The gateway failed, or refused our credentials.
    Failing,
}

impl Account {
    /// Access to OPRetail.
    pub fn opretail(settings: OpRetailSettings, used: Arc<UsedSeconds>) -> Self {
        let credential = format!("{} {}", settings.m_api, settings.key);
        let form = FormMemory::fixed(TimestampForm::Compact);
        let stamps = Stamps::new(credential, settings.nonce, form, used);
        Self::new(Box::new(OpRetail::new(settings)), stamps)
    }

    /// Access to an OMS.
    pub fn oms(settings: OmsSettings, used: Arc<UsedSeconds>) -> Self {
        let form = match settings.timestamp {
            TimestampChoice::Auto => FormMemory::learning(TimestampForm::Unix),
            TimestampChoice::Always(form) => FormMemory::fixed(form),
        };
        let credential = format!("{} {}", settings.url, settings.flag);
        let stamps = Stamps::new(credential, settings.nonce, form, used);
        Self::new(Box::new(Oms::new(settings)), stamps)
    }

    fn new(dialect: Box<dyn Dialect>, stamps: Stamps) -> Self {
        Self { dialect, stamps, offset: ClockOffset::default(), health: AtomicU8::default(), rests: Rests::default() }
    }

    /// Whose gateway it is.
    pub fn gateway(&self) -> Gateway {
        self.dialect.gateway()
    }

    /// The vendor's protocol, bound to this credential.
    pub fn dialect(&self) -> &dyn Dialect {
        self.dialect.as_ref()
    }

    /// A stamp for one attempt at our time `now`; `None` when no unused second is left.
    pub fn stamp(&self, call: &Call, now: Timestamp) -> Option<Stamp> {
        self.stamps.issue(call, self.offset.gateway_time(now))
    }

    /// Learns from a refused timestamp: the gateway's clock first, then the other form. False when nothing is left
    /// to mend.
    pub fn mend_timestamp(
        &self,
        refused: &Stamp,
        gateway_time: Option<Timestamp>,
        now: Timestamp,
        took: SignedDuration,
    ) -> bool {
        let corrected = gateway_time.is_some_and(|time| self.offset.correct(refused.time, time, now, took));
        corrected || self.stamps.form().refused(refused.form)
    }

    /// The refusal of this credential that still holds for a method; `None` when it may be called.
    pub fn resting(&self, method: &str, now: Duration) -> Option<Error> {
        self.rests.refusal(method, now)
    }

    /// Remembers what a call of a method ended in.
    pub fn observe(&self, method: &str, outcome: Result<(), &Error>, now: Duration) {
        self.rests.observe(method, outcome, now);
        let failing = outcome.is_err_and(|error| {
            let reaction = error.kind.reaction();
            reaction.counts_as_failure || reaction.shown == Shown::RefusedCredentials
        });
        let health = if failing { Health::Failing } else { Health::Answering };
        self.health.store(health as u8, Ordering::Relaxed);
    }

    /// What the last call ended in.
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Relaxed) {
            code if code == Health::Answering as u8 => Health::Answering,
            code if code == Health::Failing as u8 => Health::Failing,
            _ => Health::Unknown,
        }
    }

    /// How far the gateway's clock is ahead of ours, as far as we know.
    pub fn clock_offset(&self) -> SignedDuration {
        self.offset.current()
    }
}
