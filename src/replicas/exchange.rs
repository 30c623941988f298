//! What replicas tell each other over a link that is up: what waits is written to the journal, what others wrote is read and
//! passed on, and after a break both make up for what was missed.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{RedisError, RedisResult};

use super::connection::Connection;
use super::journal::{Ends, Event, Page, Position, Read};
use super::outbox::Waiting;
use super::upkeep::{COMMAND, Memory, Upkeep, within};
use crate::telemetry::metrics;

/// Events that are told between two readings.
const TOLD_AT_ONCE: usize = 100;

/// So many of the events that were told are remembered, to be told again to a server that does not have them: one that lost
/// its memory, or that took another's place.
const MOST_TOLD_AGAIN: usize = 1000;

/// Where two servers were written to for a while, one of them had events that this replica has not read, before those that it
/// has. So much is read again after a break, besides the time that it took.
const READ_AGAIN: Duration = Duration::from_secs(60);

impl Upkeep {
    /// Learns and tells all that happened while there was no link.
    pub(super) async fn catch_up(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
        self.journal.begin(connection, self.id).await?;
        if let Some(ends) = self.journal.ends(connection).await? {
            self.find_our_place(ends, memory);
            self.tell_again(connection, ends, memory).await?;
        }
        self.tell_waiting(connection, memory).await?;
        // Where reading begins there need be no event.
        self.read_from(connection, memory, |_| true).await?;
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
    pub(super) async fn tell_waiting(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
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

    /// Reads what was told since the last time, of a journal that still has what was read last.
    pub(super) async fn read(&self, connection: &mut Connection, memory: &mut Memory) -> RedisResult<()> {
        self.read_from(connection, memory, |page| page.follows).await
    }

    async fn read_from(
        &self,
        connection: &mut Connection,
        memory: &mut Memory,
        is_right: impl Fn(&Page) -> bool,
    ) -> RedisResult<()> {
        loop {
            let before = self.purges.read_to();
            let page = within(COMMAND, self.journal.read_after(connection, before)).await?;
            if !is_right(&page) {
                return Err(lost());
            }
            if self.hear(page.events) {
                self.learn_revoked(connection).await?;
            }
            self.purges.have_read_to(page.read_to);
            if page.is_all {
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

    /// A server may lose dead tokens, by itself or by somebody's hand, while the link stays up.
    pub(super) async fn look_whether_all_are_there(&self, connection: &mut Connection) -> RedisResult<()> {
        if within(COMMAND, self.revoked.count(connection)).await? < self.listener.count_revoked() {
            self.fill_revoked(connection).await?;
        }
        Ok(())
    }
}

fn lost() -> RedisError {
    (redis::ErrorKind::UnexpectedReturnType, "it has lost the journal").into()
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Purged { .. } => "purge",
        Event::Revoked(_) => "revocation",
        Event::ReadRevoked => "dead_tokens",
        Event::Begun => "beginning",
    }
}
