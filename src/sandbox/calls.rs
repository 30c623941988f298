//! Counts the requests of each method, for tests of caching, single flight and retries.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

// The most names that are counted separately. Names come from outside; further ones are counted together.
const MOST_NAMES: usize = 1_000;
const OTHERS: &str = "(others)";

/// The counts of all requests to the endpoints, by `_mt` or `method`; one without a method is counted under `""`.
#[derive(Default)]
pub struct CallCounts(Mutex<CallCountsNow>);

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallCountsNow {
    /// The number of all requests.
    pub total: u64,
    /// The number of requests by the vendor's name of the method.
    pub methods: BTreeMap<String, u64>,
}

impl CallCounts {
    /// Counts one request.
    pub fn count(&self, method: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total += 1;
        if let Some(count) = counts.methods.get_mut(method) {
            *count += 1;
            return;
        }
        let name = if counts.methods.len() < MOST_NAMES { method } else { OTHERS };
        *counts.methods.entry(name.to_owned()).or_default() += 1;
    }

    /// The current counts.
    pub fn snapshot(&self) -> CallCountsNow {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of all requests so far.
    pub fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// The number of requests for one method so far.
    pub fn of(&self, method: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.methods.get(method).copied().unwrap_or_default()
    }
}
