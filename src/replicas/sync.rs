//! Synchronization of replicas over an open connection. Queued events are written to the journal, other replicas'
//! events are read and passed on, and after a disconnection both directions catch up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use redis::RedisResult;

use super::connection::RedisConnection;
use super::connection_supervisor::{COMMAND, ConnectionSupervisor, SupervisorState, within};
use super::journal::{JournalRange, Position, ReadEvent, ReplicaEvent, lost};
use super::outbox::QueuedEvent;
use super::refusal::is_full;
use crate::purge_list;
use crate::telemetry::metrics;

/// The most events that are sent between two readings.
const TOLD_AT_ONCE: usize = 100;

/// The number of sent events that are remembered. They are sent again to a server that lacks them because it lost its
/// memory or replaced another one.
const MOST_TOLD_AGAIN: usize = 1000;

/// The place at which reading begins.
struct ReadStart {
    /// Reading starts after this position.
    after: Position,
    /// The expected position of the first event from there on.
    first: Position,
}

impl ReadStart {
    /// Starts after an event that the journal contains.
    const fn behind(event: Position) -> Self {
        Self { after: event, first: event }
    }
}

impl ConnectionSupervisor {
    /// Receives and sends all events of the time without a connection.
    pub(super) async fn catch_up(
        &self,
        connection: &mut RedisConnection,
        memory: &mut SupervisorState,
    ) -> RedisResult<()> {
        within(COMMAND, self.journal.begin(connection, self.replicas.id)).await?;
        let ends = within(COMMAND, self.journal.ends(connection)).await?.ok_or_else(lost)?;
        let start = self.find_our_place(connection, ends, memory).await?;
        let after = start.after;
        let ours = self.read_from(connection, start).await?;
        self.put_what_is_missing(after, &ours, memory);
        self.send_queued(connection, memory).await?;
        self.read(connection).await?;
        self.fill_revoked(connection).await?;
        self.load_revoked(connection).await
    }

    /// Decides where to continue reading: after the last event that was read. If the journal lacks that event, it was
    /// trimmed, or it is another journal of a server that lost its memory or replaced another one. It is then read from
    /// its beginning, in each attempt until all of it was read.
    async fn find_our_place(
        &self,
        connection: &mut RedisConnection,
        ends: JournalRange,
        memory: &mut SupervisorState,
    ) -> RedisResult<ReadStart> {
        self.replicas.purges.know_from(ends.first);
        let read_to = self.replicas.purges.read_to();
        let from_the_beginning = ReadStart { after: Position::default(), first: ends.first };
        if read_to == Position::default() {
            return Ok(from_the_beginning);
        }
        let is_there = within(COMMAND, self.journal.has(connection, read_to)).await?;
        if is_there && !memory.reads_anew {
            return Ok(ReadStart::behind(read_to));
        }
        memory.reads_anew = true;
        if !is_there && read_to < ends.first && !ends.has_its_beginning {
            // Trimmed events are unknown. The events of a restarted journal are sent again by the replicas that sent
            // them.
            self.listener.missed_something();
            self.replicas.purges.have_read_to(ends.first);
        }
        Ok(from_the_beginning)
    }

    /// Queues all events again that this journal lacks: events that this replica sent and that are not among `ours`,
    /// which were read after this position, and events that others sent to another server in its last moments.
    fn put_what_is_missing(&self, after: Position, ours: &BTreeSet<Position>, memory: &mut SupervisorState) {
        let (end, is_another) = (self.replicas.purges.read_to(), std::mem::take(&mut memory.reads_anew));
        let sent = std::mem::take(&mut memory.sent);
        let (missing, there): (VecDeque<_>, _) =
            sent.into_iter().partition(|(at, _)| *at > after && !ours.contains(at));
        memory.sent = there;
        let forgotten = if is_another { self.replicas.purges.forget_behind(end) } else { BTreeMap::new() };
        let of_others = forgotten.into_iter().map(|(tenant, stores)| ReplicaEvent::Purged { tenant, stores });
        // Our own purges after the end are among those that were just removed.
        let is_one_of_those =
            |at: Position, event: &ReplicaEvent| at > end && matches!(event, ReplicaEvent::Purged { .. });
        let of_ours = missing.into_iter().filter(|(at, event)| !is_one_of_those(*at, event)).map(|(_, event)| event);
        of_others.chain(of_ours).for_each(|event| self.replicas.outbox.enqueue(event, &self.replicas.purges));
    }

    /// Sends queued events, up to a limit. Events for which a full server has no room stay queued.
    pub(super) async fn send_queued(
        &self,
        connection: &mut RedisConnection,
        memory: &mut SupervisorState,
    ) -> RedisResult<()> {
        for _ in 0..TOLD_AT_ONCE {
            let Some(QueuedEvent { number, event }) = self.replicas.outbox.next() else { return Ok(()) };
            let at = match self.write(connection, &event).await {
                Err(error) if is_full(&error) => {
                    if !std::mem::replace(&mut memory.is_known_to_be_full, true) {
                        tracing::warn!(%error, "Redis out of memory; events for other replicas wait until it has room");
                    }
                    return Ok(());
                }
                written => written?,
            };
            memory.is_known_to_be_full = false;
            if let ReplicaEvent::Purged { tenant, stores } = &event {
                self.replicas.purges.have_written(number, tenant, stores.clone(), at);
            }
            self.replicas.outbox.acknowledge(number);
            metrics::shared_events(kind(&event), "told").increment(1);
            memory.sent.push_back((at, event));
            if memory.sent.len() > MOST_TOLD_AGAIN {
                memory.sent.pop_front();
            }
        }
        self.replicas.outbox.fill();
        Ok(())
    }

    async fn write(&self, connection: &mut RedisConnection, event: &ReplicaEvent) -> RedisResult<Position> {
        if let ReplicaEvent::Revoked(revoked) = event {
            // The token is first added to the set, where replicas that start later find it, so that it is missing
            // nowhere.
            within(COMMAND, self.revoked.add(connection, std::slice::from_ref(revoked))).await?;
        }
        within(COMMAND, self.journal.write(connection, self.replicas.id, event)).await
    }

    /// Reads the events since the last reading.
    pub(super) async fn read(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        self.read_from(connection, ReadStart::behind(self.replicas.purges.read_to())).await.map(|_| ())
    }

    /// Reads all events from there on, and returns the positions of this replica's own events. The last event that was
    /// read must still be there when more is read; otherwise events in between may have been trimmed.
    async fn read_from(&self, connection: &mut RedisConnection, start: ReadStart) -> RedisResult<BTreeSet<Position>> {
        let (mut next, mut ours) = (start, BTreeSet::new());
        loop {
            let page = within(COMMAND, self.journal.read_after(connection, next.after)).await?;
            if page.first != Some(next.first) {
                return Err(lost());
            }
            ours.extend(page.events.iter().filter(|read| read.by == self.replicas.id).map(|read| read.at));
            if self.hear(page.events) {
                self.load_revoked(connection).await?;
            }
            self.replicas.purges.have_read_to(page.read_to);
            if page.is_all {
                return Ok(ours);
            }
            next = ReadStart::behind(page.read_to);
        }
    }

    /// Passes on the events of other replicas. Returns whether the revoked tokens in Redis must be read.
    fn hear(&self, events: Vec<ReadEvent>) -> bool {
        let mut purged = BTreeMap::new();
        let mut has_dead_tokens = false;
        for ReadEvent { at, by, event } in events {
            if by != self.replicas.id {
                metrics::shared_events(kind(&event), "heard").increment(1);
            }
            match event {
                ReplicaEvent::Purged { tenant, stores } => {
                    let is_new = self.replicas.purges.add(&tenant, stores.clone(), at);
                    if is_new && by != self.replicas.id {
                        purge_list::add_to(&mut purged, &tenant, stores);
                    }
                }
                ReplicaEvent::Revoked(revoked) if by != self.replicas.id => self.listener.revoked(&[revoked]),
                ReplicaEvent::ReadRevoked if by != self.replicas.id => has_dead_tokens = true,
                ReplicaEvent::Revoked(_) | ReplicaEvent::ReadRevoked | ReplicaEvent::Begun => {}
            }
        }
        purged.iter().for_each(|(tenant, stores)| self.listener.purged(tenant, stores.as_deref()));
        has_dead_tokens
    }

    /// Adds all revoked tokens that this replica knows to the set in Redis, as far as there is room. If some were
    /// missing, it tells the other replicas to read the set again, since they may have read it in between.
    async fn fill_revoked(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        match self.revoked.add(connection, &self.listener.known_revoked()).await {
            Ok(0) => Ok(()),
            Err(error) if is_full(&error) => Ok(()),
            Ok(_) => {
                self.replicas.outbox.enqueue(ReplicaEvent::ReadRevoked, &self.replicas.purges);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn load_revoked(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        let all = self.revoked.all(connection, self.replicas.clock.now().as_second()).await?;
        self.listener.revoked(&all);
        Ok(())
    }

    /// Revoked tokens in Redis may be lost, by the server itself or by an operator, while the connection stays up.
    pub(super) async fn look_whether_all_are_there(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        if within(COMMAND, self.revoked.count(connection)).await? < self.listener.count_revoked() {
            self.fill_revoked(connection).await?;
        }
        Ok(())
    }
}

const fn kind(event: &ReplicaEvent) -> &'static str {
    match event {
        ReplicaEvent::Purged { .. } => "purge",
        ReplicaEvent::Revoked(_) => "revocation",
        ReplicaEvent::ReadRevoked => "dead_tokens",
        ReplicaEvent::Begun => "beginning",
    }
}
