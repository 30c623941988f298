//! Authorization classes. The tokens of a class have the same tenant, scopes and granted stores, under the same keys,
//! clients and limits, so all callers of a class get the same response for a target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::grants::Grants;
use crate::auth::{Generation, VerifiedCaller};
use crate::cache::AuthorizationClass;

/// The most authorization classes. If there would be more, all are dropped and numbered again.
const MOST_CLASSES: usize = 4096;

/// The authorization classes of all workers.
#[derive(Debug, Default)]
pub struct AuthorizationClasses(Mutex<KnownClasses>);

#[derive(Debug, Default)]
struct KnownClasses {
    classes: HashMap<ClassClaims, AuthorizationClass>,
    given: u64,
}

/// All claims of a token that a response depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ClassClaims {
    generation: Generation,
    tenant: Arc<str>,
    scope: Box<str>,
    grants: Grants,
}

impl AuthorizationClasses {
    /// Returns the class of a caller. A number is never used twice, so that memos of a dropped class serve nobody.
    pub(super) fn of(&self, caller: &VerifiedCaller) -> AuthorizationClass {
        let token = &caller.token;
        let right = ClassClaims {
            generation: caller.generation,
            tenant: token.tenant().clone(),
            scope: token.claims().scope.as_str().into(),
            grants: token.grants().clone(),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = known.classes.get(&right) {
            return *class;
        }
        if known.classes.len() >= MOST_CLASSES {
            known.classes.clear();
        }
        known.given += 1;
        let class = AuthorizationClass(known.given);
        known.classes.insert(right, class);
        class
    }
}
