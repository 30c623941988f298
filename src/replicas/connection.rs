//! Opens a connection to one server, to the primary that sentinels name, or to a cluster. Clones share the connection:
//! all requests are pipelined through it.

use std::sync::Arc;

use futures_util::future::select_ok;
use redis::aio::ConnectionLike;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    Cmd, ConnectionAddr, ErrorKind, Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult, Value, cmd,
};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};

use super::node::{self, ANSWERING, NodeConnection, Tls};
use super::settings::{Mode, NodeAddress, RedisSettings};

pub use super::node::OPENING;

/// An open connection to Redis.
#[derive(Clone)]
pub enum RedisConnection {
    /// A connection to one server.
    Server(NodeConnection),
    /// Connections to all nodes of a cluster.
    Cluster(ClusterConnection<NodeConnection>),
}

impl RedisConnection {
    /// Opens a connection within [`OPENING`] or little more. Must be called inside the runtime that drives the
    /// connection.
    ///
    /// # Errors
    /// Returns what went wrong; the message contains no secret.
    pub async fn open(settings: &RedisSettings) -> RedisResult<Self> {
        let tls = tls(settings)?;
        match settings.mode {
            Mode::Single => open_single(settings, &tls).await.map(Self::Server),
            Mode::Sentinel => open_by_sentinel(settings, &tls).await.map(Self::Server),
            Mode::Cluster => open_cluster(settings, tls).await.map(Self::Cluster),
        }
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

async fn open_single(settings: &RedisSettings, tls: &Tls) -> RedisResult<NodeConnection> {
    let node = settings.nodes.first().ok_or((ErrorKind::InvalidClientConfig, "there is no node"))?;
    NodeConnection::open(
        &node.host,
        node.port,
        tls,
        &identity(&settings.username, &settings.password, settings.database),
    )
    .await
}

/// Queries all sentinels at once, since some may be down.
async fn open_by_sentinel(settings: &RedisSettings, tls: &Tls) -> RedisResult<NodeConnection> {
    if settings.nodes.is_empty() {
        return Err((ErrorKind::EmptySentinelList, "there is no sentinel").into());
    }
    let openings = settings.nodes.iter().map(|sentinel| Box::pin(open_by(sentinel, settings, tls)));
    select_ok(openings).await.map(|(connection, _)| connection)
}

/// Opens a connection to the server that this sentinel names, if that server considers itself the primary.
async fn open_by(sentinel: &NodeAddress, settings: &RedisSettings, tls: &Tls) -> RedisResult<NodeConnection> {
    let login = identity(&settings.sentinel_username, &settings.sentinel_password, 0);
    let mut sentinel_connection = NodeConnection::open(&sentinel.host, sentinel.port, tls, &login).await?;
    let mut question = cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(&settings.master);
    let address: Option<(String, u16)> = question.query_async(&mut sentinel_connection).await?;
    let unknown = (ErrorKind::MasterNameNotFoundBySentinel, "the sentinel does not know redis.master");
    let (host, port) = address.ok_or(unknown)?;
    let login = identity(&settings.username, &settings.password, settings.database);
    let mut connection = NodeConnection::open(&host, port, tls, &login).await?;
    // A server that may not report its role shows it on the first write.
    let role = cmd("ROLE").query_async::<Vec<Value>>(&mut connection).await.unwrap_or_default();
    match role.first() {
        Some(Value::BulkString(role)) if role != b"master" => {
            Err((ErrorKind::MasterNameNotFoundBySentinel, "the server that the sentinel names is only a replica")
                .into())
        }
        _ => Ok(connection),
    }
}

async fn open_cluster(settings: &RedisSettings, tls: Tls) -> RedisResult<ClusterConnection<NodeConnection>> {
    node::reach_clusters_by(tls);
    let nodes = settings.nodes.iter().map(|node| ConnectionAddr::Tcp(node.host.clone(), node.port));
    // One retry is enough to follow a key that has moved. A request that waits longer continues without Redis.
    let mut builder = ClusterClient::builder(nodes).connection_timeout(OPENING).response_timeout(ANSWERING).retries(1);
    if let Some(username) = &settings.username {
        builder = builder.username(username);
    }
    if let Some(password) = &settings.password {
        builder = builder.password(password.expose_secret());
    }
    builder.build()?.get_async_generic_connection().await
}

fn identity(username: &Option<String>, password: &Option<SecretString>, database: i64) -> RedisConnectionInfo {
    let mut identity = RedisConnectionInfo::default().set_db(database);
    if let Some(username) = username {
        identity = identity.set_username(username);
    }
    if let Some(password) = password {
        identity = identity.set_password(password.expose_secret());
    }
    identity
}

/// Trusts the configured authorities, or the public ones if none are configured.
fn tls(settings: &RedisSettings) -> RedisResult<Tls> {
    if !settings.tls {
        return Ok(None);
    }
    let unusable = |error: String| RedisError::from((ErrorKind::InvalidClientConfig, "redis.ca_file", error));
    let mut roots = RootCertStore::empty();
    match &settings.authorities {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(authorities) => {
            for authority in authorities {
                roots.add(authority.clone()).map_err(|error| unusable(error.to_string()))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| unusable(error.to_string()))?;
    Ok(Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}
