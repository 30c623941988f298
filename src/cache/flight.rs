//! The fetch of a response as a single flight: one fetch for all callers of the same lookup, in a task of its own. It
//! reads the shared cache before it calls the vendor's gateway, and it runs with or without a waiting caller.

use std::cell::Cell;
use std::future::Future;
use std::panic;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;

use super::entry::{CacheEntry, FetchResult};
use super::freshness::FreshnessState;
use super::shared::SharedLookup;
use super::{AnswerCache, CacheKey, CacheOutcome, CachedResponse, FetchFailure, Lookup, found, or_stale};
use crate::fair_queue::Principal;
use crate::telemetry::{call_tally, traces};

/// Where a response came from, as one single flight sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AnsweredBy {
    /// Another single flight has fetched it.
    #[default]
    Another,
    /// This single flight has fetched it.
    ThisOne,
    /// This single flight has found it in the cache that replicas share.
    Replicas,
}

impl<E: FetchFailure> AnswerCache<E> {
    /// Fetches while the caller waits. If an older response exists, the caller waits only for `slow_after`, unless it
    /// requires an answer of the vendor's gateway.
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
        let (must_wait, key) = (lookup.bypass || lookup.require_fresh, lookup.key.clone());
        let mut flight = self.spawn_flight(lookup, by.clone(), fetch);
        let completed = if must_wait {
            flight.await
        } else {
            match tokio::time::timeout(self.slow_after, &mut flight).await {
                Ok(completed) => completed,
                // A fresh response was stored just now, so the single flight has completed, too.
                Err(_) => match self.usable(&key, older.as_ref()) {
                    Some(entry) if entry.state(self.clock.elapsed()) != FreshnessState::Fresh => {
                        return Ok(found(entry, CacheOutcome::StaleIfError, self.clock.elapsed()));
                    }
                    _ => flight.await,
                },
            }
        };
        let now = self.clock.elapsed();
        match completed.unwrap_or_else(|error| panic::resume_unwind(error.into_panic())) {
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

    /// Returns an older response that may still be served: the one found before, or one that other replicas had.
    fn usable(&self, key: &CacheKey, older: Option<&Arc<CacheEntry>>) -> Option<Arc<CacheEntry>> {
        let now = self.clock.elapsed();
        let is_usable = |entry: &Arc<CacheEntry>| entry.state(now) != FreshnessState::Expired;
        older.filter(|entry| is_usable(entry)).cloned().or_else(|| self.memory.get(key).filter(is_usable))
    }

    /// Starts a refresh without a waiting caller, unless one runs or the last one has just failed.
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
            // The result does not matter: a response that is not cached does not replace this one.
            let _completed = flight.await;
            entry.end_refresh();
        });
    }

    /// Runs the whole single flight in a task of its own: a caller who disconnects neither cancels nor repeats the
    /// fetch.
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
            // A lookup that bypasses the cache or follows a purge may not join an earlier flight.
            let bypass = if lookup.bypass { "bypass" } else { "" };
            let key = lookup.key.suffixed(&format!("{} {} {bypass}", start.cleared, start.latest_purge));
            let cache = memory.clone();
            let fetch = async move {
                // Another single flight may have completed since the caller's lookup.
                if !lookup.bypass
                    && let Some(entry) = cache.get(&lookup.key)
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
                    let entry = cache.store_shared(&lookup, entry, clock.elapsed(), start);
                    if let Some(session) = session.take_if(|_| is_fresh) {
                        session.give_back(&lookup);
                        by.set(AnsweredBy::Replicas);
                        return Ok(entry);
                    }
                }
                by.set(AnsweredBy::ThisOne);
                // The future of a whole gateway call is large, and its owners are moved several times, so it is boxed.
                let brought = Box::pin(fetch(lookup.principal.clone())).await;
                let outcome = brought.and_then(|brought| cache.accept(&lookup.key, brought, clock.elapsed()));
                if let Some(session) = session {
                    let is_the_truth = |failure| cache.is_the_truth(&lookup.key, failure, clock.elapsed());
                    session.publish(&lookup, outcome.as_ref().map_err(is_the_truth));
                }
                cache.complete(lookup, outcome, clock.elapsed(), start).await
            };
            memory.flights.run(key, fetch).await
        };
        rt::spawn(call_tally::carried(traces::carried(flight)))
    }
}
