//! The tokens that were given back, at Redis: for replicas that start later, and for those that were away. Each replica
//! holds all of them in memory, so that no request waits for Redis to learn that its token is dead.

use redis::aio::ConnectionLike;
use redis::{RedisResult, cmd};

use super::journal::RevokedToken;

/// When a token counts as ended for all, in seconds after it has: a replica's clock may be ahead.
const LONG_ENDED: i64 = 24 * 3600;

/// Tokens that are written or read at once.
const PAGE: usize = 1000;

/// The set at Redis, ordered by when each token would have ended.
#[derive(Clone, Debug)]
pub struct RevokedSet {
    key: String,
}

impl RevokedSet {
    /// The set under this prefix.
    pub fn new(prefix: &str) -> Self {
        Self { key: format!("{prefix}:revoked") }
    }

    /// Adds tokens, and gives how many of them were not there.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn add<C: ConnectionLike>(&self, connection: &mut C, tokens: &[RevokedToken]) -> RedisResult<usize> {
        let mut added = 0;
        for page in tokens.chunks(PAGE) {
            let mut command = cmd("ZADD");
            command.arg(&self.key);
            for RevokedToken { token, client, until } in page {
                command.arg(until).arg(format!("{token} {client}"));
            }
            added += command.query_async::<usize>(connection).await?;
        }
        Ok(added)
    }

    /// How many there are.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn count<C: ConnectionLike>(&self, connection: &mut C) -> RedisResult<usize> {
        cmd("ZCARD").arg(&self.key).query_async(connection).await
    }

    /// All of them. Those that ended long before `now`, in seconds since 1970, are forgotten.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn all<C: ConnectionLike>(&self, connection: &mut C, now: i64) -> RedisResult<Vec<RevokedToken>> {
        let ended = now.saturating_sub(LONG_ENDED);
        cmd("ZREMRANGEBYSCORE")
            .arg(&self.key)
            .arg("-inf")
            .arg(format!("({ended}"))
            .query_async::<()>(connection)
            .await?;
        let mut tokens = Vec::new();
        loop {
            // From the end: what another replica forgets meanwhile, at the beginning, moves nothing that is still to be read.
            let mut command = cmd("ZREVRANGEBYSCORE");
            command.arg(&self.key).arg("+inf").arg("-inf").arg("WITHSCORES").arg("LIMIT").arg(tokens.len()).arg(PAGE);
            let page: Vec<(String, f64)> = command.query_async(connection).await?;
            let is_last = page.len() < PAGE;
            tokens.extend(page.iter().map(|(member, score)| read(member, *score)));
            if is_last {
                // What cannot be understood is not one of ours.
                return Ok(tokens.into_iter().flatten().collect());
            }
        }
    }
}

fn read(member: &str, score: f64) -> Option<RevokedToken> {
    let (token, client) = member.split_once(' ')?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970; a cast keeps within the type's bounds")]
    let until = score as i64;
    Some(RevokedToken { token: token.to_owned(), client: client.to_owned(), until })
}
