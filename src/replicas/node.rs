//! A connection to one server with a limit on its replies. The cluster library opens connections through [`Connect`],
//! which passes on no settings of ours. How nodes are reached is therefore looked up by the current runtime.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::Connect;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, Pipeline, RedisConnectionInfo,
    RedisError, RedisFuture, RedisResult, Value,
};
use rustls::ClientConfig;
use tokio::runtime::{self, Handle};
use tokio::task::JoinHandle;

use super::bounded::BoundedStream;
use crate::http_client::connect::connect;

/// The longest time to open a connection. Only the connection supervisor waits for it.
pub const OPENING: Duration = Duration::from_secs(2);

/// The longest wait for a reply, which is longer than any request waits. A later reply is dropped.
pub(super) const ANSWERING: Duration = Duration::from_secs(1);

/// Data that the peer has not acknowledged for this time is not sent again. Otherwise a network that recovers later
/// would deliver an outdated command, such as taking a lease that nobody wants any more. It is less than [`ANSWERING`],
/// since a connection is not closed before that: what is sent together is delivered together or not at all.
const UNACKNOWLEDGED: Duration = Duration::from_millis(800);

/// The TLS configuration of connections to servers; `None` for plain TCP.
pub(super) type Tls = Option<Arc<ClientConfig>>;

/// The TLS configuration of cluster connections, by the runtime that drives them.
static OF_CLUSTERS: LazyLock<Mutex<HashMap<runtime::Id, Tls>>> = LazyLock::new(Mutex::default);

/// A connection to one server. Clones share it.
#[derive(Clone)]
pub struct NodeConnection {
    connection: MultiplexedConnection,
    _driver: Arc<DriverTask>,
}

/// The task that reads and writes. It ends with the last clone.
struct DriverTask(JoinHandle<()>);

impl Drop for DriverTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl NodeConnection {
    /// Opens a connection and logs in, within [`OPENING`].
    ///
    /// # Errors
    /// Returns what went wrong; the message contains no secret.
    pub(super) async fn open(host: &str, port: u16, tls: &Tls, login: &RedisConnectionInfo) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWERING));
        Self::open_with(host, port, tls, login, config).await
    }

    async fn open_with(
        host: &str,
        port: u16,
        tls: &Tls,
        login: &RedisConnectionInfo,
        config: AsyncConnectionConfig,
    ) -> RedisResult<Self> {
        let opening = async {
            let stream = connect(host, port, tls.as_ref(), OPENING).await.map_err(io::Error::other)?;
            stream.give_up_when_unacknowledged(UNACKNOWLEDGED)?;
            MultiplexedConnection::new_with_config(login, BoundedStream::new(stream), config).await
        };
        let too_slow = |_| RedisError::from((ErrorKind::Io, "it was not reached in time"));
        let (connection, driver) = tokio::time::timeout(OPENING, opening).await.map_err(too_slow)??;
        Ok(Self { connection, _driver: Arc::new(DriverTask(tokio::spawn(driver))) })
    }
}

/// Sets the TLS configuration of cluster connections of this runtime.
pub(super) fn reach_clusters_by(tls: Tls) {
    OF_CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner).insert(Handle::current().id(), tls);
}

impl Connect for NodeConnection {
    fn connect_with_config<'a, T>(info: T, config: AsyncConnectionConfig) -> RedisFuture<'a, Self>
    where
        T: IntoConnectionInfo + Send + 'a,
    {
        Box::pin(async move {
            let info = info.into_connection_info()?;
            let ConnectionAddr::Tcp(host, port) = info.addr() else {
                return Err((ErrorKind::InvalidClientConfig, "a node is named by host and port").into());
            };
            let known =
                OF_CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner).get(&Handle::current().id()).cloned();
            let tls = known.ok_or((ErrorKind::InvalidClientConfig, "this runtime reaches no cluster"))?;
            Self::open_with(host, *port, &tls, info.redis_settings(), config).await
        })
    }
}

impl ConnectionLike for NodeConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        self.connection.req_packed_command(command)
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
