//! A thread of its own that opens the link, brings it back when it breaks, and reads and writes the journal. Requests use
//! the link only after all that happened meanwhile is known.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::RedisResult;
use tokio::sync::Notify;

use super::connection::Connection;
use super::journal::{Ends, Event, Journal, Position, Read, ReplicaId, Revoked};
use super::link::Link;
use super::purges::Purges;
use super::quota::SharedQuotas;
use super::revoked::RevokedSet;
use super::settings::RedisSettings;
use crate::clock::Clock;
use crate::telemetry::metrics;

/// How often the journal is read. What one replica tells is known to all after this and a round trip.
const READING: Duration = Duration::from_millis(200);

/// A reading that takes longer shows that the link is of no use.
const READING_TIME: Duration = Duration::from_millis(500);

/// How long the first steps on a new connection may take: all that happened meanwhile is read.
const CATCHING_UP: Duration = Duration::from_secs(5);

/// The pause before a link is tried again.
const BEFORE_NEXT: Duration = Duration::from_millis(500);

/// Events that wait for the link. Of more, a company's purges become one of all its answers.
const MOST_WAITING: usize = 1000;

/// What was told so shortly before the link broke is told again: a server that lost its memory, or that took another's
/// place, may not know of it.
const TOLD_AGAIN: Duration = Duration::from_secs(60);
/// And of that so many events at most.
const MOST_TOLD_AGAIN: usize = 1000;

/// Whoever must know what other replicas tell.
pub trait Listener: Send + Sync + 'static {
    /// A company's answers about these stores were dropped, or all of them.
    fn purged(&self, tenant: &str, stores: Option<&[String]>);

    /// All companies' answers are to be dropped: what happened meanwhile cannot be known.
    fn missed_something(&self);

    /// Tokens were given back.
    fn revoked(&self, tokens: &[Revoked]);

    /// All tokens that this replica knows to be given back.
    fn known_revoked(&self) -> Vec<Revoked>;
}

/// Events on their way to the journal. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    waiting: Arc<Mutex<VecDeque<Event>>>,
    filled: Arc<Notify>,
}

impl Outbox {
    /// Tells all other replicas, now or as soon as there is a link.
    pub fn tell(&self, event: Event) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let event = match event {
            Event::Purged { tenant, .. } if waiting.len() >= MOST_WAITING => {
                waiting.retain(|other| !matches!(other, Event::Purged { tenant: its, .. } if *its == tenant));
                Event::Purged { tenant, stores: None }
            }
            other => other,
        };
        waiting.push_back(event);
        self.filled.notify_one();
    }

    fn next(&self) -> Option<Event> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    /// The event that was next is told.
    fn told(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    }
}

/// What the thread works with.
pub(super) struct Upkeep {
    pub(super) settings: RedisSettings,
    pub(super) id: ReplicaId,
    pub(super) link: Link,
    pub(super) journal: Journal,
    pub(super) revoked: RevokedSet,
    pub(super) purges: Arc<Purges>,
    pub(super) quotas: SharedQuotas,
    pub(super) outbox: Outbox,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) clock: Clock,
    pub(super) stopped: Arc<Notify>,
}

/// The last events that this replica has told, and when.
type Told = VecDeque<(Duration, Event)>;

impl Upkeep {
    /// Keeps the link up until the process shares nothing any more.
    pub(super) async fn run(self) {
        let stopped = self.stopped.clone();
        tokio::select! {
            () = stopped.notified() => {}
            () = self.keep_up() => {}
        }
    }

    async fn keep_up(&self) {
        let mut told = Told::new();
        let mut is_known_to_be_down = false;
        loop {
            match self.live_once(&mut told, &mut is_known_to_be_down).await {
                Ok(()) => tracing::warn!("Redis did not answer a request in time; going on without until it does"),
                Err(error) if !is_known_to_be_down => {
                    // The library's messages hold no password.
                    tracing::warn!(%error, "Redis is not to be had; going on without until it is");
                }
                Err(error) => tracing::debug!(%error, "Redis is still not to be had"),
            }
            is_known_to_be_down = true;
            self.link.take_down();
            tokio::time::sleep(BEFORE_NEXT).await;
        }
    }

    /// From a new connection to its end: because of an error, or because a request has given it up.
    async fn live_once(&self, told: &mut Told, is_known_to_be_down: &mut bool) -> RedisResult<()> {
        let mut connection = Connection::open(&self.settings).await?;
        within(CATCHING_UP, self.catch_up(&mut connection, told)).await?;
        // A server that answers, but too slowly for requests, is as good as none.
        within(self.link.of_an_operation(), ping(&mut connection)).await?;
        self.link.put_up(connection.clone());
        tracing::info!(again = *is_known_to_be_down, "what replicas share is in use");
        *is_known_to_be_down = false;
        loop {
            tokio::select! {
                () = self.link.given_up() => return Ok(()),
                () = self.outbox.filled.notified() => {}
                () = tokio::time::sleep(READING) => {}
            }
            within(READING_TIME, self.exchange(&mut connection, told)).await?;
            within(READING_TIME, self.quotas.give_back(&mut connection)).await?;
        }
    }

    /// Learns and tells all that happened while there was no link.
    async fn catch_up(&self, connection: &mut Connection, told: &mut Told) -> RedisResult<()> {
        self.journal.begin(connection, self.id).await?;
        self.find_our_place(connection).await?;
        let ours = self.listener.known_revoked();
        self.revoked.add(connection, &ours).await?;
        let since = self.clock.elapsed().saturating_sub(TOLD_AGAIN);
        told.retain(|(at, _)| *at >= since);
        for (_, event) in told.iter() {
            self.journal.write(connection, self.id, event).await?;
        }
        self.exchange(connection, told).await?;
        let now = self.clock.now().as_second();
        let all = self.revoked.all(connection, now).await?;
        self.listener.revoked(&all);
        Ok(())
    }

    /// Where to go on reading, and from where on the journal tells all.
    async fn find_our_place(&self, connection: &mut Connection) -> RedisResult<()> {
        let Some(Ends { first, last, has_its_beginning }) = self.journal.ends(connection).await? else { return Ok(()) };
        let read_to = self.purges.read_to();
        if read_to != Position::default() && (first > read_to || last < read_to) {
            // Of a journal that was begun anew, all that was told shortly before is told again. One that has lost its
            // beginning since we read it has lost what we do not know.
            if !has_its_beginning {
                self.listener.missed_something();
            }
            self.purges.have_read_to(Position::default());
        }
        self.purges.know_from(first);
        Ok(())
    }

    /// Tells what waits, and reads what others have told.
    async fn exchange(&self, connection: &mut Connection, told: &mut Told) -> RedisResult<()> {
        while let Some(event) = self.outbox.next() {
            self.tell(connection, &event).await?;
            self.outbox.told();
            told.push_back((self.clock.elapsed(), event));
            if told.len() > MOST_TOLD_AGAIN {
                told.pop_front();
            }
        }
        loop {
            let before = self.purges.read_to();
            let (events, read_to) = self.journal.read_after(connection, before).await?;
            if read_to == before {
                return Ok(());
            }
            events.into_iter().for_each(|event| self.hear(event));
            self.purges.have_read_to(read_to);
        }
    }

    async fn tell(&self, connection: &mut Connection, event: &Event) -> RedisResult<()> {
        if let Event::Revoked(revoked) = event {
            // First where late comers find it, so that it is nowhere missing.
            self.revoked.add(connection, std::slice::from_ref(revoked)).await?;
        }
        let at = self.journal.write(connection, self.id, event).await?;
        if let Event::Purged { tenant, stores } = event {
            self.purges.add(tenant, stores.clone(), at);
        }
        metrics::shared_event(kind(event), "told");
        Ok(())
    }

    fn hear(&self, Read { at, by, event }: Read) {
        let is_ours = by == self.id;
        match &event {
            Event::Purged { tenant, stores } => {
                self.purges.add(tenant, stores.clone(), at);
                if !is_ours {
                    self.listener.purged(tenant, stores.as_deref());
                }
            }
            Event::Revoked(revoked) if !is_ours => self.listener.revoked(std::slice::from_ref(revoked)),
            Event::Revoked(_) | Event::Begun => {}
        }
        if !is_ours {
            metrics::shared_event(kind(&event), "heard");
        }
    }
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Purged { .. } => "purge",
        Event::Revoked(_) => "revocation",
        Event::Begun => "beginning",
    }
}

async fn ping(connection: &mut Connection) -> RedisResult<()> {
    redis::cmd("PING").query_async(connection).await
}

async fn within<T>(time: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let too_slow = |_| (redis::ErrorKind::Io, "it did not answer in time").into();
    tokio::time::timeout(time, work).await.unwrap_or_else(|elapsed| Err(too_slow(elapsed)))
}
