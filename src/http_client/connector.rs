//! Gives the client library a connection for each request: from the pool, or a new one. The library's own pool stays
//! empty, because every response that it sees states that its connection ends.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::future::{Either, LocalBoxFuture, Ready};
use rustls::ClientConfig;

use super::connect::connect;
use super::failure::RequestFailure;
use super::pool::Pool;
use super::pooled_connection::PooledConnection;
use crate::settings::http_url;

/// The connector of one worker, for one kind of connection reuse.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Whether connections are taken from the pool. They are returned to it in any case.
    pub(super) reuses: bool,
    pub(super) pool: Pool,
    pub(super) time: Duration,
}

type ConnectResult = Result<Connection<Uri, PooledConnection>, ConnectError>;

impl Connector {
    async fn connect(self, uri: Uri) -> ConnectResult {
        let failed = |failure: RequestFailure| ConnectError::Io(failure.into_io());
        let authority = uri.authority().cloned().ok_or(failed(RequestFailure::BadAddress))?;
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let port = http_url::port(&authority, usual).ok_or(failed(RequestFailure::BadAddress))?;
        let stream = connect(authority.host(), port, self.tls.as_ref(), self.time).await;
        let stream = stream.map_err(|error| {
            tracing::debug!(%error, "connection failed");
            failed(error.failure())
        })?;
        let home = self.pool.home((self.tls.is_some(), authority));
        Ok(Connection::new(uri, PooledConnection::new(stream, home, false)))
    }

    fn reused(&self, uri: &Uri) -> Option<Connection<Uri, PooledConnection>> {
        let server = (self.tls.is_some(), uri.authority().filter(|_| self.reuses)?.clone());
        let (stream, home) = self.pool.take(&server)?;
        Some(Connection::new(uri.clone(), PooledConnection::new(stream, home, true)))
    }
}

impl Service<ConnectInfo<Uri>> for Connector {
    type Response = Connection<Uri, PooledConnection>;
    type Error = ConnectError;
    type Future = Either<Ready<ConnectResult>, LocalBoxFuture<'static, ConnectResult>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ConnectInfo<Uri>) -> Self::Future {
        let uri = request.request();
        match self.reused(uri) {
            Some(connection) => Either::Left(futures_util::future::ready(Ok(connection))),
            None => Either::Right(Box::pin(self.clone().connect(uri.clone()))),
        }
    }
}
