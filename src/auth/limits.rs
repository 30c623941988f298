//! The section `[limits]`: how much callers may ask, and how often they may be wrong about a secret.

use std::time::Duration;

use super::quota::Quota;
use super::rate::Rate;
use crate::http::client_address::Network;
use crate::settings::Section;

/// What callers are allowed unless their client says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// `quota`: requests of each client, such as `600/1m`. Default none.
    pub quota: Quota,
    /// `wrong_secrets`: wrong secrets from one address, and about one client. Default `10/1m`.
    pub wrong_secrets: Rate,
    /// `trusted_proxies`: whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<Network>,
}

impl Default for CallerLimits {
    fn default() -> Self {
        Self {
            quota: Quota::Unlimited,
            wrong_secrets: Rate::new(10, Duration::from_secs(60)),
            trusted_proxies: Vec::new(),
        }
    }
}

impl CallerLimits {
    /// Reads the section `[limits]`.
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        Self {
            quota: section.parsed("quota").unwrap_or(default.quota),
            wrong_secrets: section.parsed("wrong_secrets").unwrap_or(default.wrong_secrets),
            trusted_proxies: read_networks(section),
        }
    }
}

fn read_networks(section: &Section<'_>) -> Vec<Network> {
    let key = "trusted_proxies";
    let texts = section.list(key).unwrap_or_default();
    let read = |text: &String| text.parse().map_err(|error| section.problem(key, format!("{text}: {error}"))).ok();
    texts.iter().filter_map(read).collect()
}
