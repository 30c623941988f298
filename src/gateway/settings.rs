//! `[gateway]`: how gateways are called, whichever vendor's.

use std::path::PathBuf;
use std::time::Duration;

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
    /// `connections`: most connections of one worker. Default 100.
    pub connections: usize,
    /// `ca_file`: PEM certificates to trust besides the system's and Mozilla's.
    pub ca_file: Option<PathBuf>,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(20),
            max_body: 8 << 20,
            connections: 100,
            ca_file: None,
        }
    }
}

impl GatewaySettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let settings = Self {
            connect_timeout: section.duration("connect_timeout", default.connect_timeout),
            attempt_timeout: section.duration("attempt_timeout", default.attempt_timeout),
            deadline: section.duration("deadline", default.deadline),
            max_body: usize::try_from(section.size("max_body", default.max_body as u64)).unwrap_or(default.max_body),
            connections: section.integer("connections").unwrap_or(default.connections),
            ca_file: section.text("ca_file").map(PathBuf::from),
        };
        settings.check(section);
        settings
    }

    fn check(&self, section: &Section<'_>) {
        if self.connect_timeout.is_zero() || self.attempt_timeout.is_zero() {
            section.problem("attempt_timeout", "timeouts must be longer than nothing");
        }
        if self.deadline < self.attempt_timeout {
            section.problem("deadline", "the deadline of a call cannot be shorter than gateway.attempt_timeout");
        }
        if self.connections == 0 || self.max_body == 0 {
            section.problem("connections", "connections and max_body must be more than nothing");
        }
    }
}
