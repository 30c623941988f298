//! State that the replicas of the service share through Redis or Valkey: cached responses and the leases to fetch them,
//! purges, revoked tokens, and quotas.
//!
//! Redis is optional. While it is down, hangs, is slow or holds invalid data, each replica continues as if it were
//! alone, and a request loses at most `redis.timeout` once.

pub mod answers;
mod bounded;
pub mod connection;
pub mod connection_probe;
pub mod connection_supervisor;
pub mod journal;
pub mod lease;
mod link;
mod node;
pub mod outbox;
pub mod purges;
pub mod quota;
mod refusal;
pub mod revoked;
pub mod settings;
mod sync;

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::supervisor::{SupervisedThread, Supervisor};

use answers::SharedAnswers;
use connection_supervisor::{ConnectionSupervisor, EventReceiver, SupervisorState};
use journal::{Journal, ReplicaEvent, ReplicaId};
use link::RedisLink;
use outbox::Outbox;
use purges::Purges;
use quota::SharedQuotas;
use revoked::RevokedSet;
use settings::RedisSettings;

/// What this replica shares with the others. Clones share the connection.
#[derive(Clone)]
pub struct Replicas {
    settings: RedisSettings,
    id: ReplicaId,
    link: RedisLink,
    purges: Arc<Purges>,
    outbox: Outbox,
    clock: Clock,
    stopped: Arc<Notify>,
    /// The shared quotas.
    pub quotas: SharedQuotas,
}

/// The thread of the connection supervisor. Dropping it ends the thread after the queued events are sent.
pub struct ReplicasThread {
    stopped: Arc<Notify>,
    thread: Option<SupervisedThread>,
}

impl Drop for ReplicasThread {
    fn drop(&mut self) {
        self.stopped.notify_one();
        // The thread ends within a moment.
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Replicas").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Replicas {
    /// Creates the shared state. It shares nothing until [`Self::start`].
    pub fn new(settings: RedisSettings, clock: Clock) -> Self {
        let link = RedisLink::new(&settings, clock.clone());
        Self {
            id: ReplicaId::new(),
            purges: Arc::default(),
            outbox: Outbox::default(),
            quotas: SharedQuotas::new(link.clone(), &settings.prefix, clock.clone()),
            stopped: Arc::default(),
            link,
            settings,
            clock,
        }
    }

    /// Opens the connection and supervises it on a thread of its own.
    ///
    /// # Errors
    /// Returns the system's error if it has no thread for it.
    pub fn start(&self, listener: Arc<dyn EventReceiver>, supervisor: &Supervisor) -> io::Result<ReplicasThread> {
        let connection_supervisor = ConnectionSupervisor {
            replicas: self.clone(),
            journal: Journal::new(&self.settings.prefix),
            revoked: RevokedSet::new(&self.settings.prefix),
            listener,
        };
        let mut memory = SupervisorState::default();
        let keep_up = move || {
            // One thread drives the connection, which requests wait for; another runs the connection supervisor, which
            // may be busy.
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            runtime.block_on(connection_supervisor.run(&mut memory));
            runtime.shutdown_background();
            Ok(())
        };
        let thread = supervisor.thread("redis", keep_up)?;
        Ok(ReplicasThread { stopped: self.stopped.clone(), thread: Some(thread) })
    }

    /// Whether Redis is in use at the moment.
    pub fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Returns the shared responses.
    pub fn answers(&self) -> SharedAnswers {
        SharedAnswers::new(self.link.clone(), &self.settings.prefix, self.purges.clone())
    }

    /// Sends an event to all other replicas, at once or as soon as there is a connection.
    pub fn send(&self, event: ReplicaEvent) {
        self.outbox.enqueue(event, &self.purges);
    }
}
