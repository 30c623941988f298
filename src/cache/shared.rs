//! The second level of the cache: responses that replicas share. A process looks there before it fetches, waits while
//! another replica fetches, and publishes what it has fetched.

use std::time::Duration;

use actix_web::rt;

use super::entry::{CacheEntry, FetchedBody};
use super::freshness::FreshnessState;
use super::stored::{NameHash, Stored};
use super::{Lookup, memory};
use crate::clock::Clock;
use crate::replicas::answers::{AnswerKey, FetchOutcome, SharedAnswers, StoredAnswer};
use crate::replicas::journal::Position;
use crate::replicas::lease::Lease;
use crate::telemetry::metrics;

/// Responses with a shorter freshness are not shared: they would be stale by the time that other replicas find them.
const SHORTEST_FRESHNESS: Duration = Duration::from_millis(200);

/// The second level of the cache. Clones share it.
#[derive(Clone)]
pub(super) struct SharedLevel {
    answers: SharedAnswers,
    clock: Clock,
}

/// The result of a lookup in the second level, and the lease that this process may hold.
pub(super) struct SharedLookup {
    level: SharedLevel,
    /// The shared response, fresh or not.
    pub(super) found: Option<CacheEntry>,
    lease: Option<Lease>,
    seen: Position,
}

impl SharedLevel {
    pub(super) const fn new(answers: SharedAnswers, clock: Clock) -> Self {
        Self { answers, clock }
    }

    /// Looks the response up, unless the lookup bypasses the cache.
    pub(super) async fn look(&self, lookup: &Lookup) -> SharedLookup {
        // The position is read before the fetch begins: a later purge concerns the fetched response.
        let seen = self.answers.seen();
        let mut session = SharedLookup { level: self.clone(), found: None, lease: None, seen };
        if lookup.freshness.fresh < SHORTEST_FRESHNESS {
            return session;
        }
        if lookup.bypass {
            session.lease = self.answers.take_lease(&lookup.key.0).await;
            return session;
        }
        let wanted =
            AnswerKey { name: lookup.key.0.clone(), keeps: lookup.freshness.end(), fresh: lookup.freshness.fresh };
        let mut read = None;
        let look = self.answers.look(&wanted, |stored| {
            read = self.read(lookup, stored);
            read.is_some()
        });
        let (answer, lease) = look.await;
        session.lease = lease;
        if let (Some(answer), Some(stored)) = (answer, read) {
            session.found = self.entry(lookup, stored, answer.left).await;
        }
        metrics::shared_answers(session.outcome()).increment(1);
        session
    }

    /// Decodes the stored bytes. Returns them if they answer this lookup and no purge concerns them.
    fn read(&self, lookup: &Lookup, answer: &StoredAnswer) -> Option<Stored> {
        let stored = Stored::decode(&answer.bytes).inspect_err(|error| {
            tracing::debug!(%error, "shared response cannot be decoded");
            metrics::shared_answers("unreadable").increment(1);
        });
        let stored = stored.ok()?;
        let is_asked_for = stored.name == NameHash::of(&lookup.key.0);
        let passes = self.answers.purges.allow_response(lookup.key.tenant(), &stored.stores, stored.seen);
        // The response stays in Redis longer than its freshness if Redis' clock was set back.
        (is_asked_for && passes && answer.left <= stored.freshness.end()).then_some(stored)
    }

    /// Builds the cache entry as of now. A response that was fetched before a period ended is not final just because
    /// the period has ended since, so the shorter of both freshnesses counts.
    async fn entry(&self, lookup: &Lookup, stored: Stored, left: Duration) -> Option<CacheEntry> {
        let age = stored.freshness.end().checked_sub(left)?;
        let freshness = stored.freshness.at_most(lookup.freshness);
        let now = self.clock.elapsed();
        Some(memory::finish(stored.document, freshness, stored.stores, now).await.of_age(age))
    }
}

impl SharedLookup {
    /// Whether the shared response is fresh, so that no fetch is needed.
    pub(super) fn is_fresh(&self) -> bool {
        let now = self.level.clock.elapsed();
        self.found.as_ref().is_some_and(|entry| entry.state(now) == FreshnessState::Fresh)
    }

    fn outcome(&self) -> &'static str {
        match (&self.found, &self.lease) {
            (Some(_), _) if self.is_fresh() => "fresh",
            (Some(_), _) => "older",
            (None, Some(_)) => "absent",
            (None, None) => "unknown",
        }
    }

    /// Publishes the result of a fetch to the other replicas, without waiting. A process that fetched without the lease
    /// publishes nothing: its response may be older than theirs.
    ///
    /// Of a failure, only whether it is believed is published.
    pub(super) fn publish(self, lookup: &Lookup, outcome: Result<&FetchedBody, bool>) {
        let stored = outcome.map(|document| Stored {
            document: document.clone(),
            stores: lookup.stores.clone(),
            freshness: document.max_freshness.map_or(lookup.freshness, |most| lookup.freshness.at_most(most)),
            name: NameHash::of(&lookup.key.0),
            seen: self.seen,
        });
        self.end(lookup, || match stored {
            Ok(stored) => FetchOutcome::Answer(stored.encode(), stored.freshness.end()),
            Err(false) => FetchOutcome::Failed,
            Err(true) => FetchOutcome::NotFound,
        });
    }

    /// Releases the lease, if this process holds it, because no fetch was needed.
    pub(super) fn give_back(self, lookup: &Lookup) {
        self.end(lookup, || FetchOutcome::NotFetched);
    }

    fn end(self, lookup: &Lookup, outcome: impl FnOnce() -> FetchOutcome + 'static) {
        let (name, Self { level, lease, .. }) = (lookup.key.0.clone(), self);
        if let Some(lease) = lease {
            rt::spawn(async move { level.answers.store(&name, lease, outcome()).await });
        }
    }
}
