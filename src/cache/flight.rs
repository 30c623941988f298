//! The fetch of an answer: one for all who ask the same, a task of its own, past the second level before the gateway; with
//! or without a caller who waits for it.

use std::cell::Cell;
use std::future::Future;
use std::panic;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;

use super::entry::{CacheEntry, FetchResult};
use super::freshness::FreshnessState;
use super::lookup::{CacheOutcome, CachedResponse, Lookup};
use super::shared::SharedLookup;
use super::{AnswerCache, CacheKey, FetchFailure, found, or_stale};
use crate::fair_queue::Principal;
use crate::telemetry::{call_tally, traces};

/// By whom an answer came, as far as one flight knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AnsweredBy {
    /// Another flight.
    #[default]
    Another,
    /// This one has fetched it.
    ThisOne,
    /// This one has found it where replicas share them.
    Replicas,
}

impl<E: FetchFailure> AnswerCache<E> {
    /// Fetches while the caller waits; with an older answer at hand the caller waits only a moment, unless it asked for
    /// an answer from the gateway.
    pub(super) async fn fetch_for_caller<F, Fut>(
        &self,
        lookup: Lookup,
        older: Option<Arc<CacheEntry>>,
        outcome: CacheOutcome,
        fetch: F,
    ) -> Result<CachedResponse, E>
    where
        F: FnOnce(Principal) -> Fut + 'static,
        Fut: Future<Output = Result<FetchResult<E>, E>> + 'static,
    {
        let by = Rc::new(Cell::default());
        let (patient, key) = (lookup.bypass || lookup.require_fresh, lookup.key.clone());
        let mut flight = self.spawn_flight(lookup, by.clone(), fetch);
        let landed = if patient {
            flight.await
        } else {
            match tokio::time::timeout(self.slow_after, &mut flight).await {
                Ok(landed) => landed,
                // A fresh one has just landed, and so has the flight.
                Err(_) => match self.usable(&key, older.as_ref()) {
                    Some(entry) if entry.state(self.clock.elapsed()) != FreshnessState::Fresh => {
                        return Ok(found(entry, CacheOutcome::StaleIfError, self.clock.elapsed()));
                    }
                    _ => flight.await,
                },
            }
        };
        let now = self.clock.elapsed();
        match landed.unwrap_or_else(|error| panic::resume_unwind(error.into_panic())) {
            Ok(entry) => {
                let outcome = match by.get() {
                    AnsweredBy::ThisOne => outcome,
                    AnsweredBy::Replicas => CacheOutcome::Shared,
                    AnsweredBy::Another => CacheOutcome::Collapsed,
                };
                Ok(found(entry, outcome, now))
            }
            Err(failure) => or_stale(failure, self.usable(&key, older.as_ref()), now),
        }
    }

    /// An older answer that may be given instead: the one that was there, or one that other replicas had.
    fn usable(&self, key: &CacheKey, older: Option<&Arc<CacheEntry>>) -> Option<Arc<CacheEntry>> {
        let now = self.clock.elapsed();
        let is_usable = |entry: &Arc<CacheEntry>| entry.state(now) != FreshnessState::Expired;
        older.filter(|entry| is_usable(entry)).cloned().or_else(|| self.memory.get(key).filter(is_usable))
    }

    /// Starts a refresh that nobody waits for, unless one runs or the last one has just failed.
    pub(super) fn refresh_once<F, Fut>(&self, lookup: Lookup, entry: &Arc<CacheEntry>, now: Duration, fetch: F)
    where
        F: FnOnce(Principal) -> Fut + 'static,
        Fut: Future<Output = Result<FetchResult<E>, E>> + 'static,
    {
        if !entry.begin_refresh() {
            return;
        }
        if self.memory.failure(&lookup.key, now).is_some() {
            entry.end_refresh();
            return;
        }
        let lookup = Lookup { principal: lookup.principal.in_background(), ..lookup };
        let flight = self.spawn_flight(lookup, Rc::default(), fetch);
        let entry = entry.clone();
        rt::spawn(async move {
            // Whatever it brought: an answer that is not kept does not replace this one.
            let _landed = flight.await;
            entry.end_refresh();
        });
    }

    /// The whole single flight is a task of its own: a caller who leaves neither cancels nor repeats the fetch.
    fn spawn_flight<F, Fut>(
        &self,
        lookup: Lookup,
        by: Rc<Cell<AnsweredBy>>,
        fetch: F,
    ) -> rt::task::JoinHandle<Result<Arc<CacheEntry>, E>>
    where
        F: FnOnce(Principal) -> Fut + 'static,
        Fut: Future<Output = Result<FetchResult<E>, E>> + 'static,
    {
        let (memory, clock, shared) = (self.memory.clone(), self.clock.clone(), self.shared.clone());
        let flight = async move {
            let start = memory.start(&lookup);
            // Neither who asks for an answer from the gateway nor who asks after a purge may join an earlier flight.
            let bypass = if lookup.bypass { "bypass" } else { "" };
            let key = lookup.key.marked(&format!("{} {} {bypass}", start.cleared, start.latest_purge));
            let landing = memory.clone();
            let fetch = async move {
                // Between the caller's look and this flight another flight may have landed.
                if !lookup.bypass
                    && let Some(entry) = landing.get(&lookup.key)
                    && entry.state(clock.elapsed()) == FreshnessState::Fresh
                {
                    return Ok(entry);
                }
                let mut session = match &shared {
                    Some(shared) => Some(shared.look(&lookup).await),
                    None => None,
                };
                let is_fresh = session.as_ref().is_some_and(SharedLookup::is_fresh);
                if let Some(entry) = session.as_mut().and_then(|session| session.found.take()) {
                    let entry = landing.store_shared(&lookup, entry, clock.elapsed(), start);
                    if let Some(session) = session.take_if(|_| is_fresh) {
                        session.give_back(&lookup);
                        by.set(AnsweredBy::Replicas);
                        return Ok(entry);
                    }
                }
                by.set(AnsweredBy::ThisOne);
                // The future of a whole gateway call is large, and what holds it is moved several times.
                let brought = Box::pin(fetch(lookup.principal.clone())).await;
                let outcome = brought.and_then(|brought| landing.believe(&lookup.key, brought, clock.elapsed()));
                if let Some(session) = session {
                    let is_the_truth = |failure| landing.is_the_truth(&lookup.key, failure, clock.elapsed());
                    session.publish(&lookup, outcome.as_ref().map_err(is_the_truth));
                }
                landing.complete(lookup, outcome, clock.elapsed(), start).await
            };
            memory.flights.run(key, fetch).await
        };
        rt::spawn(call_tally::carried(traces::carried(flight)))
    }
}
