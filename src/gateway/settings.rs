//! `[gateway]`: how the gateways of all vendors are called, and the limits of each of them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::vendor::Vendor;
use crate::settings::{Section, SectionSettings, Size, section};

section! {
    /// How gateways are called. Tenants at one gateway get equal shares of the last four, and so do the clients of a tenant. A
    /// tenant alone at its gateway may use all of them; where there are others, an eighth of `calls_in_flight` is reserved for
    /// those that have fewer, so that calls that hang do not block others.
    #[derive(Clone, Debug)]
    pub struct GatewaySettings in "gateway" on restart {
        /// Time for DNS, the connection and the TLS handshake.
        connect_timeout: Duration = "3s";
        /// Time for one attempt, to the last byte of the response.
        attempt_timeout: Duration = "10s";
        /// Time for a call with all its attempts.
        deadline: Duration = "20s";
        /// The largest response that is read.
        max_body: usize as Size = "8MiB", from "1B" else "an answer has more than no bytes";
        /// The first cool-down of a method whose circuit breaker opened; it doubles up to 1m.
        breaker_rest: Duration = "5s", from "1ms" to "60s" else "the first rest of a failing method takes more than nothing and at most 1m";
        /// Probation of a new gateway: its connections are reused after some have stayed quiet this long.
        reuse_after: Duration = "1s";
        /// Whether gateways on other machines may be called without TLS.
        allow_plain_http: bool = false;
        /// Certificates in PEM to trust besides the system's and Mozilla's.
        authorities("ca_file"): Vec<CertificateDer<'static>>, example "/etc/ssl/own-ca.pem";
    }
    and {
        /// The limits of each gateway: `[gateway]`.
        limits: LimitSettings = LimitSettings::read;
        /// The limits of each gateway of one vendor: `[gateway.<vendor>]` over `[gateway]`.
        limits_of_vendors: BTreeMap<Vendor, LimitSettings>;
    }
}

section! {
    /// The limits of one gateway, over all workers and tenants together.
    #[derive(Clone, Copy, Debug)]
    pub struct LimitSettings in "gateway" on restart {
        /// Most calls under way at one gateway, of all workers and tenants.
        calls_in_flight: usize = 64, from 1 to 10000 else "write a number from 1 to 10000";
        /// Most calls that start in a second; no limit unless set.
        calls_per_second: Option<NonZeroU32>, example 100;
        /// Most calls that wait for their turn.
        queue: usize = 256;
        /// How long a call waits for its turn; those of one `/flow` wait for each other.
        queue_wait: Duration = "1s";
    }
}

impl GatewaySettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>, vendors: impl Iterator<Item = Vendor>) -> Self {
        let mut settings = Self::default().over(section);
        let of_vendor = |vendor: Vendor| (vendor, settings.limits.over(&section.section(vendor.name())));
        settings.limits_of_vendors = vendors.map(of_vendor).collect();
        settings.check(section);
        settings
    }

    /// Whether `[gateway]` allows gateways on other machines without TLS.
    pub(super) fn allows_plain_http(section: &Section<'_>) -> bool {
        section.flag("allow_plain_http", false)
    }

    /// The limits of a gateway of this vendor.
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
    }
}
