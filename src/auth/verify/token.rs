//! A token that passed every check.

use std::ops::Range;
use std::sync::Arc;

use super::LEEWAY_SECONDS;
use crate::auth::claims::Claims;
use crate::auth::grants::Grants;
use crate::fair_queue::Principal;
use crate::http::exchange::CallerIdentity;

/// A token that passed every check, prepared for the questions of requests.
#[derive(Debug)]
pub struct VerifiedToken {
    claims: Claims,
    identity: CallerIdentity,
    principal: Principal,
    grants: Grants,
    valid: Range<i64>,
}

impl VerifiedToken {
    /// Creates the verified form of these claims, with the accepted difference between two clocks.
    pub(in crate::auth) fn new(claims: Claims) -> Self {
        let start = claims.nbf.map_or(i64::MIN, |nbf| nbf.saturating_sub(LEEWAY_SECONDS));
        Self::valid_in(start..claims.exp.saturating_add(LEEWAY_SECONDS), claims)
    }

    /// Creates the verified form of these claims, valid in exactly these seconds since 1970.
    pub(in crate::auth) fn valid_in(valid: Range<i64>, claims: Claims) -> Self {
        let (tenant, client_id) = (Arc::from(claims.tenant.as_str()), Arc::from(claims.client_id.as_str()));
        Self {
            principal: Principal::new(&tenant, &client_id),
            identity: CallerIdentity { client_id, tenant },
            grants: Grants::new(claims.stores.as_deref(), claims.organizations.as_deref()),
            claims,
            valid,
        }
    }

    /// Returns the claims; those of a trusted issuer's token are mapped to ours.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Returns when the token is valid, in seconds since 1970, with the accepted difference between two clocks.
    pub fn validity(&self) -> Range<i64> {
        self.valid.clone()
    }

    /// Returns the client and its tenant, for the log.
    pub const fn identity(&self) -> &CallerIdentity {
        &self.identity
    }

    /// Returns the client to whom the token was issued. The clients of two issuers may have the same id.
    pub const fn client_id(&self) -> &Arc<str> {
        &self.identity.client_id
    }

    /// Returns the tenant whose gateway credentials and data the token can reach.
    pub const fn tenant(&self) -> &Arc<str> {
        &self.identity.tenant
    }

    /// Returns the principal whose share of limited resources its requests use.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns the stores that the token may read.
    pub const fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Whether the token has the scope (RFC 6749 §3.3).
    pub fn has_scope(&self, name: &str) -> bool {
        self.claims.scope.split(' ').any(|scope| scope == name)
    }
}
