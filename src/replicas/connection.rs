//! Opens a connection to one server, to the one that sentinels name, or to a cluster. Cloning a connection shares it: all
//! requests go through one, in a row, as Redis wants it.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, Pipeline, RedisConnectionInfo,
    RedisFuture, RedisResult, TlsCertificates, TlsMode, Value,
};
use secrecy::ExposeSecret as _;

use super::settings::{Login, Mode, Node, RedisSettings};

/// How long opening may take. Nobody waits for it but the upkeep.
pub const OPENING: Duration = Duration::from_secs(2);

/// Longer than any request waits: what has no answer then never gets one.
const ANSWERING: Duration = Duration::from_secs(1);

/// What the other side has not acknowledged for so long is not sent again: a network that is whole again after longer would
/// deliver what was asked long ago, such as a turn that nobody wants any more. Less than [`ANSWERING`], since a connection is
/// not closed before that: what is sent together is delivered together or not at all.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_millis(800);

/// An open connection.
#[derive(Clone)]
pub enum Connection {
    /// To one server.
    Server(MultiplexedConnection),
    /// To all nodes of a cluster.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Opens a connection, within [`OPENING`] or little more. Must be called inside the runtime that is to drive it.
    ///
    /// # Errors
    /// What went wrong; the message holds no secret.
    pub async fn open(settings: &RedisSettings) -> RedisResult<Self> {
        match settings.mode {
            Mode::Single => open_single(settings).await.map(Self::Server),
            Mode::Sentinel => open_by_sentinel(settings).await.map(Self::Server),
            Mode::Cluster => open_cluster(settings).await.map(Self::Cluster),
        }
    }
}

impl ConnectionLike for Connection {
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

async fn open_single(settings: &RedisSettings) -> RedisResult<MultiplexedConnection> {
    let node = settings.nodes.first().ok_or((redis::ErrorKind::InvalidClientConfig, "there is no node"))?;
    let info = address(node, settings.tls)
        .into_connection_info()?
        .set_redis_settings(identity(settings))
        .set_tcp_settings(tcp());
    let client = match certificates(settings) {
        Some(certificates) => Client::build_with_tls(info, certificates)?,
        None => Client::open(info)?,
    };
    client.get_multiplexed_async_connection_with_config(&timeouts()).await
}

async fn open_by_sentinel(settings: &RedisSettings) -> RedisResult<MultiplexedConnection> {
    let sentinels = settings.nodes.iter().map(|node| address(node, settings.tls));
    let mut builder = SentinelClientBuilder::new(sentinels, &settings.master, SentinelServerType::Master)?
        .set_client_to_redis_db(settings.database)
        .set_client_to_redis_tcp_settings(tcp());
    if settings.tls {
        builder =
            builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
        if let Some(certificates) = certificates(settings) {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
    }
    if let Some(username) = &settings.login.username {
        builder = builder.set_client_to_redis_username(username);
    }
    if let Some(password) = &settings.login.password {
        builder = builder.set_client_to_redis_password(password.expose_secret());
    }
    if let Some(username) = &settings.sentinel_login.username {
        builder = builder.set_client_to_sentinel_username(username);
    }
    if let Some(password) = &settings.sentinel_login.password {
        builder = builder.set_client_to_sentinel_password(password.expose_secret());
    }
    builder.build()?.get_async_connection_with_config(&timeouts()).await
}

async fn open_cluster(settings: &RedisSettings) -> RedisResult<ClusterConnection> {
    let nodes = settings.nodes.iter().map(|node| address(node, settings.tls));
    // One more try is enough to follow a key that has moved; whoever waits longer goes on without.
    let mut builder = ClusterClient::builder(nodes).connection_timeout(OPENING).response_timeout(ANSWERING).retries(1);
    builder = builder.tcp_settings(tcp());
    if settings.tls {
        builder = builder.tls(TlsMode::Secure);
    }
    if let Some(certificates) = certificates(settings) {
        builder = builder.certs(certificates);
    }
    if let Some(username) = &settings.login.username {
        builder = builder.username(username);
    }
    if let Some(password) = &settings.login.password {
        builder = builder.password(password.expose_secret());
    }
    builder.build()?.get_async_connection().await
}

fn timeouts() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(OPENING)).set_response_timeout(Some(ANSWERING))
}

/// Small commands go at once: none waits for the answer to the one before it.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

fn address(node: &Node, tls: bool) -> ConnectionAddr {
    let Node { host, port } = node.clone();
    if tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    }
}

fn identity(settings: &RedisSettings) -> RedisConnectionInfo {
    let Login { username, password } = &settings.login;
    let mut identity = RedisConnectionInfo::default().set_db(settings.database);
    if let Some(username) = username {
        identity = identity.set_username(username);
    }
    if let Some(password) = password {
        identity = identity.set_password(password.expose_secret());
    }
    identity
}

fn certificates(settings: &RedisSettings) -> Option<TlsCertificates> {
    let root_cert = settings.authorities.clone().filter(|_| settings.tls)?;
    Some(TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
}
