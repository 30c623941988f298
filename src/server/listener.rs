//! The listener and its workers: limits on connections, timeouts for idle and slow clients, and the drain on shutdown.
//!
//! This is actix-web's own server, assembled from its parts so that every socket passes through `server/connection.rs`.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::{AppConfig, Server};
use actix_web::rt::net::{TcpSocket, TcpStream};
use futures_util::future::ready;

use super::connection::{Connection, LINGERING_CLOSE};
use super::open_files;
use super::pipelining::without_pipelining;
use super::slots::{self, Slots};
use super::slow_clients::ClientTimeouts;
use crate::http::public_url::PublicUrl;
use crate::supervisor::Supervisor;

/// Connections that the system queues while all workers are busy. Most systems cap the number at 4096.
const BACKLOG: u32 = 2048;

/// Limits and timeouts of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The number of worker threads.
    pub workers: usize,
    /// The most open connections over all workers. There are fewer if the system allows fewer open files.
    pub connections: usize,
    /// Whether the configuration sets the number of connections.
    pub connections_are_set: bool,
    /// Timeouts for slow clients.
    pub timeouts: ClientTimeouts,
    /// How long a connection may be idle before its next request.
    pub keep_alive: Duration,
    /// How long a shutdown waits for requests in progress.
    pub drain: Duration,
    /// Whether responses depend on `Origin`, so that they carry `Vary: Origin`.
    pub varies_by_origin: bool,
    /// The address that clients use.
    pub public_url: PublicUrl,
    /// The most bytes of a request line with its header fields.
    pub largest_head: usize,
}

/// Binds a listener to this address.
///
/// # Errors
/// Returns the error of the operating system.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted process must not wait for connections of its predecessor.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Starts the workers, each with an application of its own. `on_stop` is called when a shutdown begins, to end streams
/// that would not end by themselves. Must be called inside the runtime.
///
/// # Errors
/// Returns the error of the operating system if the listener cannot be used.
pub fn start<F, I, S, B>(
    listener: TcpListener,
    limits: &ConnectionLimits,
    on_stop: impl Fn() + 'static,
    supervisor: &Supervisor,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error>,
    S::InitError: Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    let connections = open_files::fit(limits.connections, limits.connections_are_set).div_ceil(limits.workers.max(1));
    let builder = Server::build()
        .workers(limits.workers)
        // `signals.rs` handles signals.
        .disable_signals()
        // The limit is higher than the number of slots, so that a health check gets past waiting connections.
        .max_concurrent_connections(slots::most(connections))
        .shutdown_timeout(limits.drain.as_secs());
    let stopping = builder.graceful_shutdown_signal();
    let (stop, on_stop) = (stopping.clone(), Rc::new(on_stop));
    supervisor.task("stop", move || {
        let (stop, on_stop) = (stop.clone(), on_stop.clone());
        async move {
            stop.notified().await;
            on_stop();
            Ok(())
        }
    });
    let limits = limits.clone();
    let builder = builder.listen("storegate", listener, move || {
        let (stopping, limits) = (stopping.clone(), Rc::new(limits.clone()));
        let application = application().into_factory().map_err(|error| Response::from(error.into().error_response()));
        let application = without_pipelining(map_config(application, |()| AppConfig::default()));
        let http = HttpService::build()
            .on_connect_ext(|connection: &Connection<TcpStream>, data| {
                data.insert(connection.responses.clone());
            })
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.timeouts.head)
            .client_disconnect_timeout(LINGERING_CLOSE)
            // Idle connections are closed, so that the drain does not wait for them.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .h1(application);
        let slots = Slots::new(connections);
        fn_service(move |io: TcpStream| {
            let peer = io.peer_addr().ok();
            ready(Ok::<_, DispatchError>((Connection::new(io, slots.enter(), peer, &limits), peer)))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
