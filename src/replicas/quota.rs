//! A client's quota, counted for all replicas together in Redis: with the same algorithm as in one process, and by
//! Redis' clock. A replica reserves several requests of a large quota at once, at most a 256th of what is left, so that
//! most requests need no round trip. It takes requests of a small quota one by one, so that no replica holds what
//! another one needs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::rt;
use redis::aio::ConnectionLike;
use redis::{RedisResult, Script, ScriptInvocation, Value};

use super::connection_supervisor::{COMMAND, within};
use super::link::{Operation, RedisLink};
use super::refusal::breaks_the_link;
use crate::clock::{Clock, Deadline};
use crate::sha256::sha256_half_of_list;

/// The most requests that are reserved at once.
const MOST_AT_ONCE: u32 = 256;

/// A replica returns reserved requests that are unused for this time, because the client may call another replica.
const OLD: Duration = Duration::from_millis(500);

/// How long an exhausted quota is not looked up again, however often the client calls.
const REFUSED: Duration = Duration::from_millis(100);

/// How often a request checks whether concurrent requests of its client have reserved one for it.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// The number of locks, so that workers rarely contend for one.
const SHARDS: usize = 16;

/// The most clients per shard with reserved requests. Beyond it, each request of a further client asks Redis.
const MOST_IN_SHARD: usize = 4096;

/// Takes requests of a quota. KEYS: the consumed quota, stored as the time in microseconds at which all of it will be
/// refilled. ARGV: the refill time of one request and of the whole quota, both in microseconds; the number of returned
/// requests; the largest and the smallest number of wanted requests. Fewer than the smallest number are not taken.
/// Returns the number of taken requests, and the time until all that is consumed is refilled. More than the whole quota
/// cannot be consumed: such a value belongs to another quota, another clock or another program, and counts as zero. So
/// does `nan`, for which every comparison is false.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local one, all = tonumber(ARGV[1]), tonumber(ARGV[2])
         local spent = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
         if not (spent <= now + all + one) then spent = 0 end
         spent = math.max(spent - ARGV[3] * one, now)
         local room = math.floor((now + all - spent) / one + 0.000001)
         local least = tonumber(ARGV[5])
         local taken = math.min(tonumber(ARGV[4]), math.max(math.floor(room / 256), least), room)
         if taken < least then taken = 0 end
         spent = spent + taken * one
         if spent > now then
             redis.call('SET', KEYS[1], string.format('%.3f', spent), 'PX', math.ceil((spent - now) / 1000))
         else
             redis.call('DEL', KEYS[1])
         end
         return {taken, math.ceil(spent - now)}",
    )
});

/// The key of a quota: a hash of what identifies the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaKey([u8; 16]);

impl QuotaKey {
    /// Hashes these properties.
    pub fn of(properties: [&str; 3]) -> Self {
        Self(sha256_half_of_list(properties))
    }
}

/// A quota as Redis counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The number of requests.
    pub count: u32,
    /// The period of the quota.
    pub per: Duration,
}

/// The rate-limit status of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaStatus {
    /// The wanted requests were taken.
    All {
        /// The time until all that is consumed is refilled.
        owed: Duration,
    },
    /// Fewer requests are left than wanted, and none was taken.
    None {
        /// The time until all that is consumed is refilled.
        owed: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct QuotaCounters {
    allowance: Allowance,
    /// The time until which the quota is known to be exhausted.
    refused: Option<Deadline>,
    /// Requests that are asking Redis for more at the moment.
    asking: u32,
    left: u32,
    /// The time until all that is consumed, reserved requests included, is refilled, as measured at `taken_at`.
    owed: Duration,
    taken_at: Duration,
}

/// The shared quotas. Clones share them.
#[derive(Clone)]
pub struct SharedQuotas {
    link: RedisLink,
    prefix: Arc<str>,
    clock: Clock,
    held: Arc<[Mutex<Holders>; SHARDS]>,
}

/// The reserved requests by quota key.
type Holders = HashMap<QuotaKey, QuotaCounters>;

impl fmt::Debug for SharedQuotas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedQuotas").finish_non_exhaustive()
    }
}

impl SharedQuotas {
    pub(super) fn new(link: RedisLink, prefix: &str, clock: Clock) -> Self {
        Self { link, prefix: prefix.into(), clock, held: Arc::default() }
    }

    /// Whether quotas are counted in Redis at the moment.
    pub fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Takes one of the requests that this replica has reserved. Returns `None` if it has none and must ask Redis.
    pub fn take_held(&self, holder: QuotaKey, allowance: Allowance) -> Option<QuotaStatus> {
        let now = self.clock.elapsed();
        let mut held = self.shard(holder);
        let its = held.get_mut(&holder)?;
        let since = now.saturating_sub(its.taken_at);
        if its.refused.is_some_and(|until| !until.left().is_zero()) {
            return Some(QuotaStatus::None { owed: its.owed.saturating_sub(since) });
        }
        its.left = if since < OLD { its.left.checked_sub(1)? } else { return None };
        let unused = allowance.one() * its.left;
        Some(QuotaStatus::All { owed: its.owed.saturating_sub(unused).saturating_sub(since) })
    }

    /// Takes `count` requests in Redis. Returns `None` if Redis is unavailable.
    pub async fn take(&self, holder: QuotaKey, allowance: Allowance, count: u32) -> Option<QuotaStatus> {
        let given_back = self.begin_asking(holder, allowance, count);
        let take = self.script(holder, allowance, given_back, (count, MOST_AT_ONCE.max(count)));
        let deadline = self.link.deadline();
        let work = |mut connection| async move { take.invoke_async(&mut connection).await };
        // A reply that is late for this request serves the client's next ones.
        let quotas = self.clone();
        let late = move |(taken, owed)| quotas.record_taken(holder, count, taken, Duration::from_micros(owed));
        let reply: Result<(u32, u64), _> = self.link.run_or_late(Operation::Quota, &deadline, work, late).await;
        let reply = reply.map(|(taken, owed)| (taken, Duration::from_micros(owed)));
        if let Ok((taken, owed)) = reply {
            self.record_taken(holder, count, taken, owed);
        }
        self.end_asking(holder);
        match reply {
            Ok((0, owed)) => Some(self.take_of_others(holder, allowance, count, owed).await),
            Ok((taken, owed)) => {
                let unused = allowance.one().saturating_mul(taken.saturating_sub(count));
                Some(QuotaStatus::All { owed: owed.saturating_sub(unused) })
            }
            Err(_) => self.is_exhausted_locally(holder, allowance, count),
        }
    }

    /// While Redis is slow, decides by the last known status: a quota that was exhausted a moment ago still is.
    fn is_exhausted_locally(&self, holder: QuotaKey, allowance: Allowance, count: u32) -> Option<QuotaStatus> {
        let now = self.clock.elapsed();
        let its = *self.shard(holder).get(&holder)?;
        let since = now.saturating_sub(its.taken_at);
        let owed = its.owed.saturating_sub(since);
        let after = owed.saturating_add(allowance.one().saturating_mul(count));
        (self.link.is_up() && since < OLD && after > allowance.per).then_some(QuotaStatus::None { owed })
    }

    /// Starts a call to Redis and returns how many reserved requests go back to Redis. Those are requests that are too
    /// old, and all of them if more than one is wanted, so that all that is left is in one place.
    fn begin_asking(&self, holder: QuotaKey, allowance: Allowance, count: u32) -> u32 {
        let now = self.clock.elapsed();
        let mut held = self.shard(holder);
        if held.len() >= MOST_IN_SHARD && !held.contains_key(&holder) {
            return 0;
        }
        let new = QuotaCounters { allowance, refused: None, asking: 0, left: 0, owed: Duration::ZERO, taken_at: now };
        let its = held.entry(holder).or_insert(new);
        its.asking += 1;
        its.allowance = allowance;
        if count == 1 && now.saturating_sub(its.taken_at) < OLD { 0 } else { std::mem::take(&mut its.left) }
    }

    fn end_asking(&self, holder: QuotaKey) {
        if let Some(its) = self.shard(holder).get_mut(&holder) {
            its.asking = its.asking.saturating_sub(1);
        }
    }

    /// Returns a taken request that was not used; the client's next request takes it.
    pub fn put_back(&self, holder: QuotaKey) {
        if let Some(its) = self.shard(holder).get_mut(&holder) {
            its.left = its.left.saturating_add(1);
        }
    }

    /// Records that `taken` requests were taken in Redis, `count` of them for the current request.
    fn record_taken(&self, holder: QuotaKey, count: u32, taken: u32, owed: Duration) {
        let now = self.clock.elapsed();
        if let Some(its) = self.shard(holder).get_mut(&holder) {
            its.left = its.left.saturating_add(taken.saturating_sub(count));
            (its.owed, its.taken_at) = (owed, now);
            its.refused = (count == 1 && taken == 0 && its.left == 0).then(|| Deadline::after(REFUSED));
        }
    }

    /// Takes a request that concurrent requests of the client have reserved here, or are about to reserve, after Redis
    /// had none left.
    async fn take_of_others(&self, holder: QuotaKey, allowance: Allowance, count: u32, owed: Duration) -> QuotaStatus {
        for _ in 0..TRIES {
            {
                let mut held = self.shard(holder);
                let Some(its) = held.get_mut(&holder) else { break };
                if let Some(left) = its.left.checked_sub(count) {
                    its.left = left;
                    return QuotaStatus::All { owed: owed.saturating_sub(allowance.one() * left) };
                }
                if its.asking == 0 {
                    break;
                }
            }
            rt::time::sleep(PAUSE).await;
        }
        QuotaStatus::None { owed }
    }

    /// Returns requests that were reserved and not used for a while. If Redis has no room for the update, the quota
    /// refills by itself.
    ///
    /// # Errors
    /// Returns the error if the connection is no longer usable.
    pub(super) async fn give_back<C: ConnectionLike>(&self, connection: &mut C) -> RedisResult<()> {
        for (holder, QuotaCounters { allowance, left, .. }) in self.take_old() {
            let script = self.script(holder, allowance, left, (0, 0));
            match within(COMMAND, script.invoke_async::<Value>(connection)).await {
                Err(error) if breaks_the_link(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn take_old(&self) -> Vec<(QuotaKey, QuotaCounters)> {
        let now = self.clock.elapsed();
        let is_old = |_: &QuotaKey, its: &mut QuotaCounters| its.asking == 0 && now.saturating_sub(its.taken_at) >= OLD;
        let shards = self.held.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        shards
            .flat_map(|mut shard| shard.extract_if(is_old).collect::<Vec<_>>())
            .filter(|(_, its)| its.left > 0)
            .collect()
    }

    fn script(
        &self,
        holder: QuotaKey,
        allowance: Allowance,
        given_back: u32,
        wanted: (u32, u32),
    ) -> ScriptInvocation<'static> {
        let key = format!("{}:quota:{}", self.prefix, base16ct::lower::encode_string(&holder.0));
        let mut take = TAKE.key(key);
        take.arg(microseconds(allowance.one()))
            .arg(microseconds(allowance.per))
            .arg(given_back)
            .arg(wanted.1)
            .arg(wanted.0);
        take
    }

    fn shard(&self, holder: QuotaKey) -> MutexGuard<'_, Holders> {
        let [first, ..] = &*self.held;
        let [byte, ..] = holder.0;
        let shard = self.held.get(usize::from(byte) % SHARDS).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Allowance {
    /// Returns the time in which one request is refilled.
    fn one(self) -> Duration {
        self.per / self.count.max(1)
    }
}

/// The result has a fraction: of ten million per second, each takes a tenth of a microsecond.
#[expect(clippy::cast_precision_loss, reason = "a day in nanoseconds is far below 2⁵³")]
fn microseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1000.0
}
