//! Answers that replicas share: looked for, waited for, fetched by whose turn it is, and told to the others.

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

/// Who waits for another replica's fetch looks again after so long, and then at longer and longer intervals.
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Who has waited so long for another replica's fetch fetches for itself.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Larger answers are not shared: they would hold up everything else on the connection.
const LARGEST: usize = 256 << 10;

/// KEYS: answer, turn. ARGV: how many milliseconds an answer that is fresh has left at least, our mark, how long a turn
/// lasts, the checksum of an answer that was looked at before and is of no use, and the largest answer that is shared. Gives
/// the answer, the milliseconds that it has left, and whose turn it is. A larger value is nobody's answer.
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

/// Which answer is looked for.
#[derive(Clone, Debug)]
pub struct AnswerKey {
    /// Its name in the cache of a process; only a hash of it reaches Redis.
    pub name: Arc<str>,
    /// How long it keeps in all.
    pub keeps: Duration,
    /// How long it is fresh.
    pub fresh: Duration,
}

/// An answer as it lies at Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The bytes; anybody may have written them.
    pub bytes: Vec<u8>,
    /// How long they lie there yet.
    pub left: Duration,
}

/// What a look has found.
pub enum SharedResult {
    /// An answer that was fresh when it was looked for.
    Fresh(StoredAnswer),
    /// None that is, and it is our turn to fetch. There may be an older one.
    Ours(Lease, Option<StoredAnswer>),
    /// Nobody's turn is known: whoever wants the answer fetches it.
    Everybodys(Option<StoredAnswer>),
}

impl StoredAnswer {
    /// What tells it from another one: the checksum in its stored form.
    fn checksum(&self) -> &[u8] {
        self.bytes.get(12..28).unwrap_or_default()
    }
}

/// What came of a fetch.
pub enum FetchOutcome {
    /// These bytes, which keep so long.
    Answer(Vec<u8>, Duration),
    /// There is no such thing: an answer of before is wrong.
    Gone,
    /// Nothing.
    Failure,
    /// It was not needed.
    Unneeded,
}

/// The answers. Cloning shares them.
#[derive(Clone)]
pub struct SharedAnswers {
    link: RedisLink,
    prefix: Arc<str>,
    purges: Arc<Purges>,
}

impl SharedAnswers {
    /// The answers under this prefix.
    pub(super) fn new(link: RedisLink, prefix: &str, purges: Arc<Purges>) -> Self {
        Self { link, prefix: prefix.into(), purges }
    }

    /// What was purged.
    pub fn purges(&self) -> &Purges {
        &self.purges
    }

    /// Looks for an answer that `is_of_use`; waits while another replica fetches it, and takes the turn when nobody does.
    /// While there is no link, it is everybody's turn at once.
    pub async fn look(&self, wanted: &AnswerKey, mut is_of_use: impl FnMut(&StoredAnswer) -> bool) -> SharedResult {
        let keys = LeaseKeys::of(&self.prefix, &wanted.name);
        let mark = lease::new_mark();
        let waiting = Deadline::after(LONGEST_WAIT);
        let (mut pause, mut useless) = (FIRST_LOOK, Vec::new());
        loop {
            let looked = self.look_once(&keys, wanted, &mark, &useless).await;
            let Ok((kept, whose, connection)) = looked else { return SharedResult::Everybodys(None) };
            let kept = match kept {
                Some(kept) if is_of_use(&kept) => Some(kept),
                Some(kept) if whose == "fresh" && useless != kept.checksum() && !waiting.left().is_zero() => {
                    // Nobody's turn is told beside a fresh one.
                    kept.checksum().clone_into(&mut useless);
                    continue;
                }
                _ => None,
            };
            match (whose.as_str(), kept) {
                ("fresh", Some(kept)) => return SharedResult::Fresh(kept),
                ("ours", kept) => {
                    return SharedResult::Ours(Lease::hold(&self.link, connection, &keys, mark), kept);
                }
                ("theirs", _) if !waiting.left().is_zero() => {}
                (_, kept) => return SharedResult::Everybodys(kept),
            }
            rt::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_BETWEEN_LOOKS);
        }
    }

    async fn look_once(
        &self,
        keys: &LeaseKeys,
        wanted: &AnswerKey,
        mark: &str,
        useless: &[u8],
    ) -> Result<(Option<StoredAnswer>, String, RedisConnection), Unavailable> {
        let left_when_fresh = milliseconds(wanted.keeps.saturating_sub(wanted.fresh));
        let mut look = LOOK.key(&keys.answer);
        look.key(&keys.lease).arg(left_when_fresh).arg(mark).arg(milliseconds(LEASE)).arg(useless).arg(LARGEST);
        let ((answer, left, whose), connection): ((Value, i64, String), _) =
            self.take_or_undo(look, keys, mark).await?;
        let left = u64::try_from(left).map(Duration::from_millis);
        let kept = match (answer, left) {
            (Value::BulkString(bytes), Ok(left)) => Some(StoredAnswer { bytes, left }),
            _ => None,
        };
        Ok((kept, whose, connection))
    }

    /// Takes the turn, whoever has it: for who insists on an answer from the gateway, which is newer than what another
    /// fetch brings that has begun.
    pub async fn take_lease(&self, name: &str) -> Option<Lease> {
        let (keys, mark) = (LeaseKeys::of(&self.prefix, name), lease::new_mark());
        let take = lease::take_script(&keys, &mark);
        let (_, connection) = self.take_or_undo::<Value>(take, &keys, &mark).await.ok()?;
        Some(Lease::hold(&self.link, connection, &keys, mark))
    }

    /// Runs what may take the turn, and gives the connection on which it did. Who does not wait for the answer any more sends at once after it, on the same connection,
    /// that the turn is not needed: whenever Redis reads the one, it reads the other, and no turn is left to nobody.
    async fn take_or_undo<T>(
        &self,
        script: ScriptInvocation<'static>,
        keys: &LeaseKeys,
        mark: &str,
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
            let undo = lease::store_script(keys, mark, "unneeded", &[], Duration::ZERO, Duration::ZERO);
            rt::spawn(async move {
                let undone = undo.invoke_async::<Value>(&mut connection);
                // Nobody waits for it; a Redis that never answers ends it, too.
                let _undone = rt::time::timeout(LONGEST_WAIT, undone).await;
            });
        }
        outcome.map(|taken| (taken, connection))
    }

    /// Tells the other replicas what came of a fetch, and ends the turn.
    pub async fn store(&self, name: &str, lease: Lease, fetched: FetchOutcome) {
        let keys = LeaseKeys::of(&self.prefix, name);
        let (what, bytes, keeps) = match fetched {
            FetchOutcome::Answer(bytes, keeps) if bytes.len() <= LARGEST && !keeps.is_zero() => {
                ("answer", bytes, keeps)
            }
            // Nobody else can be spared the fetch.
            FetchOutcome::Answer(..) | FetchOutcome::Failure => ("failure", Vec::new(), Duration::ZERO),
            FetchOutcome::Gone => ("gone", Vec::new(), Duration::ZERO),
            FetchOutcome::Unneeded => ("unneeded", Vec::new(), Duration::ZERO),
        };
        let keep = lease::store_script(&keys, lease.mark(), what, &bytes, keeps, lease.left());
        // Nobody waits for this, and a large answer takes longer.
        let deadline = Deadline::after(LEASE);
        if self.link.is_up() {
            let work = |mut connection| async move { keep.invoke_async(&mut connection).await };
            let _kept: Result<Value, _> = self.link.run(Operation::Keep, &deadline, work).await;
        } else {
            // Those who wait for the end of the turn are not to wait because Redis is late for us.
            let mut connection = lease.connection().clone();
            let kept = keep.invoke_async::<Value>(&mut connection);
            let _kept = rt::time::timeout(deadline.left(), kept).await;
        }
    }

    /// Up to where this replica has read the journal.
    pub fn seen(&self) -> Position {
        self.purges.read_to()
    }
}
