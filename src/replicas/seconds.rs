//! The seconds that signatures have used, for all replicas together: a gateway that takes each signature once must not see
//! two replicas make the same one.

use std::fmt;
use std::sync::{Arc, LazyLock};

use redis::Script;

use super::link::{Link, Operation};

/// KEYS: what the call has used, as runs of seconds, `first-last`. ARGV: the gateway's time, the first second that may be
/// used, how far ahead a second may lie, how long to remember. Gives a second, or nothing. The rules are those of
/// `gateway/stamps/runs.rs`.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now, first, lead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local runs, most = {}, 4
         for begins, ends in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%d+)-(%d+)') do
             if #runs < most then runs[#runs + 1] = {tonumber(begins), tonumber(ends)} end
         end
         local second, moved = math.max(now, first), true
         while moved do
             moved = false
             for _, run in ipairs(runs) do
                 if run[1] <= second and second <= run[2] and run[2] <= now + lead then
                     second, moved = run[2] + 1, true
                 end
             end
         end
         if second > now + lead then return false end
         local place
         for at, run in ipairs(runs) do
             if run[2] < second and second <= run[2] + lead and (not place or run[2] > runs[place][2]) then place = at end
         end
         local run = place and table.remove(runs, place) or {second}
         run[2] = second
         runs[#runs + 1] = run
         if #runs > most then table.remove(runs, 1) end
         local written = {}
         for at, run in ipairs(runs) do written[at] = string.format('%.0f-%.0f', run[1], run[2]) end
         redis.call('SET', KEYS[1], table.concat(written, ' '), 'EX', ARGV[4])
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
        let key = format!("{}:seconds:{}", self.prefix, base16ct::lower::encode_string(call));
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
