//! Graceful shutdown on SIGTERM: the service reports that it is not ready and keeps serving while load balancers turn
//! away. Then the listener closes and requests in progress are finished. SIGINT and SIGQUIT end the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;

/// What a signal requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignalKind {
    /// A graceful shutdown.
    ToStop,
    /// An immediate end.
    ToEnd,
}

/// The signals that end a process. While this value listens, they no longer do so by themselves.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    /// Ignored, so that a log file at the system's size limit (`ulimit -f`) only fails its write and does not end the
    /// process.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    _file_too_large: tokio::signal::unix::Signal,
}

/// The number of `SIGXFSZ`.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const FILE_TOO_LARGE: i32 = 25;

#[cfg(unix)]
impl Signals {
    /// Listens for the signals. Must be called inside the runtime.
    ///
    /// # Errors
    /// Returns the error of the operating system.
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

/// Listens for Ctrl-C on systems without Unix signals.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens for the signals. Must be called inside the runtime.
    ///
    /// # Errors
    /// Never fails.
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

/// Waits for signals and stops the server. A second SIGTERM skips the wait for load balancers. SIGINT or SIGQUIT skips
/// the wait for requests in progress: this function then returns before the server has stopped.
pub async fn on_signal(mut signals: Signals, server: ServerHandle, stopping: &AtomicBool, delay: Duration) {
    if signals.next().await == SignalKind::ToEnd {
        return;
    }
    stopping.store(true, Ordering::Relaxed);
    tracing::info!(delay_seconds = delay.as_secs_f64(), "stopping: not ready from now on");
    if tokio::time::timeout(delay, signals.next()).await == Ok(SignalKind::ToEnd) {
        return;
    }
    tracing::info!("stopping: finishing requests in progress");
    let draining = server.stop(true);
    let ended = async { while signals.next().await != SignalKind::ToEnd {} };
    tokio::select! {
        () = draining => std::future::pending().await,
        () = ended => {}
    }
}
