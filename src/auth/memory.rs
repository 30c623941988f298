//! What is remembered of callers in this process: revoked tokens, wrong secrets, spent quotas. A reload of the
//! configuration makes a new [`super::Auth`] around the same memory, or it would be a way to wipe it.

use std::sync::Arc;

use super::clients::SlowChecks;
use super::guesses::Guesses;
use super::quota::Quotas;
use super::revocations::RevokedTokens;

/// Shared by every [`super::Auth`] of the process.
#[derive(Debug, Default)]
pub struct AuthMemory {
    pub(super) revoked: Arc<RevokedTokens>,
    pub(super) guesses: Guesses,
    pub(super) quotas: Quotas,
    pub(super) slow_checks: SlowChecks,
}
