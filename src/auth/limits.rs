//! The section `[limits]`: callers' quotas, and limits on failed logins.

use super::quota::Quota;
use super::rate::Rate;
use crate::http::client_address::Network;
use crate::settings::{TextValue, section};

impl TextValue for Quota {}
impl TextValue for Rate {}
impl TextValue for Network {}

section! {
    /// The limits of callers, unless their client has its own.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CallerLimits in "limits" on reload {
        /// Requests of each client, such as `600/1m`. Each store of `/flow` and each part of an overview costs one.
        quota: Quota = "none";
        /// Wrong client secrets allowed from one address, and about one client.
        wrong_secrets: Rate = "10/1m";
        /// Proxies whose `X-Forwarded-For` is trusted. Without them, all callers behind a proxy share its allowance of
        /// wrong secrets.
        trusted_proxies: Vec<Network>, example ["10.0.0.0/8"];
    }
}
