//! Whose turn it is to fetch an answer. A turn ends by itself when its replica dies: it lasts only as long as somebody keeps
//! it, and only who has it may tell the others what a fetch has brought.

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

/// How long a turn lasts unless it is kept.
pub(super) const LEASE: Duration = Duration::from_millis(1500);

/// How often a turn is kept.
const KEEPING: Duration = Duration::from_millis(500);

/// How long others are told that a fetch has failed. They fetch for themselves then, instead of one after the other.
const FAILED: Duration = Duration::from_millis(300);

/// The version of keys and of what they hold; programs of different versions do not get in each other's way.
const VERSION: u8 = 1;

/// KEYS: turn. ARGV: our mark, how long a turn lasts. Takes the turn from whoever has it.
static TAKE: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"));

/// KEYS: answer, turn. ARGV: our mark, what came of it, the answer, how long it keeps, how long a failure is told, and how
/// long our turn lasts yet. Who has lost its turn changes nothing: because it stood still for too long, because Redis did and
/// reads this late, or because somebody has insisted on a newer answer meanwhile. By how much less the turn lasts than we
/// think, Redis reads this late, and the answer is older.
static KEEP: LazyLock<Script> = LazyLock::new(|| {
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

/// KEYS: turn. ARGV: our mark, how long a turn lasts.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
         return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
    )
});

/// Our lease to fetch an answer. It is kept until it is dropped or told what came of it.
pub struct Lease {
    mark: String,
    /// The one on which the turn was taken.
    connection: RedisConnection,
    /// When it ends unless it is kept until then.
    ends: Rc<Cell<Deadline>>,
    keeping: rt::task::JoinHandle<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

impl Lease {
    /// Keeps the turn for as long as the process runs and wants it.
    pub(super) fn hold(link: &RedisLink, connection: RedisConnection, keys: &LeaseKeys, mark: String) -> Self {
        let (link, key, its_mark) = (link.clone(), keys.lease.clone(), mark.clone());
        let ends = Rc::new(Cell::new(Deadline::after(LEASE)));
        let its_end = ends.clone();
        let keeping = rt::spawn(async move {
            loop {
                rt::time::sleep(KEEPING).await;
                let mut renew = RENEW.key(&key);
                renew.arg(&its_mark).arg(milliseconds(LEASE));
                let deadline = link.deadline();
                let work = |mut connection| async move { renew.invoke_async(&mut connection).await };
                match link.run::<i64, _>(Operation::Renew, &deadline, work).await {
                    Ok(0) => return,
                    Ok(_) => its_end.set(Deadline::after(LEASE)),
                    // One that was not kept because Redis was late may be kept the next time.
                    Err(_) => {}
                }
            }
        });
        Self { mark, connection, ends, keeping }
    }

    /// Who has it.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// On which connection it was taken. Requests may have given that up meanwhile, for being late; it still leads to where
    /// others wait for the end of the turn.
    pub(super) const fn connection(&self) -> &RedisConnection {
        &self.connection
    }

    /// How long it lasts yet.
    pub(super) fn left(&self) -> Duration {
        self.ends.get().left()
    }
}

/// What an answer and the turn to fetch it are kept under.
pub(super) struct LeaseKeys {
    /// Of the answer.
    pub(super) answer: String,
    /// Of the turn.
    pub(super) lease: String,
}

impl LeaseKeys {
    /// The keys of an answer. Both have the same part in braces, so that a cluster keeps them at one node. Names may be long
    /// and tell whose data it is; a hash of them does not.
    pub(super) fn of(prefix: &str, name: &str) -> Self {
        let hash = base16ct::lower::encode_string(&sha256([name.as_bytes()]));
        Self {
            answer: format!("{prefix}:answer:{VERSION}:{{{hash}}}"),
            lease: format!("{prefix}:turn:{VERSION}:{{{hash}}}"),
        }
    }
}

/// Takes the turn from whoever has it.
pub(super) fn take_script(keys: &LeaseKeys, mark: &str) -> ScriptInvocation<'static> {
    let mut take = TAKE.key(&keys.lease);
    take.arg(mark).arg(milliseconds(LEASE));
    take
}

/// Tells what came of a fetch.
pub(super) fn store_script(
    keys: &LeaseKeys,
    mark: &str,
    what: &str,
    bytes: &[u8],
    keeps: Duration,
    turn_left: Duration,
) -> ScriptInvocation<'static> {
    let mut keep = KEEP.key(&keys.answer);
    keep.key(&keys.lease).arg(mark).arg(what).arg(bytes).arg(milliseconds(keeps)).arg(milliseconds(FAILED));
    keep.arg(milliseconds(turn_left));
    keep
}

/// A mark that no other replica has.
pub(super) fn new_mark() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Whole milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
