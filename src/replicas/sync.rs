//! What replicas tell each other over a link that is up: what waits is written to the journal, what others wrote is read and
//! passed on, and after a break both make up for what was missed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use redis::RedisResult;

use super::connection::RedisConnection;
use super::connection_supervisor::{COMMAND, ConnectionSupervisor, SupervisorState, within};
use super::journal::{JournalRange, Position, ReadEvent, ReplicaEvent, lost};
use super::outbox::QueuedEvent;
use super::refusal::is_full;
use crate::purge_list;
use crate::telemetry::metrics;

/// Events that are told between two readings.
const TOLD_AT_ONCE: usize = 100;

/// So many of the events that were told are remembered, to be told again to a server that does not have them: one that lost
/// its memory, or that took another's place.
const MOST_TOLD_AGAIN: usize = 1000;

/// Where reading begins.
struct ReadStart {
    /// Behind this place.
    after: Position,
    /// Where the first event stands, from there on.
    first: Position,
}

impl ReadStart {
    /// Behind an event that stands in the journal.
    const fn behind(event: Position) -> Self {
        Self { after: event, first: event }
    }
}

impl ConnectionSupervisor {
    /// Learns and tells all that happened while there was no link.
    pub(super) async fn catch_up(
        &self,
        connection: &mut RedisConnection,
        memory: &mut SupervisorState,
    ) -> RedisResult<()> {
        within(COMMAND, self.journal.begin(connection, self.id)).await?;
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

    /// Where to go on reading: behind what was read last. A journal that does not have it is another one, of a server that
    /// lost its memory or took another's place, or it was cut off: it is read from its beginning, in each attempt until all
    /// of it was read.
    async fn find_our_place(
        &self,
        connection: &mut RedisConnection,
        ends: JournalRange,
        memory: &mut SupervisorState,
    ) -> RedisResult<ReadStart> {
        self.purges.know_from(ends.first);
        let read_to = self.purges.read_to();
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
            // What was cut off nobody knows. Of a journal that was begun anew, whoever told something tells it again.
            self.listener.missed_something();
            self.purges.have_read_to(ends.first);
        }
        Ok(from_the_beginning)
    }

    /// Has all told again that this journal does not have: what we told, as far as it is not among `ours` that were read in it
    /// behind this place, and what others told another server in its last moments.
    fn put_what_is_missing(&self, after: Position, ours: &BTreeSet<Position>, memory: &mut SupervisorState) {
        let (end, is_another) = (self.purges.read_to(), std::mem::take(&mut memory.reads_anew));
        let told = std::mem::take(&mut memory.told);
        let (missing, there): (VecDeque<_>, _) =
            told.into_iter().partition(|(at, _)| *at > after && !ours.contains(at));
        memory.told = there;
        let forgotten = if is_another { self.purges.forget_behind(end) } else { BTreeMap::new() };
        let of_others = forgotten.into_iter().map(|(tenant, stores)| ReplicaEvent::Purged { tenant, stores });
        // Our own purges from behind the end are among those that were just forgotten.
        let is_one_of_those =
            |at: Position, event: &ReplicaEvent| at > end && matches!(event, ReplicaEvent::Purged { .. });
        let of_ours = missing.into_iter().filter(|(at, event)| !is_one_of_those(*at, event)).map(|(_, event)| event);
        of_others.chain(of_ours).for_each(|event| self.outbox.enqueue(event, &self.purges));
    }

    /// Tells what waits, up to so many events. What a full server has no room for waits on.
    pub(super) async fn send_queued(
        &self,
        connection: &mut RedisConnection,
        memory: &mut SupervisorState,
    ) -> RedisResult<()> {
        for _ in 0..TOLD_AT_ONCE {
            let Some(QueuedEvent { number, event }) = self.outbox.next() else { return Ok(()) };
            let at = match self.write(connection, &event).await {
                Err(error) if is_full(&error) => {
                    if !std::mem::replace(&mut memory.is_known_to_be_full, true) {
                        tracing::warn!(%error, "Redis is full; what other replicas are to be told waits until it has room");
                    }
                    return Ok(());
                }
                written => written?,
            };
            memory.is_known_to_be_full = false;
            if let ReplicaEvent::Purged { tenant, stores } = &event {
                self.purges.have_written(number, tenant, stores.clone(), at);
            }
            self.outbox.acknowledge(number);
            metrics::shared_event(kind(&event), "told");
            memory.told.push_back((at, event));
            if memory.told.len() > MOST_TOLD_AGAIN {
                memory.told.pop_front();
            }
        }
        self.outbox.fill();
        Ok(())
    }

    async fn write(&self, connection: &mut RedisConnection, event: &ReplicaEvent) -> RedisResult<Position> {
        if let ReplicaEvent::Revoked(revoked) = event {
            // First where late comers find it, so that it is nowhere missing.
            within(COMMAND, self.revoked.add(connection, std::slice::from_ref(revoked))).await?;
        }
        within(COMMAND, self.journal.write(connection, self.id, event)).await
    }

    /// Reads what was told since the last time.
    pub(super) async fn read(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        self.read_from(connection, ReadStart::behind(self.purges.read_to())).await.map(|_| ())
    }

    /// Reads all from there on, and gives where our own events stand. What was read last must always be there when more is
    /// read: else something in between may have been cut off.
    async fn read_from(&self, connection: &mut RedisConnection, start: ReadStart) -> RedisResult<BTreeSet<Position>> {
        let (mut next, mut ours) = (start, BTreeSet::new());
        loop {
            let page = within(COMMAND, self.journal.read_after(connection, next.after)).await?;
            if page.first != Some(next.first) {
                return Err(lost());
            }
            ours.extend(page.events.iter().filter(|read| read.by == self.id).map(|read| read.at));
            if self.hear(page.events) {
                self.load_revoked(connection).await?;
            }
            self.purges.have_read_to(page.read_to);
            if page.is_all {
                return Ok(ours);
            }
            next = ReadStart::behind(page.read_to);
        }
    }

    /// Passes on what others have told; gives whether the dead tokens at Redis are to be read.
    fn hear(&self, events: Vec<ReadEvent>) -> bool {
        let mut purged = BTreeMap::new();
        let mut has_dead_tokens = false;
        for ReadEvent { at, by, event } in events {
            if by != self.id {
                metrics::shared_event(kind(&event), "heard");
            }
            match event {
                ReplicaEvent::Purged { tenant, stores } => {
                    let is_new = self.purges.add(&tenant, stores.clone(), at);
                    if is_new && by != self.id {
                        purge_list::add_to(&mut purged, &tenant, stores);
                    }
                }
                ReplicaEvent::Revoked(revoked) if by != self.id => self.listener.revoked(&[revoked]),
                ReplicaEvent::ReadRevoked if by != self.id => has_dead_tokens = true,
                ReplicaEvent::Revoked(_) | ReplicaEvent::ReadRevoked | ReplicaEvent::Begun => {}
            }
        }
        purged.iter().for_each(|(tenant, stores)| self.listener.purged(tenant, stores.as_deref()));
        has_dead_tokens
    }

    /// Puts all that are known here where late comers find them, as far as there is room, and tells the others to look if some
    /// were missing there: they may have read them in between.
    async fn fill_revoked(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        match self.revoked.add(connection, &self.listener.known_revoked()).await {
            Ok(0) => Ok(()),
            Err(error) if is_full(&error) => Ok(()),
            Ok(_) => {
                self.outbox.enqueue(ReplicaEvent::ReadRevoked, &self.purges);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn load_revoked(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        let all = self.revoked.all(connection, self.clock.now().as_second()).await?;
        self.listener.revoked(&all);
        Ok(())
    }

    /// A server may lose dead tokens, by itself or by somebody's hand, while the link stays up.
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
