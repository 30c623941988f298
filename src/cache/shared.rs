//! The second level: answers that replicas share. A process that lacks one looks there before it fetches, waits while
//! another replica fetches it, and tells what its own fetch has brought.

use std::time::Duration;

use actix_web::rt;

use super::entry::{CacheEntry, FetchedBody};
use super::freshness::FreshnessState;
use super::stored::{NameHash, Stored};
use super::{Lookup, memory};
use crate::clock::Clock;
use crate::replicas::answers::{AnswerKey, FetchOutcome, SharedAnswers, SharedResult, StoredAnswer};
use crate::replicas::journal::Position;
use crate::replicas::lease::Lease;
use crate::telemetry::metrics;

/// Answers that are fresh for a shorter time are not shared: they would be old by the time that others find them.
const SHORTEST_FRESHNESS: Duration = Duration::from_millis(200);

/// The second level. Cloning shares it.
#[derive(Clone)]
pub(super) struct SharedLevel {
    answers: SharedAnswers,
    clock: Clock,
}

/// What a look at the second level has brought, and what its process owes to the others.
pub(super) struct SharedLookup {
    level: SharedLevel,
    /// The answer, fresh or not.
    pub(super) found: Option<CacheEntry>,
    lease: Option<Lease>,
    seen: Position,
}

impl SharedLevel {
    pub(super) const fn new(answers: SharedAnswers, clock: Clock) -> Self {
        Self { answers, clock }
    }

    /// Looks for the answer, unless the caller wants one from the gateway.
    pub(super) async fn look(&self, lookup: &Lookup) -> SharedLookup {
        // Before the fetch begins: a purge that comes later is about what it brings.
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
        let look = self.answers.look(&wanted, |kept| {
            read = self.read(lookup, kept);
            read.is_some()
        });
        let kept = match look.await {
            SharedResult::Fresh(kept) => Some(kept),
            SharedResult::Ours(lease, kept) => {
                session.lease = Some(lease);
                kept
            }
            SharedResult::Everybodys(kept) => kept,
        };
        if let (Some(kept), Some(stored)) = (kept, read) {
            session.found = self.entry(lookup, stored, kept.left).await;
        }
        metrics::shared_answer(session.outcome());
        session
    }

    /// The kept bytes as an answer, if they are one, to this lookup, and no purge was about it.
    fn read(&self, lookup: &Lookup, kept: &StoredAnswer) -> Option<Stored> {
        let stored = Stored::decode(&kept.bytes).inspect_err(|error| {
            tracing::debug!(%error, "an answer that replicas share cannot be read");
            metrics::shared_answer("unreadable");
        });
        let stored = stored.ok()?;
        let is_asked_for = stored.name == NameHash::of(&lookup.key.0);
        let passes = self.answers.purges().let_pass(lookup.key.tenant(), &stored.stores, stored.seen);
        // It lies there for longer than it keeps if Redis' clock was set back.
        (is_asked_for && passes && kept.left <= stored.freshness.end()).then_some(stored)
    }

    /// The answer as of now. What was asked when a period had not ended is not final because it has ended since: of what was
    /// said then and what is said now, the shorter time counts.
    async fn entry(&self, lookup: &Lookup, stored: Stored, left: Duration) -> Option<CacheEntry> {
        let age = stored.freshness.end().checked_sub(left)?;
        let freshness = stored.freshness.at_most(lookup.freshness);
        let now = self.clock.elapsed();
        Some(memory::finish(stored.document, freshness, stored.stores, now).await.of_age(age))
    }
}

impl SharedLookup {
    /// Whether the answer spares the fetch.
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

    /// Tells the other replicas what a fetch has brought. Nobody waits for it. Who fetched out of lease tells nothing: what
    /// it has may be older than what they have.
    ///
    /// Of a failure only counts whether it is the truth.
    pub(super) fn publish(self, lookup: &Lookup, outcome: Result<&FetchedBody, bool>) {
        let outcome = match outcome {
            Ok(document) => Publication::Answer(Box::new(Stored {
                document: document.clone(),
                stores: lookup.stores.clone(),
                freshness: document.max_freshness.map_or(lookup.freshness, |most| lookup.freshness.at_most(most)),
                name: NameHash::of(&lookup.key.0),
                seen: self.seen,
            })),
            Err(false) => Publication::Failure,
            Err(true) => Publication::Gone,
        };
        self.end(lookup, outcome);
    }

    /// Gives the lease back, if there is one: there was no need to fetch.
    pub(super) fn give_back(self, lookup: &Lookup) {
        self.end(lookup, Publication::Unneeded);
    }

    fn end(self, lookup: &Lookup, outcome: Publication) {
        let (name, Self { level, lease, .. }) = (lookup.key.0.clone(), self);
        if let Some(lease) = lease {
            rt::spawn(async move { level.answers.store(&name, lease, outcome.into()).await });
        }
    }
}

enum Publication {
    Answer(Box<Stored>),
    Gone,
    Failure,
    Unneeded,
}

impl From<Publication> for FetchOutcome {
    fn from(outcome: Publication) -> Self {
        match outcome {
            Publication::Answer(stored) => Self::Answer(stored.encode(), stored.freshness.end()),
            Publication::Gone => Self::Gone,
            Publication::Failure => Self::Failure,
            Publication::Unneeded => Self::Unneeded,
        }
    }
}
