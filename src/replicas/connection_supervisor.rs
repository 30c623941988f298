//! A thread of its own that opens the link, brings it back when it breaks, and keeps the journal read and written while it
//! holds. Requests use the link only after all that happened meanwhile is known.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use tokio::sync::Notify;

use super::connection::{OPENING, RedisConnection};
use super::journal::{Journal, Position, ReplicaEvent, ReplicaId, RevokedToken};
use super::link::RedisLink;
use super::outbox::Outbox;
use super::purges::Purges;
use super::quota::SharedQuotas;
use super::refusal::breaks_the_link;
use super::revoked::RevokedSet;
use super::settings::RedisSettings;
use crate::clock::Clock;

/// How often the journal is read. What one replica tells is known to all after this and a round trip.
const READING: Duration = Duration::from_millis(200);

// A purge and a token that was given back are known to all replicas within a second.
const _: () = assert!(READING.as_millis() * 2 < 1_000);

/// A command of the connection supervisor that takes longer shows that the link is of no use.
pub(super) const COMMAND: Duration = Duration::from_millis(500);

/// How long the first steps on a new connection may take: all that happened meanwhile is read.
const CATCHING_UP: Duration = Duration::from_secs(20);

/// The pause before a link is tried again.
const BEFORE_NEXT: Duration = Duration::from_millis(500);

/// Every so many readings it is looked whether Redis still has all dead tokens.
const READINGS_BEFORE_A_LOOK: u32 = 10;

/// After so many readings in a row that took longer than a request waits, requests wait in vain.
const LATE_READINGS: u32 = 5;

/// Whoever must know what other replicas tell.
pub trait EventReceiver: Send + Sync + 'static {
    /// A company's answers about these stores were dropped, or all of them.
    fn purged(&self, tenant: &str, stores: Option<&[String]>);

    /// All companies' answers are to be dropped: what happened meanwhile cannot be known.
    fn missed_something(&self);

    /// Tokens were given back.
    fn revoked(&self, tokens: &[RevokedToken]);

    /// All tokens that this replica knows to be given back.
    fn known_revoked(&self) -> Vec<RevokedToken>;

    /// How many they are.
    fn count_revoked(&self) -> usize;
}

/// What the thread works with.
pub(super) struct ConnectionSupervisor {
    pub(super) settings: RedisSettings,
    pub(super) id: ReplicaId,
    pub(super) link: RedisLink,
    pub(super) journal: Journal,
    pub(super) revoked: RevokedSet,
    pub(super) purges: Arc<Purges>,
    pub(super) quotas: SharedQuotas,
    pub(super) outbox: Outbox,
    pub(super) listener: Arc<dyn EventReceiver>,
    pub(super) clock: Clock,
    pub(super) stopped: Arc<Notify>,
}

/// What this thread remembers from one connection to the next.
#[derive(Default)]
pub(super) struct SupervisorState {
    /// What was told, and where it stands in the journal.
    pub(super) told: VecDeque<(Position, ReplicaEvent)>,
    /// Whether the journal is being read from its beginning, because it is another one than before.
    pub(super) reads_anew: bool,
    is_known_to_be_down: bool,
    pub(super) is_known_to_be_full: bool,
}

/// Takes the link down in the end.
struct ConnectedGuard<'a>(&'a RedisLink);

impl Drop for ConnectedGuard<'_> {
    fn drop(&mut self) {
        self.0.take_down();
    }
}

impl ConnectionSupervisor {
    /// Keeps the link up until the process shares nothing any more.
    pub(super) async fn run(&self, memory: &mut SupervisorState) {
        // Also when it panics: requests must not use a connection that nobody drives any more.
        let _up = ConnectedGuard(&self.link);
        tokio::select! {
            () = self.stopped.notified() => {}
            () = self.maintain_connection(memory) => {}
        }
        // What was told in the last moment is not to be lost with this process.
        if let (Some(mut connection), false) = (self.link.connection(), self.outbox.is_empty()) {
            let _told = within(COMMAND, self.send_queued(&mut connection, memory)).await;
        }
    }

    async fn maintain_connection(&self, memory: &mut SupervisorState) {
        loop {
            match self.live_once(memory).await {
                // Who has given it up has said why.
                Ok(()) => {}
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
    async fn live_once(&self, memory: &mut SupervisorState) -> RedisResult<()> {
        let mut connection = within(OPENING * 2, RedisConnection::open(&self.settings)).await?;
        within(CATCHING_UP, self.catch_up(&mut connection, memory)).await?;
        self.try_for_requests(&mut connection).await?;
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
            self.send_queued(&mut connection, memory).await?;
            let started = self.clock.elapsed();
            self.read(&mut connection).await?;
            let took = self.clock.elapsed().saturating_sub(started);
            late = if took > self.link.of_an_operation() { late + 1 } else { 0 };
            if late >= LATE_READINGS {
                return Err((redis::ErrorKind::Io, "it answers too slowly for requests").into());
            }
            self.quotas.give_back(&mut connection).await?;
            readings = readings.wrapping_add(1);
            if readings.is_multiple_of(READINGS_BEFORE_A_LOOK) {
                self.look_whether_all_are_there(&mut connection).await?;
            }
        }
    }

    /// A server that answers too slowly for requests, or that may only be read, is as good as none. Of one that is full
    /// something may be had yet.
    async fn try_for_requests(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        let mut write = redis::cmd("SET");
        // Of a cluster's nodes the one that has the journal. All keys begin with the prefix: a user may have no others.
        write.arg(format!("{}:link:{{{}}}", self.settings.prefix, self.journal.key())).arg("tried").arg("PX").arg(1000);
        match within(self.link.of_an_operation(), write.query_async::<()>(connection)).await {
            Err(error) if breaks_the_link(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

pub(super) async fn within<T>(time: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let too_slow = |_| (redis::ErrorKind::Io, "it did not answer in time").into();
    tokio::time::timeout(time, work).await.unwrap_or_else(|elapsed| Err(too_slow(elapsed)))
}
