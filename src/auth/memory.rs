//! What is remembered of callers in this process: revoked tokens, failed logins, consumed quotas. A reload of the
//! configuration makes a new [`super::Auth`] around the same memory, or it would be a way to wipe it.

use std::sync::Arc;

use super::clients::SlowChecks;
use super::failed_logins::FailedLoginLimiter;
use super::quota::Quotas;
use super::revocations::RevokedTokens;
use crate::replicas::Replicas;

/// The state that every [`super::Auth`] of the process shares.
#[derive(Debug, Default)]
pub struct AuthMemory {
    pub(super) revoked: Arc<RevokedTokens>,
    pub(super) failed_logins: FailedLoginLimiter,
    pub(super) quotas: Quotas,
    pub(super) slow_checks: SlowChecks,
}

impl AuthMemory {
    /// A memory that is shared with other replicas, if there are any.
    pub fn sharing(replicas: Option<&Replicas>) -> Self {
        let quotas = Quotas::sharing(replicas.map(|replicas| replicas.quotas().clone()));
        Self { quotas, revoked: Arc::new(RevokedTokens::shared_with(replicas.cloned())), ..Self::default() }
    }

    /// Tokens that their clients gave back.
    pub fn revoked(&self) -> &RevokedTokens {
        &self.revoked
    }
}
