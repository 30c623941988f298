//! The set of revoked tokens in Redis, for replicas that start later or were disconnected. Each replica holds all of
//! them in memory, so that no request waits for Redis to learn that its token is revoked.

use redis::aio::ConnectionLike;
use redis::{RedisResult, cmd};

use super::journal::RevokedToken;

/// Seconds after its expiry at which a token counts as expired for all replicas: a replica's clock may be ahead.
const LONG_ENDED: i64 = 24 * 3600;

/// The number of tokens that are written or read at once.
const PAGE: usize = 1000;

/// The set in Redis, ordered by the tokens' expiry.
#[derive(Clone, Debug)]
pub struct RevokedSet {
    key: String,
}

impl RevokedSet {
    /// Opens the set under this key prefix.
    pub fn new(prefix: &str) -> Self {
        Self { key: format!("{prefix}:revoked") }
    }

    /// Adds tokens, and returns how many of them were new.
    ///
    /// # Errors
    /// Returns Redis' error.
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

    /// Returns the number of tokens.
    ///
    /// # Errors
    /// Returns Redis' error.
    pub async fn count<C: ConnectionLike>(&self, connection: &mut C) -> RedisResult<usize> {
        cmd("ZCARD").arg(&self.key).query_async(connection).await
    }

    /// Returns all tokens. Those that expired long before `now`, in seconds since 1970, are removed.
    ///
    /// # Errors
    /// Returns Redis' error.
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
            // Reading starts at the end: what another replica removes meanwhile at the beginning moves nothing that is
            // still to be read.
            let mut command = cmd("ZREVRANGEBYSCORE");
            command.arg(&self.key).arg("+inf").arg("-inf").arg("WITHSCORES").arg("LIMIT").arg(tokens.len()).arg(PAGE);
            let page: Vec<(String, f64)> = command.query_async(connection).await?;
            let is_last = page.len() < PAGE;
            tokens.extend(page.iter().map(|(member, score)| read(member, *score)));
            if is_last {
                // A member that cannot be decoded was not written by this program.
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
