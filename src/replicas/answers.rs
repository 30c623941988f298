//! Answers that replicas share, and whose turn it is to fetch one. A turn ends by itself when its replica dies: it is kept
//! only as long as somebody keeps it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use actix_web::rt;
use redis::{Script, Value};
use sha2::{Digest as _, Sha256};

use super::journal::Position;
use super::link::{Link, Operation, Unavailable};
use super::purges::Purges;
use crate::clock::Deadline;

/// How long a turn lasts unless it is kept.
const TURN: Duration = Duration::from_millis(1500);

/// How often a turn is kept.
const KEEPING: Duration = Duration::from_millis(500);

/// How long others are told that a fetch has failed. They fetch for themselves then, instead of one after the other.
const FAILED: Duration = Duration::from_millis(300);

/// Who waits for another replica's fetch looks again after so long, and then at longer and longer intervals.
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Larger answers are not shared: they would hold up everything else on the connection.
const LARGEST: usize = 1 << 20;

/// KEYS: answer, turn. ARGV: how many milliseconds an answer that is fresh has left at least, our mark, how long a turn
/// lasts. Gives the answer, the milliseconds that it has left, and whose turn it is.
static LOOK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local answer, left = redis.call('GET', KEYS[1]), 0
         if answer then
             left = redis.call('PTTL', KEYS[1])
             if left > tonumber(ARGV[1]) then return {answer, left, 'fresh'} end
         end
         if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {answer, left, 'ours'} end
         if redis.call('GET', KEYS[2]) == 'failed' then return {answer, left, 'failed'} end
         return {answer, left, 'theirs'}",
    )
});

/// KEYS: answer, turn. ARGV: our mark (empty for who fetched out of turn), what came of it, the answer, how long it keeps,
/// how long a failure is told. Who has lost its turn, because it stood still for too long, changes nothing.
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if ARGV[1] ~= '' then
             if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
             redis.call('DEL', KEYS[2])
         end
         if ARGV[2] == 'answer' then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
         if ARGV[2] == 'gone' then redis.call('DEL', KEYS[1]) end
         if ARGV[2] ~= 'answer' and ARGV[1] ~= '' then redis.call('SET', KEYS[2], 'failed', 'PX', ARGV[5]) end
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

/// Which answer is looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name in the cache of a process; only a hash of it reaches Redis.
    pub name: Arc<str>,
    /// How long it keeps in all.
    pub keeps: Duration,
    /// How long it is fresh.
    pub fresh: Duration,
}

/// An answer as it lies at Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The bytes; anybody may have written them.
    pub bytes: Vec<u8>,
    /// How long they lie there yet.
    pub left: Duration,
}

/// What a look has found.
pub enum Look {
    /// An answer that was fresh when it was looked for.
    Fresh(Kept),
    /// None that is, and it is our turn to fetch. There may be an older one.
    Ours(Turn, Option<Kept>),
    /// Nobody's turn is known: whoever wants the answer fetches it.
    Everybodys(Option<Kept>),
}

/// What came of a fetch.
pub enum Fetched {
    /// These bytes, which keep so long.
    Answer(Vec<u8>, Duration),
    /// There is no such thing: an answer of before is wrong.
    Gone,
    /// Nothing.
    Failure,
}

/// The answers. Cloning shares them.
#[derive(Clone)]
pub struct SharedAnswers {
    link: Link,
    prefix: Arc<str>,
    purges: Arc<Purges>,
}

/// Our turn to fetch an answer. It is kept until it is dropped or [`SharedAnswers::keep`] ends it.
pub struct Turn {
    mark: String,
    keeping: rt::task::JoinHandle<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

struct Keys {
    answer: String,
    turn: String,
}

impl SharedAnswers {
    /// The answers under this prefix.
    pub(super) fn new(link: Link, prefix: &str, purges: Arc<Purges>) -> Self {
        Self { link, prefix: prefix.into(), purges }
    }

    /// What was purged.
    pub fn purges(&self) -> &Purges {
        &self.purges
    }

    /// Looks for an answer; waits while another replica fetches it, and takes the turn when nobody does. While there is no
    /// link, it is everybody's turn at once.
    pub async fn look(&self, wanted: &Wanted) -> Look {
        let keys = self.keys(&wanted.name);
        let mark = format!("{:032x}", fastrand::u128(..));
        let mut pause = FIRST_LOOK;
        loop {
            let Ok((kept, whose)) = self.look_once(&keys, wanted, &mark).await else { return Look::Everybodys(None) };
            match (whose.as_str(), kept) {
                ("fresh", Some(kept)) => return Look::Fresh(kept),
                ("ours", kept) => return Look::Ours(self.hold(keys.turn, mark), kept),
                ("theirs", _) => {}
                (_, kept) => return Look::Everybodys(kept),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_BETWEEN_LOOKS);
        }
    }

    async fn look_once(&self, keys: &Keys, wanted: &Wanted, mark: &str) -> Result<(Option<Kept>, String), Unavailable> {
        let left_when_fresh = milliseconds(wanted.keeps.saturating_sub(wanted.fresh));
        let mut look = LOOK.key(&keys.answer);
        look.key(&keys.turn).arg(left_when_fresh).arg(mark).arg(milliseconds(TURN));
        let deadline = self.link.patience();
        let found: (Value, i64, String) = self
            .link
            .run(Operation::Look, &deadline, |mut connection| async move { look.invoke_async(&mut connection).await })
            .await?;
        let (answer, left, whose) = found;
        let left = u64::try_from(left).map(Duration::from_millis);
        let kept = match (answer, left) {
            (Value::BulkString(bytes), Ok(left)) => Some(Kept { bytes, left }),
            _ => None,
        };
        Ok((kept, whose))
    }

    /// Tells the other replicas what came of a fetch, and ends the turn.
    pub async fn keep(&self, name: &str, turn: Option<Turn>, fetched: Fetched) {
        let keys = self.keys(name);
        let mark = turn.as_ref().map_or("", |turn| turn.mark.as_str());
        if mark.is_empty() && matches!(fetched, Fetched::Failure) {
            return;
        }
        let (what, bytes, keeps) = match fetched {
            Fetched::Answer(bytes, keeps) if bytes.len() <= LARGEST && !keeps.is_zero() => ("answer", bytes, keeps),
            // Nobody else can be spared the fetch.
            Fetched::Answer(..) | Fetched::Failure => ("failure", Vec::new(), Duration::ZERO),
            Fetched::Gone => ("gone", Vec::new(), Duration::ZERO),
        };
        let mut keep = KEEP.key(keys.answer);
        keep.key(keys.turn).arg(mark).arg(what).arg(bytes).arg(milliseconds(keeps)).arg(milliseconds(FAILED));
        // Nobody waits for this, and a large answer takes longer.
        let deadline = Deadline::after(TURN);
        let _kept: Result<Value, _> = self
            .link
            .run(Operation::Keep, &deadline, |mut connection| async move { keep.invoke_async(&mut connection).await })
            .await;
    }

    /// Keeps the turn for as long as the process runs and wants it.
    fn hold(&self, key: String, mark: String) -> Turn {
        let (link, its_mark) = (self.link.clone(), mark.clone());
        let keeping = rt::spawn(async move {
            loop {
                tokio::time::sleep(KEEPING).await;
                let mut renew = RENEW.key(&key);
                renew.arg(&its_mark).arg(milliseconds(TURN));
                let deadline = link.patience();
                let kept: Result<i64, _> = link
                    .run(Operation::Renew, &deadline, |mut connection| async move {
                        renew.invoke_async(&mut connection).await
                    })
                    .await;
                if kept != Ok(1) {
                    return;
                }
            }
        });
        Turn { mark, keeping }
    }

    /// Both keys have the same part in braces, so that a cluster keeps them at one node. Names may be long and tell whose
    /// data it is; a hash of them does not.
    fn keys(&self, name: &str) -> Keys {
        let hash = base16ct::lower::encode_string(&Sha256::digest(name));
        Keys { answer: format!("{}:answer:{{{hash}}}", self.prefix), turn: format!("{}:turn:{{{hash}}}", self.prefix) }
    }

    /// Up to where this replica has read the journal.
    pub fn seen(&self) -> Position {
        self.purges.read_to()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
