//! Responses that replicas share through Redis: lookup, waiting for another replica's fetch, the lease to fetch, and
//! publication of the result.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::rt;
use redis::{FromRedisValue, Script, ScriptInvocation, Value};

use super::connection::RedisConnection;
use super::journal::Position;
use super::lease::{self, LEASE, Lease, LeaseKeys, milliseconds};
use super::link::{Operation, RedisLink, Unavailable};
use super::purges::Purges;
use crate::clock::Deadline;

/// The first pause of a request that waits for another replica's fetch. The pauses get longer up to
/// [`LONGEST_BETWEEN_LOOKS`].
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// The longest wait for another replica's fetch. After it, the request fetches for itself.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The largest shared response, in bytes. Larger ones would delay everything else on the connection.
const LARGEST: usize = 256 << 10;

/// Looks for a response and takes the lease if there is none. KEYS: response, lease. ARGV: the least time to live of a
/// fresh response in milliseconds, our owner token, the duration of the lease in milliseconds, the checksum of a
/// response that was seen before and cannot be used, and the size of the largest shared response. Returns the response,
/// its time to live in milliseconds, and who holds the lease. A larger value is treated as absent.
static LOOK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local answer, left = redis.call('GET', KEYS[1]), 0
         if answer and #answer > tonumber(ARGV[5]) then answer = false end
         if answer and string.sub(answer, 13, 28) == ARGV[4] then answer = false end
         if answer then
             left = redis.call('PTTL', KEYS[1])
             if left > tonumber(ARGV[1]) then return {answer, left, 'fresh'} end
         end
         if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {answer, left, 'ours'} end
         if redis.call('GET', KEYS[2]) == 'failed' then return {answer, left, 'failed'} end
         return {false, 0, 'theirs'}",
    )
});

/// The key of a shared response, with its periods.
#[derive(Clone, Debug)]
pub struct AnswerKey {
    /// The name of the response in a process's cache. Only a hash of it reaches Redis.
    pub name: Arc<str>,
    /// How long the response may be served in all.
    pub keeps: Duration,
    /// How long the response is fresh.
    pub fresh: Duration,
}

/// A response as Redis stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The stored bytes. They are not trusted: any program may have written them.
    pub bytes: Vec<u8>,
    /// The time to live in Redis.
    pub left: Duration,
}

impl StoredAnswer {
    /// Returns the checksum in the stored form, which tells this response from others.
    fn checksum(&self) -> &[u8] {
        self.bytes.get(12..28).unwrap_or_default()
    }
}

/// The outcome of a fetch.
pub enum FetchOutcome {
    /// The fetch returned these bytes, which may be served for this time.
    Answer(Vec<u8>, Duration),
    /// The resource does not exist: an older response is wrong.
    NotFound,
    /// The fetch failed.
    Failed,
    /// No fetch was needed.
    NotFetched,
}

/// The shared responses. Clones share the connection.
#[derive(Clone)]
pub struct SharedAnswers {
    link: RedisLink,
    prefix: Arc<str>,
    /// The purges that this replica knows.
    pub purges: Arc<Purges>,
}

impl SharedAnswers {
    /// Opens the shared responses under this key prefix.
    pub(super) fn new(link: RedisLink, prefix: &str, purges: Arc<Purges>) -> Self {
        Self { link, prefix: prefix.into(), purges }
    }

    /// Looks for a response that `is_of_use`, fresh or older. Waits while another replica fetches it, and takes the lease
    /// to fetch it if nobody holds that and there is no fresh response. Without a connection it returns neither at once:
    /// every replica that needs the response fetches it.
    pub async fn look(
        &self,
        wanted: &AnswerKey,
        mut is_of_use: impl FnMut(&StoredAnswer) -> bool,
    ) -> (Option<StoredAnswer>, Option<Lease>) {
        let keys = LeaseKeys::of(&self.prefix, &wanted.name);
        let token = lease::new_owner_token();
        let waiting = Deadline::after(LONGEST_WAIT);
        let (mut pause, mut useless) = (FIRST_LOOK, Vec::new());
        loop {
            let looked = self.look_once(&keys, wanted, &token, &useless).await;
            let Ok((answer, whose, connection)) = looked else { return (None, None) };
            let answer = match answer {
                Some(answer) if is_of_use(&answer) => Some(answer),
                Some(answer) if whose == "fresh" && useless != answer.checksum() && !waiting.left().is_zero() => {
                    // The script does not report the lease beside a fresh response.
                    answer.checksum().clone_into(&mut useless);
                    continue;
                }
                _ => None,
            };
            match (whose.as_str(), answer) {
                ("ours", answer) => return (answer, Some(Lease::hold(&self.link, connection, &keys, token))),
                ("theirs", _) if !waiting.left().is_zero() => {}
                (_, answer) => return (answer, None),
            }
            rt::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_BETWEEN_LOOKS);
        }
    }

    async fn look_once(
        &self,
        keys: &LeaseKeys,
        wanted: &AnswerKey,
        token: &str,
        useless: &[u8],
    ) -> Result<(Option<StoredAnswer>, String, RedisConnection), Unavailable> {
        let left_when_fresh = milliseconds(wanted.keeps.saturating_sub(wanted.fresh));
        let mut look = LOOK.key(&keys.answer);
        look.key(&keys.lease).arg(left_when_fresh).arg(token).arg(milliseconds(LEASE)).arg(useless).arg(LARGEST);
        let ((answer, left, whose), connection): ((Value, i64, String), _) =
            self.take_or_undo(look, keys, token).await?;
        let left = u64::try_from(left).map(Duration::from_millis);
        let answer = match (answer, left) {
            (Value::BulkString(bytes), Ok(left)) => Some(StoredAnswer { bytes, left }),
            _ => None,
        };
        Ok((answer, whose, connection))
    }

    /// Takes the lease, even from another holder. A caller who bypasses the cache needs this, because its response is
    /// newer than that of a fetch in progress.
    pub async fn take_lease(&self, name: &str) -> Option<Lease> {
        let (keys, token) = (LeaseKeys::of(&self.prefix, name), lease::new_owner_token());
        let take = lease::take_script(&keys, &token);
        let (_, connection) = self.take_or_undo::<Value>(take, &keys, &token).await.ok()?;
        Some(Lease::hold(&self.link, connection, &keys, token))
    }

    /// Runs a script that may take the lease, and returns the connection on which it ran. If the reply is late, it
    /// sends at once on the same connection that the lease is not needed. Redis reads both or neither, so no lease is
    /// left without a holder.
    async fn take_or_undo<T>(
        &self,
        script: ScriptInvocation<'static>,
        keys: &LeaseKeys,
        token: &str,
    ) -> Result<(T, RedisConnection), Unavailable>
    where
        T: FromRedisValue + 'static,
    {
        let connection = self.link.connection().ok_or(Unavailable::Down)?;
        let deadline = self.link.deadline();
        let work = |mut connection| async move { script.invoke_async(&mut connection).await };
        let outcome = self.link.run(Operation::Look, &deadline, work).await;
        if matches!(outcome, Err(Unavailable::TimedOut)) {
            let mut connection = connection.clone();
            let undo = lease::store_script(keys, token, "unneeded", &[], Duration::ZERO, Duration::ZERO);
            rt::spawn(async move {
                let undone = undo.invoke_async::<Value>(&mut connection);
                // Nobody waits for the reply; the timeout also covers a Redis that never answers.
                let _undone = rt::time::timeout(LONGEST_WAIT, undone).await;
            });
        }
        outcome.map(|taken| (taken, connection))
    }

    /// Publishes the outcome of a fetch to the other replicas and releases the lease.
    pub async fn store(&self, name: &str, lease: Lease, fetched: FetchOutcome) {
        let keys = LeaseKeys::of(&self.prefix, name);
        let (what, bytes, keeps) = match fetched {
            FetchOutcome::Answer(bytes, keeps) if bytes.len() <= LARGEST && !keeps.is_zero() => {
                ("answer", bytes, keeps)
            }
            // This response cannot be shared, so it spares no other replica the fetch.
            FetchOutcome::Answer(..) | FetchOutcome::Failed => ("failure", Vec::new(), Duration::ZERO),
            FetchOutcome::NotFound => ("gone", Vec::new(), Duration::ZERO),
            FetchOutcome::NotFetched => ("unneeded", Vec::new(), Duration::ZERO),
        };
        let publish = lease::store_script(&keys, &lease.owner_token, what, &bytes, keeps, lease.left());
        // Nobody waits for this reply, and a large response takes longer.
        let deadline = Deadline::after(LEASE);
        if self.link.is_up() {
            let work = |mut connection| async move { publish.invoke_async(&mut connection).await };
            let _published: Result<Value, _> = self.link.run(Operation::Keep, &deadline, work).await;
        } else {
            // Replicas that wait for the end of the lease should not wait longer because Redis is slow for this
            // replica.
            let mut connection = lease.connection.clone();
            let stored = publish.invoke_async::<Value>(&mut connection);
            let _stored = rt::time::timeout(deadline.left(), stored).await;
        }
    }

    /// Returns the position up to which this replica has read the journal.
    pub fn seen(&self) -> Position {
        self.purges.read_to()
    }
}
