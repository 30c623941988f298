//! State about callers that survives a reload: revoked tokens, failed logins, consumed quotas. A reload creates a new
//! [`super::Auth`] around the same state; otherwise it would be a way to erase it.

use std::sync::Arc;

use super::clients::SlowChecks;
use super::failed_logins::FailedLoginLimiter;
use super::quota::Quotas;
use super::revocations::RevokedTokens;
use crate::http::client_address::TrustedProxies;
use crate::replicas::Replicas;

/// The state that every [`super::Auth`] of the process shares.
#[derive(Debug, Default)]
pub struct AuthMemory {
    /// The tokens that their clients revoked.
    pub revoked: Arc<RevokedTokens>,
    pub(super) failed_logins: FailedLoginLimiter,
    pub(super) quotas: Quotas,
    pub(super) slow_checks: SlowChecks,
    /// The proxies whose `X-Forwarded-For` is trusted, for readers without an [`super::Auth`].
    pub trusted_proxies: TrustedProxies,
}

impl AuthMemory {
    /// Creates the state, shared with other replicas if there are any.
    pub fn sharing(replicas: Option<&Replicas>) -> Self {
        let quotas = Quotas::sharing(replicas.map(|replicas| replicas.quotas.clone()));
        Self { quotas, revoked: Arc::new(RevokedTokens::shared_with(replicas.cloned())), ..Self::default() }
    }
}
