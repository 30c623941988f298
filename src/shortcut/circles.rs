//! Who may ask the same: callers whose tokens say the same of company, scopes and granted stores, while the same keys,
//! clients and limits are in force. To all of them a target means the same, and has the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::Generation;
use crate::auth::grants::Grants;
use crate::auth::verify::VerifiedToken;
use crate::cache::Circle;

/// With more, all are told apart anew.
const MOST_CIRCLES: usize = 4096;

/// The circles of all workers.
#[derive(Debug, Default)]
pub struct Circles(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    circles: HashMap<Right, Circle>,
    given: u64,
}

/// All of a token that an answer depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Right {
    generation: Generation,
    tenant: Arc<str>,
    scope: Box<str>,
    grants: Grants,
}

impl Circles {
    /// The circle of a token. A number is never given twice, so that what was remembered for a circle that is forgotten
    /// serves nobody.
    pub(super) fn of(&self, token: &VerifiedToken, generation: Generation) -> Circle {
        let right = Right {
            generation,
            tenant: token.tenant().clone(),
            scope: token.claims().scope.as_str().into(),
            grants: token.grants().clone(),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circle) = known.circles.get(&right) {
            return *circle;
        }
        if known.circles.len() >= MOST_CIRCLES {
            known.circles.clear();
        }
        known.given += 1;
        let circle = Circle(known.given);
        known.circles.insert(right, circle);
        circle
    }
}
