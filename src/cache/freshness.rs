//! Freshness of responses: fresh, then stale while a refresh runs, then stale only if the vendor's gateway fails.

use std::time::Duration;

use crate::settings::section;

section! {
    /// How long a response is cached, counted from its fetch: it is served as it is while `fresh`, then while one
    /// refresh runs for `stale`, and if the vendor's gateway fails until `on_error` after `fresh`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Freshness in "cache" on restart {
        /// How long a response is fresh.
        fresh: Duration = "60s";
        /// How long after that it is served stale while one refresh runs.
        stale: Duration = "5m";
        /// How long after `fresh` it is served stale if the vendor's gateway fails.
        on_error: Duration = "1h";
    }
}

/// What the cache may do with a response of a certain age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshnessState {
    /// Serve the response.
    Fresh,
    /// Serve the response and refresh it.
    Revalidate,
    /// Fetch again, and serve the response only if that fails.
    OnError,
    /// The response is too old to be served.
    Expired,
}

impl Freshness {
    /// Freshness of responses that may be incomplete.
    pub const DOUBTFUL: Self = Self::seconds(5, 0, 0);

    /// Builds a freshness from seconds, for the constants of resources.
    pub const fn seconds(fresh: u64, stale: u64, on_error: u64) -> Self {
        Self {
            fresh: Duration::from_secs(fresh),
            stale: Duration::from_secs(stale),
            on_error: Duration::from_secs(on_error),
        }
    }

    /// Returns the shorter of both freshnesses, compared period by period.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        Self {
            fresh: self.fresh.min(other.fresh),
            stale: self.stale.min(other.stale),
            on_error: self.on_error.min(other.on_error),
        }
    }

    /// Returns the age after which the response is never served.
    pub fn end(&self) -> Duration {
        self.fresh.saturating_add(self.stale.max(self.on_error))
    }

    /// Returns the state of a response of this age.
    pub fn state(&self, age: Duration) -> FreshnessState {
        if age < self.fresh {
            FreshnessState::Fresh
        } else if age < self.fresh.saturating_add(self.stale) {
            FreshnessState::Revalidate
        } else if age < self.fresh.saturating_add(self.on_error) {
            FreshnessState::OnError
        } else {
            FreshnessState::Expired
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Freshness, FreshnessState};
    use std::time::Duration;

    #[test]
    fn an_answer_passes_through_its_states() {
        let freshness = Freshness::seconds(30, 60, 600);
        let state = |seconds| freshness.state(Duration::from_secs(seconds));
        assert_eq!(state(29), FreshnessState::Fresh);
        assert_eq!(state(30), FreshnessState::Revalidate);
        assert_eq!(state(90), FreshnessState::OnError);
        assert_eq!(state(630), FreshnessState::Expired);
        assert_eq!(freshness.end(), Duration::from_secs(630));
    }
}
