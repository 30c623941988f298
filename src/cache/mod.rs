//! Finished answers, shared by all workers: fresh, stale while one refresh runs, stale when the gateway fails, and one
//! fetch for any number of callers.
//!
//! Freshness is decided by our clock; moka's own expiry is only the upper bound that frees memory.

mod asked;
mod entry;
mod freshness;
mod memory;
mod purges;
mod shared;
pub mod stored;

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::{cell::Cell, panic};

use crate::clock::Clock;
use crate::replicas::Replicas;
use crate::replicas::journal::Event;
use crate::telemetry::traces;

use memory::Memory;
use shared::{Session, SharedLevel};

pub use asked::{Asked, Circle};
pub use entry::{Document, Encoding, Entry, Form};
pub use freshness::{Freshness, State};
pub use memory::CacheSettings;

/// What the cache must know of a failed fetch.
pub trait Failure: Clone + Send + Sync + 'static {
    /// Whether an older answer is better for the caller than this failure.
    fn stale_is_better(&self) -> bool;

    /// How long the failure is remembered, so that a crowd does not repeat it.
    fn remembered(&self) -> Duration;
}

/// Which answer is wanted. The tenant is part of it, so that two tenants never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// The answer of `resource` to `question` (its canonical parameters) for `tenant`.
    pub fn new(tenant: &str, resource: &str, question: &str) -> Self {
        Self(format!("{tenant}\0{resource}\0{question}").into())
    }

    /// Whose answer it is.
    fn tenant(&self) -> &str {
        self.0.split('\0').next().unwrap_or_default()
    }

    /// A key for the same answer, told apart by a mark.
    fn marked(&self, mark: &str) -> Self {
        Self(format!("{}\0{mark}", self.0).into())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A question to the cache.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which answer.
    pub key: Key,
    /// How long it keeps.
    pub freshness: Freshness,
    /// The stores it is about, for a purge.
    pub stores: Vec<String>,
    /// Go to the gateway even if there is a fresh answer.
    pub bypass: bool,
    /// Wait for an answer that is due, however long the gateway takes, instead of taking an older one meanwhile.
    pub waits: bool,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there and fresh.
    Hit,
    /// It was there and stale; one refresh runs.
    StaleWhileRevalidate,
    /// It was there and stale; the gateway failed or is slow.
    StaleIfError,
    /// There was none; this caller's fetch brought it.
    Miss,
    /// The one that was there is too old; this caller's fetch brought it.
    Expired,
    /// Another caller's fetch brought it.
    Collapsed,
    /// Another replica has fetched it, or this one before it was started again.
    Shared,
    /// The caller asked for an answer from the gateway.
    Bypass,
}

impl Outcome {
    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::StaleWhileRevalidate => "stale_while_revalidate",
            Self::StaleIfError => "stale_if_error",
            Self::Miss => "miss",
            Self::Expired => "expired",
            Self::Collapsed => "collapsed",
            Self::Shared => "shared",
            Self::Bypass => "bypass",
        }
    }
}

/// An answer and how it came about.
#[derive(Clone, Debug)]
pub struct Found {
    /// The answer.
    pub entry: Arc<Entry>,
    /// How it came about.
    pub outcome: Outcome,
    /// How old the answer is.
    pub age: Duration,
}

/// The cache of finished answers. Cloning shares it.
#[derive(Clone)]
pub struct AnswerCache<E: Failure> {
    memory: Memory<E>,
    clock: Clock,
    slow_after: Duration,
    replicas: Option<Replicas>,
    shared: Option<SharedLevel>,
}

/// By whom an answer came, as far as one flight knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    /// Another flight.
    #[default]
    Another,
    /// This one has fetched it.
    ThisOne,
    /// This one has found it where replicas share them.
    Replicas,
}

impl<E: Failure> AnswerCache<E> {
    /// A cache of this size, of this process alone.
    pub fn new(settings: &CacheSettings, clock: Clock) -> Self {
        Self { memory: Memory::new(settings), clock, slow_after: settings.slow_after, replicas: None, shared: None }
    }

    /// The same in front of what replicas share.
    #[must_use]
    pub fn sharing(self, replicas: Option<Replicas>) -> Self {
        let shared = replicas.as_ref().map(|replicas| SharedLevel::new(replicas.answers(), self.clock.clone()));
        Self { replicas, shared, ..self }
    }

    /// Answers the question from the cache, or by `fetch`, which runs at most once for all callers who ask the same.
    ///
    /// # Errors
    /// The failure of the fetch, when there is no older answer that is better.
    pub async fn read<F, Fut>(&self, question: Question, fetch: F) -> Result<Found, E>
    where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<Document, E>> + 'static,
    {
        let now = self.clock.elapsed();
        let kept = self.memory.get(&question.key);
        let state = kept.as_ref().map(|entry| entry.state(now));
        let older = kept.filter(|_| state != Some(State::Expired));
        match (state, older) {
            (Some(State::Fresh), Some(entry)) if !question.bypass => Ok(found(entry, Outcome::Hit, now)),
            (Some(State::Revalidate), Some(entry)) if !question.bypass && !question.waits => {
                self.refresh_once(question, &entry, now, fetch);
                Ok(found(entry, Outcome::StaleWhileRevalidate, now))
            }
            (state, older) => {
                // A remembered failure that is the truth does not stop who asks for an answer from the gateway.
                let remembered = self.memory.failure(&question.key, now);
                if let Some(failure) = remembered.filter(|failure| !question.bypass || failure.stale_is_better()) {
                    return or_stale(failure, older, now);
                }
                let outcome = match state {
                    _ if question.bypass => Outcome::Bypass,
                    None => Outcome::Miss,
                    Some(_) => Outcome::Expired,
                };
                self.fetch_for_caller(question, older, outcome, fetch).await
            }
        }
    }

    /// The kept answer, whatever its age.
    pub fn kept(&self, key: &Key) -> Option<Arc<Entry>> {
        self.memory.get(key)
    }

    /// What was asked so before by somebody of this circle, and its answer.
    pub fn asked(&self, circle: Circle, target: &str) -> Option<Arc<Asked>> {
        self.memory.asked.find(circle, target)
    }

    /// Remembers what was asked, for as long as its answer is kept.
    pub fn remember(&self, asked: Asked) {
        if asked.entry.is_kept() {
            self.memory.asked.remember(asked);
        }
    }

    /// An answer that is not kept, such as one that is made of kept ones, to be given like those. It is `age` old.
    pub async fn unkept(
        &self,
        document: Document,
        freshness: Freshness,
        stores: Vec<String>,
        age: Duration,
        outcome: Outcome,
    ) -> Found {
        let now = self.clock.elapsed();
        let entry = memory::finish(document, freshness, stores, now).await.of_age(age);
        Found { entry: Arc::new(entry), outcome, age }
    }

    /// Drops the answers of a tenant that are about one of these stores, or all of the tenant's; gives their number.
    /// Other replicas do the same within a second.
    pub fn purge(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        // First for those that are shared, so that none of them gets back into memory meanwhile.
        if let Some(replicas) = &self.replicas {
            replicas.tell(Event::Purged { tenant: tenant.to_owned(), stores: stores.map(<[String]>::to_vec) });
        }
        self.purge_here(tenant, stores)
    }

    /// Drops them in this process alone: another replica has told of it.
    pub fn purge_here(&self, tenant: &str, stores: Option<&[String]>) -> u64 {
        self.memory.purge(tenant, stores)
    }

    /// Drops all answers of all tenants in this process.
    pub fn clear_here(&self) {
        self.memory.clear();
    }

    /// Frees what has expired and gives the number of answers and their weight in bytes.
    pub fn maintain(&self) -> (u64, u64) {
        self.memory.maintain()
    }

    /// Fetches while the caller waits; with an older answer at hand the caller waits only a moment, unless it asked for
    /// an answer from the gateway.
    async fn fetch_for_caller<F, Fut>(
        &self,
        question: Question,
        older: Option<Arc<Entry>>,
        outcome: Outcome,
        fetch: F,
    ) -> Result<Found, E>
    where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<Document, E>> + 'static,
    {
        let by = Rc::new(Cell::default());
        let (patient, key) = (question.bypass || question.waits, question.key.clone());
        let mut flight = self.spawn_flight(question, by.clone(), fetch);
        let landed = if patient {
            flight.await
        } else {
            match tokio::time::timeout(self.slow_after, &mut flight).await {
                Ok(landed) => landed,
                // A fresh one has just landed, and so has the flight.
                Err(_) => match self.usable(&key, older.as_ref()) {
                    Some(entry) if entry.state(self.clock.elapsed()) != State::Fresh => {
                        return Ok(found(entry, Outcome::StaleIfError, self.clock.elapsed()));
                    }
                    _ => flight.await,
                },
            }
        };
        let now = self.clock.elapsed();
        match landed.unwrap_or_else(|error| panic::resume_unwind(error.into_panic())) {
            Ok(entry) => {
                let outcome = match by.get() {
                    By::ThisOne => outcome,
                    By::Replicas => Outcome::Shared,
                    By::Another => Outcome::Collapsed,
                };
                Ok(found(entry, outcome, now))
            }
            Err(failure) => or_stale(failure, self.usable(&key, older.as_ref()), now),
        }
    }

    /// An older answer that may be given instead: the one that was there, or one that other replicas had.
    fn usable(&self, key: &Key, older: Option<&Arc<Entry>>) -> Option<Arc<Entry>> {
        let now = self.clock.elapsed();
        let is_usable = |entry: &Arc<Entry>| entry.state(now) != State::Expired;
        older.filter(|entry| is_usable(entry)).cloned().or_else(|| self.memory.get(key).filter(is_usable))
    }

    /// Starts a refresh that nobody waits for, unless one runs or the last one has just failed.
    fn refresh_once<F, Fut>(&self, question: Question, entry: &Arc<Entry>, now: Duration, fetch: F)
    where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<Document, E>> + 'static,
    {
        if !entry.begin_refresh() {
            return;
        }
        if self.memory.failure(&question.key, now).is_some() {
            entry.end_refresh();
            return;
        }
        let flight = self.spawn_flight(question, Rc::default(), fetch);
        let entry = entry.clone();
        actix_web::rt::spawn(async move {
            // Whatever it brought: an answer that is not kept does not replace this one.
            let _landed = flight.await;
            entry.end_refresh();
        });
    }

    /// The whole single flight is a task of its own: a caller who leaves neither cancels nor repeats the fetch.
    fn spawn_flight<F, Fut>(
        &self,
        question: Question,
        by: Rc<Cell<By>>,
        fetch: F,
    ) -> actix_web::rt::task::JoinHandle<Result<Arc<Entry>, E>>
    where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = Result<Document, E>> + 'static,
    {
        let (memory, clock, shared) = (self.memory.clone(), self.clock.clone(), self.shared.clone());
        let flight = async move {
            let start = memory.start(&question);
            // Neither who asks for an answer from the gateway nor who asks after a purge may join an earlier flight.
            let bypass = if question.bypass { "bypass" } else { "" };
            let key = question.key.marked(&format!("{} {} {bypass}", start.cleared, start.latest_purge));
            let landing = memory.clone();
            let fetch = async move {
                // Between the caller's look and this flight another flight may have landed.
                if !question.bypass
                    && let Some(entry) = landing.get(&question.key)
                    && entry.state(clock.elapsed()) == State::Fresh
                {
                    return Ok(entry);
                }
                let mut session = match &shared {
                    Some(shared) => Some(shared.look(&question).await),
                    None => None,
                };
                let is_fresh = session.as_ref().is_some_and(Session::is_fresh);
                if let Some(entry) = session.as_mut().and_then(|session| session.found.take()) {
                    let entry = landing.keep_shared(&question, entry, clock.elapsed(), start);
                    if let Some(session) = session.take_if(|_| is_fresh) {
                        session.give_back(&question);
                        by.set(By::Replicas);
                        return Ok(entry);
                    }
                }
                by.set(By::ThisOne);
                // The future of a whole gateway call is large, and what holds it is moved several times.
                let outcome = Box::pin(fetch()).await;
                if let Some(session) = session {
                    session.tell(&question, &outcome);
                }
                landing.land(question, outcome, clock.elapsed(), start).await
            };
            memory.fly(key, fetch).await
        };
        actix_web::rt::spawn(traces::carried(flight))
    }
}

fn found(entry: Arc<Entry>, outcome: Outcome, now: Duration) -> Found {
    let age = entry.age(now);
    Found { entry, outcome, age }
}

fn or_stale<E: Failure>(failure: E, older: Option<Arc<Entry>>, now: Duration) -> Result<Found, E> {
    match older {
        // It may have become too old while the caller waited.
        Some(entry) if failure.stale_is_better() && entry.state(now) != State::Expired => {
            Ok(found(entry, Outcome::StaleIfError, now))
        }
        _ => Err(failure),
    }
}

#[cfg(test)]
mod tests;
