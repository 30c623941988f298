//! The second level: answers that replicas share. A process that lacks one looks there before it fetches, waits while
//! another replica fetches it, and tells what its own fetch has brought.

use std::time::Duration;

use actix_web::rt;

use super::entry::{Document, Entry};
use super::freshness::State;
use super::stored::{NameHash, Stored};
use super::{Failure, Question, memory};
use crate::replicas::answers::{Fetched, Kept, Look, SharedAnswers, Turn, Wanted};
use crate::replicas::journal::Position;
use crate::telemetry::metrics;

/// The second level. Cloning shares it.
#[derive(Clone)]
pub(super) struct SharedLevel(SharedAnswers);

/// What a look at the second level has brought, and what its process owes to the others.
pub(super) struct Session {
    level: SharedLevel,
    /// The answer, fresh or not.
    pub(super) found: Option<Entry>,
    turn: Option<Turn>,
    seen: Position,
}

impl SharedLevel {
    pub(super) const fn new(answers: SharedAnswers) -> Self {
        Self(answers)
    }

    /// Looks for the answer, unless the caller wants one from the gateway.
    pub(super) async fn look(&self, question: &Question, now: Duration) -> Session {
        // Before the fetch begins: a purge that comes later is about what it brings.
        let seen = self.0.seen();
        let mut session = Session { level: self.clone(), found: None, turn: None, seen };
        if question.bypass {
            return session;
        }
        let wanted =
            Wanted { name: question.key.0.clone(), keeps: question.freshness.end(), fresh: question.freshness.fresh };
        let mut look = self.0.look(&wanted).await;
        // A purged answer is there yet, and fresh: nobody's turn is told then.
        let kept = match &mut look {
            Look::Fresh(kept) => Some(kept),
            Look::Ours(_, kept) | Look::Everybodys(kept) => kept.as_mut(),
        };
        if let Some(kept) = kept {
            session.found = self.entry(question, kept, now).await;
        }
        if let Look::Ours(turn, _) = look {
            session.turn = Some(turn);
        }
        metrics::shared_answer(session.outcome(now));
        session
    }

    /// The kept bytes as an answer, if they are one, to this question, and no purge was about it.
    async fn entry(&self, question: &Question, kept: &mut Kept, now: Duration) -> Option<Entry> {
        let stored = Stored::decode(&kept.bytes)
            .inspect_err(|error| {
                tracing::debug!(%error, "an answer that replicas share cannot be read");
                metrics::shared_answer("unreadable");
            })
            .ok()?;
        let is_asked_for = stored.name == NameHash::of(&question.key.0);
        let passes = self.0.purges().let_pass(question.key.tenant(), &stored.stores, stored.seen);
        // It lies there for longer than it keeps if Redis' clock was set back.
        let age = stored.freshness.end().checked_sub(kept.left)?;
        if !is_asked_for || !passes {
            return None;
        }
        Some(memory::finish(stored.document, question.freshness, stored.stores, now).await.of_age(age))
    }
}

impl Session {
    /// Whether the answer spares the fetch.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        self.found.as_ref().is_some_and(|entry| entry.state(now) == State::Fresh)
    }

    fn outcome(&self, now: Duration) -> &'static str {
        match (&self.found, &self.turn) {
            (Some(_), _) if self.is_fresh(now) => "fresh",
            (Some(_), _) => "older",
            (None, Some(_)) => "absent",
            (None, None) => "unknown",
        }
    }

    /// Tells the other replicas what a fetch has brought. Nobody waits for it.
    pub(super) fn tell<E: Failure>(self, question: &Question, outcome: &Result<Document, E>) {
        let fetched = match outcome {
            Ok(document) => Told::Answer(Stored {
                document: document.clone(),
                stores: question.stores.clone(),
                freshness: question.freshness,
                name: NameHash::of(&question.key.0),
                seen: self.seen,
            }),
            Err(failure) if failure.stale_is_better() => Told::Failure,
            Err(_) => Told::Gone,
        };
        let (name, Self { level, turn, .. }) = (question.key.0.clone(), self);
        rt::spawn(async move { level.0.keep(&name, turn, fetched.into()).await });
    }
}

enum Told {
    Answer(Stored),
    Gone,
    Failure,
}

impl From<Told> for Fetched {
    fn from(told: Told) -> Self {
        match told {
            Told::Answer(stored) => Self::Answer(stored.encode(), stored.freshness.end()),
            Told::Gone => Self::Gone,
            Told::Failure => Self::Failure,
        }
    }
}
