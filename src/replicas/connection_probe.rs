//! Tries what replicas need of Redis, for people who want to know whether it works: in, a round trip, a script, its memory.

use std::time::Duration;

use redis::{ErrorKind, InfoDict, RedisError, RedisResult, Script, Value};

use super::connection::{OPENING, RedisConnection};
use super::link::RedisLink;
use super::refusal;
use super::settings::{Mode, RedisSettings};
use crate::clock::{Clock, Deadline};

/// So many round trips are measured.
const ROUND_TRIPS: u32 = 5;

/// The most time for all of it, besides opening.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionProbe {
    /// The server's version, where it tells.
    pub version: Option<String>,
    /// The shortest round trip that was seen.
    pub round_trip: Duration,
    /// What a round trip may take at most, to be of use to requests.
    pub allowed: Duration,
    /// Whether the server refuses what is new when its memory is full, instead of forgetting what is old.
    pub forgets_nothing: bool,
}

/// Why it does not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct ProbeFailure {
    /// What went wrong; no secret is in it.
    pub cause: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Tries it. One key is written, which ends by itself within a second.
///
/// # Errors
/// The first thing that does not work, and what to do about it.
pub async fn run(settings: &RedisSettings, clock: &Clock) -> Result<ConnectionProbe, ProbeFailure> {
    let opening = tokio::time::timeout(OPENING * 2, RedisConnection::open(settings));
    let mut connection = opening.await.map_err(|_| silent())?.map_err(|error| unopened(settings, &error))?;
    let trying = async {
        use_it(settings, &mut connection).await?;
        measure(settings, &mut connection, clock).await
    };
    let deadline = Deadline::after(PATIENCE);
    tokio::time::timeout(deadline.left(), trying).await.map_err(|_| silent())?.map_err(|error| unusable(&error))
}

async fn use_it(settings: &RedisSettings, connection: &mut RedisConnection) -> RedisResult<()> {
    let script = Script::new("redis.call('SET', KEYS[1], 'x', 'PX', 1000) return redis.call('TIME')");
    script.key(format!("{}:doctor", settings.prefix)).invoke_async::<Value>(connection).await.map(|_| ())
}

async fn measure(
    settings: &RedisSettings,
    connection: &mut RedisConnection,
    clock: &Clock,
) -> RedisResult<ConnectionProbe> {
    let mut round_trip = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        let started = clock.elapsed();
        redis::cmd("PING").query_async::<()>(connection).await?;
        round_trip = round_trip.min(clock.elapsed().saturating_sub(started));
    }
    // A cluster's nodes tell one by one, and some servers tell nobody.
    let info = match settings.mode {
        Mode::Single | Mode::Sentinel => redis::cmd("INFO").query_async::<InfoDict>(connection).await.ok(),
        Mode::Cluster => None,
    };
    let told = |name: &str| info.as_ref().and_then(|info| info.get::<String>(name));
    let has_a_limit = told("maxmemory").is_some_and(|limit| limit != "0");
    Ok(ConnectionProbe {
        version: told("valkey_version").or_else(|| told("redis_version")),
        round_trip,
        allowed: RedisLink::new(settings, clock.clone()).of_an_operation(),
        forgets_nothing: has_a_limit && told("maxmemory_policy").as_deref() == Some("noeviction"),
    })
}

fn silent() -> ProbeFailure {
    ProbeFailure {
        cause: "it does not answer".to_owned(),
        remedy: "check redis.nodes, redis.tls, and whether this machine may reach it",
    }
}

fn unopened(settings: &RedisSettings, error: &RedisError) -> ProbeFailure {
    let remedy = match (error.kind(), settings.mode) {
        (ErrorKind::AuthenticationFailed, _) => "check redis.username and redis.password",
        (ErrorKind::MasterNameNotFoundBySentinel, _) => {
            "check redis.master, the name by which the sentinels know the server, and whether the server runs"
        }
        (_, Mode::Single) => "check redis.nodes, redis.tls and redis.ca_file, and whether the server runs",
        (_, Mode::Sentinel) => "check that redis.nodes are sentinels (usually port 26379), and redis.tls",
        (_, Mode::Cluster) => "check that redis.nodes belong to a cluster, that it is whole, and redis.tls",
    };
    ProbeFailure { cause: error.to_string(), remedy }
}

fn unusable(error: &RedisError) -> ProbeFailure {
    let remedy = match refusal::code(error) {
        Some("NOAUTH") => "set redis.password or redis.password_file",
        Some("NOPERM") => {
            "let this user run EVALSHA, SCRIPT LOAD, GET, SET, DEL, HASH, SORTED SET and STREAM commands on keys that begin \
             with redis.prefix"
        }
        Some("READONLY") => "name the server that is written to, or use mode = \"sentinel\"",
        Some("OOM") => "set maxmemory-policy volatile-lru, or give it more memory",
        _ => "see what the server logs",
    };
    ProbeFailure { cause: error.to_string(), remedy }
}
