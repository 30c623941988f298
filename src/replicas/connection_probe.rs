//! A probe for operators that tests what replicas need of Redis: login, a round trip, a script, and the memory policy.

use std::time::Duration;

use redis::{ErrorKind, InfoDict, RedisError, RedisResult, Script, Value};

use super::connection::{OPENING, RedisConnection};
use super::link::RedisLink;
use super::refusal;
use super::settings::{Mode, RedisSettings};
use crate::clock::{Clock, Deadline};

/// Number of round trips that are measured.
const ROUND_TRIPS: u32 = 5;

/// The longest time for the whole probe, without opening the connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// The result of a successful probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionProbe {
    /// The server's version, if the server reports it.
    pub version: Option<String>,
    /// The shortest measured round trip.
    pub round_trip: Duration,
    /// The longest round trip that is still useful to requests.
    pub allowed: Duration,
    /// Whether the server refuses new keys when its memory is full, instead of evicting old ones.
    pub forgets_nothing: bool,
}

/// Why the probe failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct ProbeFailure {
    /// What went wrong; the text contains no secret.
    pub cause: String,
    /// What the operator should do.
    pub remedy: &'static str,
}

/// Runs the probe. It writes one key, which expires within a second.
///
/// # Errors
/// Returns the first step that fails, and what to do about it.
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
    // Nodes of a cluster report individually, and some servers do not report at all.
    let info = match settings.mode {
        Mode::Single | Mode::Sentinel => redis::cmd("INFO").query_async::<InfoDict>(connection).await.ok(),
        Mode::Cluster => None,
    };
    let value_of = |name: &str| info.as_ref().and_then(|info| info.get::<String>(name));
    let has_a_limit = value_of("maxmemory").is_some_and(|limit| limit != "0");
    Ok(ConnectionProbe {
        version: value_of("valkey_version").or_else(|| value_of("redis_version")),
        round_trip,
        allowed: RedisLink::new(settings, clock.clone()).of_an_operation(),
        forgets_nothing: has_a_limit && value_of("maxmemory_policy").as_deref() == Some("noeviction"),
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
