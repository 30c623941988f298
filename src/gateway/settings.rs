//! `[gateway]`: how gateways are called, whichever vendor's, and how much each of them may be asked.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::vendor::Vendor;
use crate::settings::Section;

/// How gateways are called.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// `connect_timeout`: to resolve, connect and agree on TLS. Default `3s`.
    pub connect_timeout: Duration,
    /// `attempt_timeout`: for one attempt, to the last byte of the answer. Default `10s`.
    pub attempt_timeout: Duration,
    /// `deadline`: for a call with all its attempts. Default `20s`.
    pub deadline: Duration,
    /// `max_body`: the largest answer to read. Default `8MiB`.
    pub max_body: usize,
    /// `breaker_rest`: how long a method that fails is not called at first. Default `5s`.
    pub breaker_rest: Duration,
    /// `reuse_after`: how long the first connections to a gateway must stay quiet before any is reused sooner. Default `1s`.
    pub reuse_after: Duration,
    /// `allow_plain_http`: whether gateways on other machines may be called without TLS. Default `false`.
    pub allow_plain_http: bool,
    /// `ca_file`: certificates in PEM to trust besides the system's and Mozilla's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// How much each gateway may be asked: `[gateway]`.
    pub limits: LimitSettings,
    /// How much each gateway of one vendor may be asked: `[gateway.<vendor>]` over `[gateway]`.
    pub limits_of_vendors: BTreeMap<Vendor, LimitSettings>,
}

/// How much one gateway may be asked, by all workers and companies together.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// `calls_in_flight`: most calls under way. Default 64.
    pub calls_in_flight: usize,
    /// `calls_per_second`: most calls that start in a second. No limit unless set.
    pub calls_per_second: Option<NonZeroU32>,
    /// `queue`: most calls that wait for their turn. Default 256.
    pub queue: usize,
    /// `queue_wait`: how long a call waits for its turn. Default `1s`.
    pub queue_wait: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { calls_in_flight: 64, calls_per_second: None, queue: 256, queue_wait: Duration::from_secs(1) }
    }
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(20),
            max_body: 8 << 20,
            breaker_rest: Duration::from_secs(5),
            reuse_after: Duration::from_secs(1),
            allow_plain_http: false,
            authorities: Vec::new(),
            limits: LimitSettings::default(),
            limits_of_vendors: BTreeMap::new(),
        }
    }
}

impl GatewaySettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>, vendors: impl Iterator<Item = Vendor>) -> Self {
        let default = Self::default();
        let limits = LimitSettings::default().read(section);
        let settings = Self {
            connect_timeout: section.duration("connect_timeout", default.connect_timeout),
            attempt_timeout: section.duration("attempt_timeout", default.attempt_timeout),
            deadline: section.duration("deadline", default.deadline),
            max_body: usize::try_from(section.size("max_body", default.max_body as u64)).unwrap_or(default.max_body),
            breaker_rest: section.duration("breaker_rest", default.breaker_rest),
            reuse_after: section.duration("reuse_after", default.reuse_after),
            allow_plain_http: Self::allows_plain_http(section),
            authorities: section.certificates("ca_file").unwrap_or_default(),
            limits,
            limits_of_vendors: vendors.map(|vendor| (vendor, limits.read(&section.section(vendor.name())))).collect(),
        };
        settings.check(section);
        settings
    }

    /// Whether `[gateway]` lets tenants have gateways on other machines without TLS.
    pub(super) fn allows_plain_http(section: &Section<'_>) -> bool {
        section.flag("allow_plain_http", false)
    }

    /// How much a gateway of this vendor may be asked.
    pub fn limits_of(&self, vendor: Vendor) -> LimitSettings {
        self.limits_of_vendors.get(&vendor).copied().unwrap_or(self.limits)
    }

    fn check(&self, section: &Section<'_>) {
        if self.connect_timeout.is_zero() || self.attempt_timeout.is_zero() {
            section.problem("attempt_timeout", "timeouts must be longer than nothing");
        }
        if self.deadline < self.attempt_timeout {
            section.problem("deadline", "the deadline of a call cannot be shorter than gateway.attempt_timeout");
        }
        if self.max_body == 0 {
            section.problem("max_body", "an answer has more than no bytes");
        }
        if self.breaker_rest.is_zero() || self.breaker_rest > Duration::from_secs(60) {
            section
                .problem("breaker_rest", "the first rest of a failing method takes more than nothing and at most 1m");
        }
    }
}

impl LimitSettings {
    /// Reads the keys of a section over these.
    fn read(self, section: &Section<'_>) -> Self {
        let calls_in_flight = section.integer("calls_in_flight").unwrap_or(self.calls_in_flight);
        if !(1..=10_000).contains(&calls_in_flight) {
            section.problem("calls_in_flight", "write a number from 1 to 10000");
        }
        let calls_per_second: Option<u32> = section.integer("calls_per_second");
        if calls_per_second == Some(0) {
            section.problem("calls_per_second", "write a number of at least 1, or leave it out for no limit");
        }
        Self {
            calls_in_flight: calls_in_flight.clamp(1, 10_000),
            calls_per_second: calls_per_second.map_or(self.calls_per_second, NonZeroU32::new),
            queue: section.integer("queue").unwrap_or(self.queue),
            queue_wait: section.duration("queue_wait", self.queue_wait),
        }
    }
}
