//! The connection to Redis as requests use it. It is taken down at the first failure, so that one request loses a
//! moment and the next ones lose nothing. The connection supervisor brings it back.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt;
use arc_swap::ArcSwapOption;
use redis::{RedisError, RedisResult};
use tokio::sync::Notify;

use super::connection::RedisConnection;
use super::refusal::breaks_the_link;
use super::settings::{Mode, RedisSettings};
use crate::clock::{Clock, Deadline};
use crate::settings::named;
use crate::telemetry::metrics;

/// Redis operations of one request: a request counts against a quota and looks up a response. Each may take half of the
/// time that the request may lose in all.
const OPERATIONS_OF_A_REQUEST: u32 = 2;

/// The upper bound of timer delays on a busy machine.
const TIMERS_ARE_LATE: Duration = Duration::from_secs(2);

named! {
    /// An operation in Redis, as metrics name it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Operation {
        /// Looks a response up, and takes the lease to fetch it if there is none.
        Look = "look",
        /// Stores a response, or that there is none.
        Keep = "keep",
        /// Renews the lease while a fetch runs.
        Renew = "renew",
        /// Takes some requests of a client's quota.
        Quota = "quota",
    }
}

named! {
    /// Why an operation in Redis was not done. The request continues without it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum Unavailable {
        /// There is no connection at the moment.
        #[error("there is no link to Redis")]
        Down = "down",
        /// The reply did not arrive in time.
        #[error("Redis did not answer in time")]
        TimedOut = "timed_out",
        /// The connection failed.
        #[error("the link to Redis broke")]
        Broken = "broken",
        /// Redis refused the operation: the key holds another type, or the memory is full.
        #[error("Redis refused")]
        Refused = "refused",
    }
}

/// The connection to Redis. Clones share it.
#[derive(Clone)]
pub struct RedisLink {
    live: Arc<ArcSwapOption<RedisConnection>>,
    broke: Arc<Notify>,
    clock: Clock,
    timeout: Duration,
    /// Whether this is a cluster, of whose nodes some may be down while others are up.
    leads_to_many: bool,
}

impl RedisLink {
    /// Creates a connection that is down.
    pub fn new(settings: &RedisSettings, clock: Clock) -> Self {
        Self {
            live: Arc::default(),
            broke: Arc::default(),
            clock,
            timeout: settings.timeout,
            leads_to_many: settings.mode == Mode::Cluster,
        }
    }

    /// Whether requests use the connection.
    pub fn is_up(&self) -> bool {
        self.live.load().is_some()
    }

    /// Lets requests use this connection.
    pub(super) fn put_up(&self, connection: RedisConnection) {
        self.live.store(Some(Arc::new(connection)));
        metrics::shared_up().set(1);
    }

    /// Lets requests continue without Redis.
    pub(super) fn take_down(&self) {
        self.live.store(None);
        metrics::shared_up().set(0);
    }

    /// Returns the connection that requests use.
    pub(super) fn connection(&self) -> Option<RedisConnection> {
        self.live.load().as_deref().cloned()
    }

    /// Waits until a request has given the connection up. Earlier connections do not count.
    pub(super) async fn given_up(&self) {
        while self.is_up() {
            self.broke.notified().await;
        }
    }

    /// Returns the deadline of one operation, so that a request loses no more than `redis.timeout` in all.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.of_an_operation())
    }

    pub(super) fn of_an_operation(&self) -> Duration {
        self.timeout / OPERATIONS_OF_A_REQUEST
    }

    /// Runs an operation in Redis before the deadline. A late reply is not waited for. The connection is taken down
    /// only if there is no reply for as long as a request may lose in all.
    ///
    /// # Errors
    /// Returns why the operation was not done. A failure of the connection takes it down for all requests.
    pub async fn run<T, F>(
        &self,
        operation: Operation,
        deadline: &Deadline,
        work: impl FnOnce(RedisConnection) -> F,
    ) -> Result<T, Unavailable>
    where
        T: 'static,
        F: Future<Output = RedisResult<T>> + 'static,
    {
        self.run_or_late(operation, deadline, work, |_| ()).await
    }

    /// Runs an operation in Redis before the deadline, and passes a reply that arrives later to `late`.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::run`].
    pub async fn run_or_late<T, F>(
        &self,
        operation: Operation,
        deadline: &Deadline,
        work: impl FnOnce(RedisConnection) -> F,
        late: impl FnOnce(T) + 'static,
    ) -> Result<T, Unavailable>
    where
        T: 'static,
        F: Future<Output = RedisResult<T>> + 'static,
    {
        let Some(live) = self.live.load_full() else { return Err(Unavailable::Down) };
        let started = self.clock.elapsed();
        let mut work = Box::pin(work(RedisConnection::clone(&live)));
        let outcome = match tokio::time::timeout(deadline.left(), &mut work).await {
            // The machine was suspended meanwhile, so the time to live in the reply was measured before the suspension.
            Ok(Ok(value)) if self.clock.elapsed().saturating_sub(started) > self.timeout + TIMERS_ARE_LATE => {
                late(value);
                Err(Unavailable::TimedOut)
            }
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.judge(operation, &error, &live)),
            Err(_) => {
                let link = self.clone();
                rt::spawn(async move { link.see_whether_it_answers_at_all(operation, work, late, &live).await });
                Err(Unavailable::TimedOut)
            }
        };
        let name = outcome.as_ref().map_or_else(|unavailable| unavailable.name(), |_| "done");
        metrics::shared_operations(operation.name(), name).increment(1);
        metrics::shared_duration(operation.name()).record(self.clock.elapsed().saturating_sub(started));
        outcome
    }

    async fn see_whether_it_answers_at_all<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = RedisResult<T>>,
        late: impl FnOnce(T),
        live: &Arc<RedisConnection>,
    ) {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(Ok(answer)) => late(answer),
            Ok(Err(error)) => {
                let _judged = self.judge(operation, &error, live);
            }
            Err(_) => self.give_up(operation, &"it does not answer", live),
        }
    }

    fn judge(&self, operation: Operation, error: &RedisError, live: &Arc<RedisConnection>) -> Unavailable {
        if breaks_the_link(error) {
            self.give_up(operation, error, live);
            return Unavailable::Broken;
        }
        tracing::debug!(operation = operation.name(), %error, "Redis refused an operation");
        Unavailable::Refused
    }

    /// Takes the connection down, unless it was replaced meanwhile. Of all requests that meet the same failure, one
    /// logs it. The failure of one node of a cluster does not affect the others; the connection supervisor checks
    /// whether any are left.
    fn give_up(&self, operation: Operation, why: &dyn fmt::Display, broken: &Arc<RedisConnection>) {
        if self.leads_to_many {
            tracing::debug!(operation = operation.name(), error = %why, "Redis cluster node unavailable");
            return;
        }
        let before = self.live.compare_and_swap(broken, None);
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, broken)) {
            // The library's messages contain no password.
            tracing::warn!(operation = operation.name(), error = %why, "Redis unavailable; requests continue without it until it is back");
            metrics::shared_up().set(0);
            self.broke.notify_one();
        }
    }
}
