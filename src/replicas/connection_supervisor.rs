//! The connection supervisor: a thread that opens the connection to Redis, reopens it after a failure, and reads and
//! writes the journal while it is up. Requests use the connection only after this replica knows all that happened
//! meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;

use super::Replicas;
use super::connection::{OPENING, RedisConnection};
use super::journal::{Journal, Position, ReplicaEvent, RevokedToken};
use super::link::RedisLink;
use super::refusal::breaks_the_link;
use super::revoked::RevokedSet;

/// The interval between readings of the journal. An event reaches all replicas after this time and a round trip.
const READING: Duration = Duration::from_millis(200);

// Purges and revoked tokens reach all replicas within a second.
const _: () = assert!(READING.as_millis() * 2 < 1_000);

/// The longest time for a command of the connection supervisor. A slower connection is useless.
pub(super) const COMMAND: Duration = Duration::from_millis(500);

/// The longest time for the first steps on a new connection, which read all that happened meanwhile.
const CATCHING_UP: Duration = Duration::from_secs(20);

/// The pause before the next attempt to connect.
const BEFORE_NEXT: Duration = Duration::from_millis(500);

/// Every so many readings the supervisor checks whether Redis still has all revoked tokens.
const READINGS_BEFORE_A_LOOK: u32 = 10;

/// After so many consecutive readings that took longer than a request waits, the connection counts as too slow.
const LATE_READINGS: u32 = 5;

/// Receives what other replicas report.
pub trait EventReceiver: Send + Sync + 'static {
    /// Removes a tenant's responses about these stores, or all of them.
    fn purged(&self, tenant: &str, stores: Option<&[String]>);

    /// Removes all tenants' responses, because the events of the meantime cannot be known.
    fn missed_something(&self);

    /// Records revoked tokens.
    fn revoked(&self, tokens: &[RevokedToken]);

    /// Returns all revoked tokens that this replica knows.
    fn known_revoked(&self) -> Vec<RevokedToken>;

    /// Returns the number of revoked tokens that this replica knows.
    fn count_revoked(&self) -> usize;
}

/// The connection supervisor and what it works with.
pub(super) struct ConnectionSupervisor {
    pub(super) replicas: Replicas,
    pub(super) journal: Journal,
    pub(super) revoked: RevokedSet,
    pub(super) listener: Arc<dyn EventReceiver>,
}

/// What the supervisor remembers from one connection to the next.
#[derive(Default)]
pub(super) struct SupervisorState {
    /// Events that were sent, with their positions in the journal.
    pub(super) sent: VecDeque<(Position, ReplicaEvent)>,
    /// Whether the journal is being read from its beginning, because it is another journal than before.
    pub(super) reads_anew: bool,
    is_known_to_be_down: bool,
    pub(super) is_known_to_be_full: bool,
}

/// Takes the connection down when dropped.
struct ConnectedGuard<'a>(&'a RedisLink);

impl Drop for ConnectedGuard<'_> {
    fn drop(&mut self) {
        self.0.take_down();
    }
}

impl ConnectionSupervisor {
    /// Keeps the connection up until the process stops sharing.
    pub(super) async fn run(&self, memory: &mut SupervisorState) {
        // The guard also works on a panic: requests must not use a connection that nobody drives any more.
        let _up = ConnectedGuard(&self.replicas.link);
        tokio::select! {
            () = self.replicas.stopped.notified() => {}
            () = self.maintain_connection(memory) => {}
        }
        // Events of the last moment must not be lost with this process.
        if let (Some(mut connection), false) = (self.replicas.link.connection(), self.replicas.outbox.is_empty()) {
            let _sent = within(COMMAND, self.send_queued(&mut connection, memory)).await;
        }
    }

    async fn maintain_connection(&self, memory: &mut SupervisorState) {
        loop {
            match self.live_once(memory).await {
                // The request that gave the connection up has logged the reason.
                Ok(()) => {}
                Err(error) if !memory.is_known_to_be_down => {
                    // The library's messages contain no password.
                    tracing::warn!(%error, "Redis unavailable; requests continue without it until it is back");
                }
                Err(error) => tracing::debug!(%error, "Redis still unavailable"),
            }
            memory.is_known_to_be_down = true;
            self.replicas.link.take_down();
            tokio::time::sleep(BEFORE_NEXT).await;
        }
    }

    /// Runs one connection from its opening to its end, by an error or because a request gave it up.
    async fn live_once(&self, memory: &mut SupervisorState) -> RedisResult<()> {
        let mut connection = within(OPENING * 2, RedisConnection::open(&self.replicas.settings)).await?;
        within(CATCHING_UP, self.catch_up(&mut connection, memory)).await?;
        self.try_for_requests(&mut connection).await?;
        self.replicas.link.put_up(connection.clone());
        tracing::info!(again = memory.is_known_to_be_down, "Redis available; replicas share their state");
        memory.is_known_to_be_down = false;
        let (mut readings, mut late) = (0_u32, 0_u32);
        loop {
            tokio::select! {
                () = self.replicas.link.given_up() => return Ok(()),
                () = self.replicas.outbox.filled() => {}
                () = tokio::time::sleep(READING) => {}
            }
            self.send_queued(&mut connection, memory).await?;
            let started = self.replicas.clock.elapsed();
            self.read(&mut connection).await?;
            let took = self.replicas.clock.elapsed().saturating_sub(started);
            late = if took > self.replicas.link.of_an_operation() { late + 1 } else { 0 };
            if late >= LATE_READINGS {
                return Err((redis::ErrorKind::Io, "it answers too slowly for requests").into());
            }
            self.replicas.quotas.give_back(&mut connection).await?;
            readings = readings.wrapping_add(1);
            if readings.is_multiple_of(READINGS_BEFORE_A_LOOK) {
                self.look_whether_all_are_there(&mut connection).await?;
            }
        }
    }

    /// Checks that the server accepts writes within the time of a request. A server that answers too slowly or is
    /// read-only counts as unavailable. A full server is still useful for reads.
    async fn try_for_requests(&self, connection: &mut RedisConnection) -> RedisResult<()> {
        let mut write = redis::cmd("SET");
        // In a cluster this key is on the node that has the journal. All keys begin with the prefix, since an ACL may
        // allow no others.
        write
            .arg(format!("{}:link:{{{}}}", self.replicas.settings.prefix, self.journal.key))
            .arg("tried")
            .arg("PX")
            .arg(1000);
        match within(self.replicas.link.of_an_operation(), write.query_async::<()>(connection)).await {
            Err(error) if breaks_the_link(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

pub(super) async fn within<T>(time: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let too_slow = |_| (redis::ErrorKind::Io, "it did not answer in time").into();
    tokio::time::timeout(time, work).await.unwrap_or_else(|elapsed| Err(too_slow(elapsed)))
}
