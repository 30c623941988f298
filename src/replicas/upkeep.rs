//! A thread of its own that opens the link, brings it back when it breaks, and reads and writes the journal. Requests use
//! the link only after all that happened meanwhile is known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use tokio::sync::Notify;

use super::connection::{Connection, OPENING};
use super::journal::{Ends, Event, Journal, Position, Read, ReplicaId, Revoked};
use super::link::Link;
use super::outbox::{Outbox, Waiting};
use super::purges::Purges;
use super::quota::SharedQuotas;
use super::revoked::RevokedSet;
use super::settings::RedisSettings;
use crate::clock::Clock;
use crate::telemetry::metrics;

/// How often the journal is read. What one replica tells is known to all after this and a round trip.
const READING: Duration = Duration::from_millis(200);

/// A command of the upkeep that takes longer shows that the link is of no use.
const COMMAND: Duration = Duration::from_millis(500);

/// How long the first steps on a new connection may take: all that happened meanwhile is read.
const CATCHING_UP: Duration = Duration::from_secs(20);

/// The pause before a link is tried again.
const BEFORE_NEXT: Duration = Duration::from_millis(500);

/// Every so many readings it is looked whether Redis still has the journal and all dead tokens.
const READINGS_BEFORE_A_LOOK: u32 = 10;

/// After so many readings in a row that took longer than a request waits, requests wait in vain.
const LATE_READINGS: u32 = 5;

/// Events that are told between two readings.
const TOLD_AT_ONCE: usize = 100;

/// So many of the events that were told are remembered, to be told again to a server that does not have them: one that lost
/// its memory, or that took another's place.
const MOST_TOLD_AGAIN: usize = 1000;

/// Where two servers were written to for a while, one of them had events that this replica has not read, before those that it
/// has. So much is read again after a break, besides the time that it took.
const READ_AGAIN: Duration = Duration::from_secs(60);

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

    /// How many they are.
    fn count_revoked(&self) -> usize;
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

/// What this thread remembers from one connection to the next.
#[derive(Default)]
struct Memory {
    told: VecDeque<(Position, Event)>,
    is_known_to_be_down: bool,
    /// When the journal was last read.
    last_read: Option<Duration>,
}

impl Upkeep {
    /// Keeps the link up until the process shares nothing any more.
    pub(super) async fn run(self) {
        let mut memory = Memory::default();
        let stopped = self.stopped.clone();
        tokio::select! {
            () = stopped.notified() => {}
            () = self.keep_up(&mut memory) => {}
        }
        // What was told in the last moment is not to be lost with this process.
        if let (Some(mut connection), false) = (self.link.connection(), self.outbox.is_empty()) {
            let _told = within(COMMAND, self.tell_waiting(&mut connection, &mut memory)).await;
        }
        self.link.take_down();
    }

    async fn keep_up(&self, memory: &mut Memory) {
        loop {
            match self.live_once(memory).await {
                Ok(()) => tracing::warn!("Redis did not answer a request in time; going on without until it does"),
                Err(error) if !memory.is_known_to_be_down => {
                    // The library's messages hold no password.
                    tracing::warn!(%error, "Redis is not to be had; going on without until it is");
                }
                Err(error) => tracing::debug!(%error, "Redis is still not to be had"),
            }
            memory.is_known_to_be_down = true;
            self.link.take_down();
            tokio::time::sleep(BEFORE_NEXT).await;
        }
    }

    /// From a new connection to its end: because of an error, or because a request has given it up.
    async fn live_once(&self, memory: &mut Memory) -> RedisResult<()> {
        let mut connection = within(OPENING * 2, Connection::open(&self.settings)).await?;
        within(CATCHING_UP, self.catch_up(&mut connection, memory)).await?;
        // A server that answers, but too slowly for requests, is as good as none.
        within(self.link.of_an_operation(), self.journal.ends(&mut connection)).await?;
        self.link.put_up(connection.clone());
        tracing::info!(again = memory.is_known_to_be_down, "what replicas share is in use");
        memory.is_known_to_be_down = false;
        let (mut readings, mut late) = (0_u32, 0_u32);
        loop {
            tokio::select! {
                () = self.link.given_up() => return Ok(()),
                () = self.outbox.filled() => {}
                () = tokio::time::sleep(READING) => {}
            }
            self.tell_waiting(&mut connection, memory).await?;
            let started = self.clock.elapsed();
            self.read(&mut connection, memory).await?;
            let took = self.clock.elapsed().saturating_sub(started);
            late = if took > self.link.of_an_operation() { late + 1 } else { 0 };
            if late >= LATE_READINGS {
                return Err((redis::ErrorKind::Io, "it answers too slowly for requests").into());
            }
            within(COMMAND, self.quotas.give_back(&mut connection)).await?;
            readings = readings.wrapping_add(1);
            if readings.is_multiple_of(READINGS_BEFORE_A_LOOK) {
                self.look_whether_all_is_there(&mut connection).await?;
            }
        }
    }

    /// Learns and tells all that happened while there was no link.
    async fn catch_up(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
        self.journal.begin(connection, self.id).await?;
        if let Some(ends) = self.journal.ends(connection).await? {
            self.find_our_place(ends, memory);
            self.tell_again(connection, ends, memory).await?;
        }
        self.tell_waiting(connection, memory).await?;
        self.read(connection, memory).await?;
        self.fill_revoked(connection).await?;
        self.learn_revoked(connection).await
    }

    /// Where to go on reading, and from where on the journal tells all.
    fn find_our_place(&self, ends: Ends, memory: &Memory) {
        let read_to = self.purges.read_to();
        let now = self.clock.elapsed();
        if let Some(last_read) = memory.last_read {
            // One that has lost its beginning since we read it has lost what we do not know. Of one that was begun anew,
            // whoever told something tells it again.
            if ends.first > read_to && !ends.has_its_beginning {
                self.listener.missed_something();
            }
            let again = now.saturating_sub(last_read).saturating_add(READ_AGAIN);
            let is_another = ends.first > read_to || ends.last < read_to;
            self.purges.have_read_to(if is_another { Position::default() } else { read_to.earlier(again) });
        }
        self.purges.know_from(ends.first);
    }

    /// Tells what this replica has told before, and what this journal does not have.
    async fn tell_again(&self, connection: &mut Connection, ends: Ends, memory: &mut Memory) -> RedisResult<()> {
        for (at, event) in &mut memory.told {
            let is_there = ends.first <= *at && *at <= ends.last;
            let is_cut_off = *at < ends.first && !ends.has_its_beginning;
            if !is_there && !is_cut_off {
                *at = within(COMMAND, self.journal.write(connection, self.id, event)).await?;
            }
        }
        Ok(())
    }

    /// Tells what waits, up to so many events.
    async fn tell_waiting(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
        for _ in 0..TOLD_AT_ONCE {
            let Some(Waiting { number, event }) = self.outbox.next() else { return Ok(()) };
            if let Event::Revoked(revoked) = &event {
                // First where late comers find it, so that it is nowhere missing.
                within(COMMAND, self.revoked.add(connection, std::slice::from_ref(revoked))).await?;
            }
            let at = within(COMMAND, self.journal.write(connection, self.id, &event)).await?;
            if let Event::Purged { tenant, stores } = &event {
                self.purges.have_written(number, tenant, stores.clone(), at);
            }
            self.outbox.told(number);
            metrics::shared_event(kind(&event), "told");
            memory.told.push_back((at, event));
            if memory.told.len() > MOST_TOLD_AGAIN {
                memory.told.pop_front();
            }
        }
        self.outbox.fill();
        Ok(())
    }

    /// Reads what was told since the last time.
    async fn read(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
        loop {
            let before = self.purges.read_to();
            let (events, read_to, is_all) = within(COMMAND, self.journal.read_after(connection, before)).await?;
            if self.hear(events) {
                self.learn_revoked(connection).await?;
            }
            self.purges.have_read_to(read_to);
            if is_all {
                memory.last_read = Some(self.clock.elapsed());
                return Ok(());
            }
        }
    }

    /// Passes on what others have told; gives whether the dead tokens at Redis are to be read.
    fn hear(&self, events: Vec<Read>) -> bool {
        // Looking for a company's answers takes as long for one store as for many.
        let mut purged = BTreeMap::<String, Option<Vec<String>>>::new();
        let mut has_dead_tokens = false;
        for Read { at, by, event } in events {
            if by != self.id {
                metrics::shared_event(kind(&event), "heard");
            }
            match event {
                Event::Purged { tenant, stores } => {
                    let is_new = self.purges.add(&tenant, stores.clone(), at);
                    if is_new && by != self.id {
                        let all = purged.entry(tenant).or_insert_with(|| Some(Vec::new()));
                        *all = all.take().zip(stores).map(|(all, stores)| [all, stores].concat());
                    }
                }
                Event::Revoked(revoked) if by != self.id => self.listener.revoked(&[revoked]),
                Event::ReadRevoked if by != self.id => has_dead_tokens = true,
                Event::Revoked(_) | Event::ReadRevoked | Event::Begun => {}
            }
        }
        purged.iter().for_each(|(tenant, stores)| self.listener.purged(tenant, stores.as_deref()));
        has_dead_tokens
    }

    /// Puts all that are known here where late comers find them, and tells the others to look if some were missing there:
    /// they may have read them in between.
    async fn fill_revoked(&self, connection: &mut Connection) -> RedisResult<()> {
        let added = self.revoked.add(connection, &self.listener.known_revoked()).await?;
        if added > 0 {
            within(COMMAND, self.journal.write(connection, self.id, &Event::ReadRevoked)).await?;
        }
        Ok(())
    }

    async fn learn_revoked(&self, connection: &mut Connection) -> RedisResult<()> {
        let all = self.revoked.all(connection, self.clock.now().as_second()).await?;
        self.listener.revoked(&all);
        Ok(())
    }

    /// A server may lose a part of what it holds, by itself or by somebody's hand, while the link stays up.
    async fn look_whether_all_is_there(&self, connection: &mut Connection) -> RedisResult<()> {
        let read_to = self.purges.read_to();
        let ends = within(COMMAND, self.journal.ends(connection)).await?;
        if ends.is_none_or(|ends| ends.first > read_to || ends.last < read_to) {
            return Err((redis::ErrorKind::UnexpectedReturnType, "it has lost the journal").into());
        }
        if within(COMMAND, self.revoked.count(connection)).await? < self.listener.count_revoked() {
            self.fill_revoked(connection).await?;
        }
        Ok(())
    }
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Purged { .. } => "purge",
        Event::Revoked(_) => "revocation",
        Event::ReadRevoked => "dead_tokens",
        Event::Begun => "beginning",
    }
}

async fn within<T>(time: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let too_slow = |_| (redis::ErrorKind::Io, "it did not answer in time").into();
    tokio::time::timeout(time, work).await.unwrap_or_else(|elapsed| Err(too_slow(elapsed)))
}
