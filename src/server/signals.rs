//! Graceful shutdown on SIGTERM: the service first reports that it is not ready and keeps serving while load balancers turn
//! away; then the listener closes and requests in progress are finished. SIGINT and SIGQUIT end it at once.

use std::time::Duration;

use actix_web::dev::ServerHandle;

use crate::http::stopping::Stopping;

/// What the system asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignalKind {
    /// To stop in good order.
    ToStop,
    /// To end at once.
    ToEnd,
}

/// The signals that end a process. From now on they do so no more.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    /// A log that has grown to the system's limit on files (`ulimit -f`): the write fails, and that is enough.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    _file_too_large: tokio::signal::unix::Signal,
}

/// `SIGXFSZ`.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const FILE_TOO_LARGE: i32 = 25;

#[cfg(unix)]
impl Signals {
    /// Must be called inside the runtime.
    ///
    /// # Errors
    /// The system's answer.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            #[cfg(any(target_os = "linux", target_os = "macos"))]
            _file_too_large: signal(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::ToStop,
            _ = self.interrupt.recv() => SignalKind::ToEnd,
            _ = self.quit.recv() => SignalKind::ToEnd,
        }
    }
}

/// Ctrl-C, where there are no other signals.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Must be called inside the runtime.
    ///
    /// # Errors
    /// None.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> SignalKind {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        SignalKind::ToEnd
    }
}

/// Waits for a signal, and stops the server as it asks. Who asks twice does not wait for load balancers, and whoever wants the
/// end does not wait for what is under way: then this is ready before the server is.
pub async fn on_signal(mut signals: Signals, server: ServerHandle, stopping: Stopping, delay: Duration) {
    if signals.next().await == SignalKind::ToEnd {
        return;
    }
    stopping.begin();
    tracing::info!(delay_seconds = delay.as_secs_f64(), "stopping: not ready from now on");
    if tokio::time::timeout(delay, signals.next()).await == Ok(SignalKind::ToEnd) {
        return;
    }
    tracing::info!("stopping: finishing what is under way");
    let draining = server.stop(true);
    let ended = async { while signals.next().await != SignalKind::ToEnd {} };
    tokio::select! {
        () = draining => std::future::pending().await,
        () = ended => {}
    }
}
