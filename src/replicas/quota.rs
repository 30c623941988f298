//! A client's quota, counted for all replicas together: by the same algorithm as in one process, at Redis and by its clock.
//! Of a large quota a replica takes some requests at a time, at most a 256th of what is left, so that most requests ask nobody;
//! of a small one it takes them one by one, so that no replica holds what another one needs.

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

/// The most requests that are taken at once.
const MOST_AT_ONCE: u32 = 256;

/// What a replica has taken and not used after so long it gives back: the client may ask another one.
const OLD: Duration = Duration::from_millis(500);

/// A client that has spent all is not looked up again for so long, however often it asks.
const REFUSED: Duration = Duration::from_millis(100);

/// How often, and after which pauses, a request looks whether others of its client have taken some for it.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// So many locks, that workers rarely meet at one.
const SHARDS: usize = 16;

/// The most clients whose requests are held. Of more, none is held: each request asks Redis.
const MOST_IN_SHARD: usize = 4096;

/// KEYS: what the client has spent: the moment when all of it will have come back, in microseconds. ARGV: how long one
/// takes to come back, how long all, both in microseconds; how many are given back; how many are wanted at most, and at least:
/// fewer are not taken. Gives how many were taken, and how long all that is spent takes to come back. More than all cannot be
/// spent: such a value is of another quota, of another clock, or of somebody else, and counts as nothing. So does `nan`, of
/// which every comparison is false.
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

/// Who is counted: a hash of what tells a client from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaKey([u8; 16]);

impl QuotaKey {
    /// The holder of these properties.
    pub fn of(properties: [&str; 3]) -> Self {
        Self(sha256_half_of_list(properties))
    }
}

/// How much may be asked, as Redis counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}

/// What a client has left of its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaStatus {
    /// As many as were wanted were taken; all that is spent takes so long to come back.
    All {
        /// How long.
        owed: Duration,
    },
    /// There are fewer, and none was taken.
    None {
        /// How long all that is spent takes to come back.
        owed: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct QuotaCounters {
    allowance: Allowance,
    /// Until when it is known that there is none.
    refused: Option<Deadline>,
    /// Requests that ask Redis for more at the moment.
    asking: u32,
    left: u32,
    /// All that is spent, what is held included, took so long to come back when it was taken.
    owed: Duration,
    taken_at: Duration,
}

/// The quotas. Cloning shares them.
#[derive(Clone)]
pub struct SharedQuotas {
    link: RedisLink,
    prefix: Arc<str>,
    clock: Clock,
    held: Arc<[Mutex<Holders>; SHARDS]>,
}

/// What is held for each of some clients.
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

    /// Whether requests are counted together at the moment.
    pub fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Takes one of those that this replica holds; `None` when it holds none, and has to ask whether there are any.
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

    /// Takes some at Redis, and so many of them; `None` when Redis cannot be asked.
    pub async fn take(&self, holder: QuotaKey, allowance: Allowance, count: u32) -> Option<QuotaStatus> {
        let given_back = self.begin_asking(holder, allowance, count);
        let take = self.script(holder, allowance, given_back, (count, MOST_AT_ONCE.max(count)));
        let deadline = self.link.deadline();
        let work = |mut connection| async move { take.invoke_async(&mut connection).await };
        // What comes too late for this request is there for the client's next ones.
        let quotas = self.clone();
        let late = move |(taken, owed)| quotas.record_taken(holder, count, taken, Duration::from_micros(owed));
        let told: Result<(u32, u64), _> = self.link.run_or_late(Operation::Quota, &deadline, work, late).await;
        let told = told.map(|(taken, owed)| (taken, Duration::from_micros(owed)));
        if let Ok((taken, owed)) = told {
            self.record_taken(holder, count, taken, owed);
        }
        self.end_asking(holder);
        match told {
            Ok((0, owed)) => Some(self.take_of_others(holder, allowance, count, owed).await),
            Ok((taken, owed)) => {
                let unused = allowance.one().saturating_mul(taken.saturating_sub(count));
                Some(QuotaStatus::All { owed: owed.saturating_sub(unused) })
            }
            Err(_) => self.is_exhausted_locally(holder, allowance, count),
        }
    }

    /// Redis is late: that there was none a moment ago is still known.
    fn is_exhausted_locally(&self, holder: QuotaKey, allowance: Allowance, count: u32) -> Option<QuotaStatus> {
        let now = self.clock.elapsed();
        let its = *self.shard(holder).get(&holder)?;
        let since = now.saturating_sub(its.taken_at);
        let owed = its.owed.saturating_sub(since);
        let after = owed.saturating_add(allowance.one().saturating_mul(count));
        (self.link.is_up() && since < OLD && after > allowance.per).then_some(QuotaStatus::None { owed })
    }

    /// What is held was taken for all requests of the client; gives how many of it go back to Redis: those that are too old,
    /// and all of them when more than one is wanted, so that all that is left is in one place.
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

    /// One that was taken is not used: the client's next request has it.
    pub fn put_back(&self, holder: QuotaKey) {
        if let Some(its) = self.shard(holder).get_mut(&holder) {
            its.left = its.left.saturating_add(1);
        }
    }

    /// So many were taken at Redis, `count` of them for the request that asked.
    fn record_taken(&self, holder: QuotaKey, count: u32, taken: u32, owed: Duration) {
        let now = self.clock.elapsed();
        if let Some(its) = self.shard(holder).get_mut(&holder) {
            its.left = its.left.saturating_add(taken.saturating_sub(count));
            (its.owed, its.taken_at) = (owed, now);
            its.refused = (count == 1 && taken == 0 && its.left == 0).then(|| Deadline::after(REFUSED));
        }
    }

    /// There was none at Redis: the client's other requests here may have taken the last ones, or be about to.
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

    /// Gives back what has not been used for a while. What Redis has no room for comes back by itself, as all that is spent
    /// does.
    ///
    /// # Errors
    /// Why nothing more is to be expected of the connection.
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
    /// How long it takes until one has come back.
    fn one(self) -> Duration {
        self.per / self.count.max(1)
    }
}

/// With a fraction: of ten million in a second, each takes a tenth of one.
#[expect(clippy::cast_precision_loss, reason = "a day in nanoseconds is far below 2⁵³")]
fn microseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1000.0
}
