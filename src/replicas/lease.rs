//! The lease to fetch a response. It expires by itself when its replica dies, because only the holder renews it, and
//! only the holder may publish the result of its fetch.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::rt;
use redis::{Script, ScriptInvocation};

use super::connection::RedisConnection;
use super::link::{Operation, RedisLink};
use crate::clock::Deadline;
use crate::sha256::sha256;

/// The duration of a lease unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_millis(1500);

/// The interval between renewals.
const RENEWAL_INTERVAL: Duration = Duration::from_millis(500);

/// How long a failed fetch is reported to waiting replicas. They fetch for themselves then, instead of one after the
/// other.
const FAILED: Duration = Duration::from_millis(300);

/// The version of the keys and their values. Programs of different versions do not interfere with each other.
const VERSION: u8 = 1;

/// Takes the lease from any holder. KEYS: lease. ARGV: our owner token, the duration of the lease in milliseconds.
static TAKE: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"));

/// Publishes the outcome of a fetch and releases the lease. KEYS: response, lease. ARGV: our owner token, the outcome,
/// the response, its time to live, how long a failure is reported, and the remaining time of our lease, all times in
/// milliseconds. A replica that has lost its lease changes nothing: it was suspended for too long, Redis was suspended
/// and reads this late, or another replica has taken the lease for a newer response. If the lease has less time left
/// than we expect, Redis reads this late by the difference, and the response is older by it.
static PUBLISH: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
         local late = math.max(tonumber(ARGV[6]) - redis.call('PTTL', KEYS[2]), 0)
         local keeps = tonumber(ARGV[4]) - late
         redis.call('DEL', KEYS[2])
         if ARGV[2] == 'answer' and keeps >= 1 then
             redis.call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', keeps))
         end
         if ARGV[2] == 'gone' then redis.call('DEL', KEYS[1]) end
         if ARGV[2] == 'failure' then redis.call('SET', KEYS[2], 'failed', 'PX', ARGV[5]) end
         return 1",
    )
});

/// Renews the lease. KEYS: lease. ARGV: our owner token, the duration of the lease in milliseconds.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
    )
});

/// This replica's lease to fetch a response. It is renewed until it is dropped or its outcome is published.
pub struct Lease {
    pub(super) owner_token: String,
    /// The connection on which the lease was taken. Requests may have given it up meanwhile because it was slow, but it
    /// still reaches the server where others wait for the end of the lease.
    pub(super) connection: RedisConnection,
    /// The end of the lease unless it is renewed before.
    ends: Rc<Cell<Deadline>>,
    renewal: rt::task::JoinHandle<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Lease {
    /// Holds the lease and renews it until it is dropped.
    pub(super) fn hold(link: &RedisLink, connection: RedisConnection, keys: &LeaseKeys, owner_token: String) -> Self {
        let (link, key, its_token) = (link.clone(), keys.lease.clone(), owner_token.clone());
        let ends = Rc::new(Cell::new(Deadline::after(LEASE)));
        let its_end = ends.clone();
        let renewal = rt::spawn(async move {
            loop {
                rt::time::sleep(RENEWAL_INTERVAL).await;
                let mut renew = RENEW.key(&key);
                renew.arg(&its_token).arg(milliseconds(LEASE));
                let deadline = link.deadline();
                let work = |mut connection| async move { renew.invoke_async(&mut connection).await };
                match link.run::<i64, _>(Operation::Renew, &deadline, work).await {
                    Ok(0) => return,
                    Ok(_) => its_end.set(Deadline::after(LEASE)),
                    // A renewal that Redis answered late may succeed the next time.
                    Err(_) => {}
                }
            }
        });
        Self { owner_token, connection, ends, renewal }
    }

    /// Returns the remaining time of the lease.
    pub(super) fn left(&self) -> Duration {
        self.ends.get().left()
    }
}

/// The keys of a response and of the lease to fetch it.
pub(super) struct LeaseKeys {
    /// The response's key.
    pub(super) answer: String,
    /// The lease's key.
    pub(super) lease: String,
}

impl LeaseKeys {
    /// Builds the keys of a response. Both contain the same hash tag in braces, so that a cluster stores them on one
    /// node. A name may be long and reveals whose data it is; its hash does not.
    pub(super) fn of(prefix: &str, name: &str) -> Self {
        let hash = base16ct::lower::encode_string(&sha256([name.as_bytes()]));
        Self {
            answer: format!("{prefix}:answer:{VERSION}:{{{hash}}}"),
            lease: format!("{prefix}:turn:{VERSION}:{{{hash}}}"),
        }
    }
}

/// Builds the script call that takes the lease from any holder.
pub(super) fn take_script(keys: &LeaseKeys, owner_token: &str) -> ScriptInvocation<'static> {
    let mut take = TAKE.key(&keys.lease);
    take.arg(owner_token).arg(milliseconds(LEASE));
    take
}

/// Builds the script call that publishes the outcome of a fetch.
pub(super) fn store_script(
    keys: &LeaseKeys,
    owner_token: &str,
    what: &str,
    bytes: &[u8],
    keeps: Duration,
    lease_left: Duration,
) -> ScriptInvocation<'static> {
    let mut publish = PUBLISH.key(&keys.answer);
    publish.key(&keys.lease).arg(owner_token).arg(what).arg(bytes).arg(milliseconds(keeps)).arg(milliseconds(FAILED));
    publish.arg(milliseconds(lease_left));
    publish
}

/// Returns a random owner token, which no other replica has.
pub(super) fn new_owner_token() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Returns the duration in whole milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
