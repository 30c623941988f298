//! The seconds that signatures have used, for all replicas together: a gateway that takes each signature once must not see
//! two replicas make the same one.

use std::fmt;
use std::sync::{Arc, LazyLock};

use redis::Script;

use super::link::{Link, Operation};

/// KEYS: what the call has used: the latest second, and the one before the clock jumped ahead, if it did. ARGV: the
/// gateway's time, the first second that may be used, how far ahead a second may lie, how long to remember.
/// Gives a second, or nothing. The rules are those of `gateway/stamps.rs`.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, first, lead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local used = redis.call('HMGET', KEYS[1], 'last', 'before_jump')
         local last, before = tonumber(used[1] or ''), tonumber(used[2] or '')
         if last and last > now + lead then
             last = (before and before <= now + lead) and before or nil
         end
         local second = math.max(now, first, last and last + 1 or now)
         if second > now + lead then return false end
         if not last or second > last + lead then
             redis.call('HSET', KEYS[1], 'before_jump', string.format('%.0f', last or 0))
         end
         redis.call('HSET', KEYS[1], 'last', string.format('%.0f', second))
         redis.call('EXPIRE', KEYS[1], ARGV[4])
         return string.format('%.0f', second)",
    )
});

/// How long a call is remembered, in seconds: longer than any gateway remembers a signature (OMS: 3600 s).
const REMEMBERED: i64 = 2 * 3600;

/// What is known of a second for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This one is ours alone.
    Second(i64),
    /// Every second that may be used has been used.
    None,
    /// Redis is not to be had.
    Unknown,
}

/// The seconds. Cloning shares them.
#[derive(Clone)]
pub struct SharedSeconds {
    link: Link,
    prefix: Arc<str>,
}

impl fmt::Debug for SharedSeconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedSeconds").finish_non_exhaustive()
    }
}

impl SharedSeconds {
    pub(super) fn new(link: Link, prefix: &str) -> Self {
        Self { link, prefix: prefix.into() }
    }

    /// Takes the first second from `first` on that no equal call of any replica has used, at most `lead` seconds ahead of
    /// the gateway's time `now`. A call is known by a hash of all that is signed but the time.
    pub async fn take(&self, call: &[u8], now: i64, first: i64, lead: i64) -> Taken {
        let key = format!("{}:second:{}", self.prefix, base16ct::lower::encode_string(call));
        let mut take = TAKE.key(key);
        take.arg(now).arg(first).arg(lead).arg(REMEMBERED);
        let deadline = self.link.patience();
        let work = |mut connection| async move { take.invoke_async(&mut connection).await };
        match self.link.run::<Option<i64>, _>(Operation::Second, &deadline, work).await {
            Ok(Some(second)) => Taken::Second(second),
            Ok(None) => Taken::None,
            Err(_) => Taken::Unknown,
        }
    }
}
