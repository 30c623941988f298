//! The link to Redis as requests use it: there while it works, gone at the first sign of trouble, so that one request loses
//! a moment and the next ones nothing. The connection supervisor brings it back.

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
use crate::telemetry::metrics;

/// One request counts against a quota and looks for an answer: each of them may take half of what it may lose in all.
const OPERATIONS_OF_A_REQUEST: u32 = 2;

/// On a busy machine timers are late by less than this.
const TIMERS_ARE_LATE: Duration = Duration::from_secs(2);

/// What is done at Redis, as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Looks for an answer, and takes the turn to fetch it if there is none.
    Look,
    /// Keeps an answer, or tells that there is none.
    Keep,
    /// Keeps the turn while a fetch runs.
    Renew,
    /// Takes some requests of a client's quota.
    Quota,
}

impl Operation {
    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Keep => "keep",
            Self::Renew => "renew",
            Self::Quota => "quota",
        }
    }
}

/// Why something was not done at Redis. The request goes on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// There is no link at the moment.
    #[error("there is no link to Redis")]
    Down,
    /// The answer did not come in time.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// The link broke.
    #[error("the link to Redis broke")]
    Broken,
    /// Redis answered and would not: something else stands under the key, or there is no room.
    #[error("Redis refused")]
    Refused,
}

impl Unavailable {
    const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::Refused => "refused",
        }
    }
}

/// The link. Cloning shares it.
#[derive(Clone)]
pub struct RedisLink {
    live: Arc<ArcSwapOption<RedisConnection>>,
    broke: Arc<Notify>,
    clock: Clock,
    timeout: Duration,
    /// Whether it leads to many servers, of which some may be down while others are not.
    leads_to_many: bool,
}

impl RedisLink {
    /// A link that is down.
    pub fn new(settings: &RedisSettings, clock: Clock) -> Self {
        Self {
            live: Arc::default(),
            broke: Arc::default(),
            clock,
            timeout: settings.timeout,
            leads_to_many: settings.mode == Mode::Cluster,
        }
    }

    /// Whether requests use it.
    pub fn is_up(&self) -> bool {
        self.live.load().is_some()
    }

    /// Lets requests use this connection.
    pub(super) fn put_up(&self, connection: RedisConnection) {
        self.live.store(Some(Arc::new(connection)));
        metrics::shared_up(true);
    }

    /// Lets requests go on without.
    pub(super) fn take_down(&self) {
        self.live.store(None);
        metrics::shared_up(false);
    }

    /// The connection that requests use.
    pub(super) fn connection(&self) -> Option<RedisConnection> {
        self.live.load().as_deref().cloned()
    }

    /// Waits until a request has given the link up. What was said of an earlier connection does not count.
    pub(super) async fn given_up(&self) {
        while self.is_up() {
            self.broke.notified().await;
        }
    }

    /// How long one operation may take, so that a request loses no more than `redis.timeout` in all.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.of_an_operation())
    }

    pub(super) fn of_an_operation(&self) -> Duration {
        self.timeout / OPERATIONS_OF_A_REQUEST
    }

    /// Does something at Redis, before the deadline. What is late is waited for no more, but only who does not answer for
    /// as long as a request may lose in all takes the link down.
    ///
    /// # Errors
    /// Why it was not done. Trouble with the link takes it down for everybody.
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

    /// The same; `late` gets the answer that nobody waited for any more.
    ///
    /// # Errors
    /// As for [`Self::run`].
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
            // The machine was suspended meanwhile: how long an answer lay at Redis was true before that.
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
        metrics::shared_operation(operation.name(), name, self.clock.elapsed().saturating_sub(started));
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
        tracing::debug!(operation = operation.name(), %error, "Redis refused");
        Unavailable::Refused
    }

    /// Takes the link down, unless it is another one by now. Of all requests that meet the same trouble one says so. One of many
    /// servers takes down none of the others; whether there are any, the connection supervisor sees.
    fn give_up(&self, operation: Operation, why: &dyn fmt::Display, broken: &Arc<RedisConnection>) {
        if self.leads_to_many {
            tracing::debug!(operation = operation.name(), error = %why, "a node of the cluster is of no use");
            return;
        }
        let before = self.live.compare_and_swap(broken, None);
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, broken)) {
            // The library's messages hold no password.
            tracing::warn!(operation = operation.name(), error = %why, "Redis is of no use; going on without until it is");
            metrics::shared_up(false);
            self.broke.notify_one();
        }
    }
}
