//! SIGHUP, the signal by which an operator requests a reload.

/// The SIGHUP signals, on systems that have them.
pub struct Hangups(#[cfg(unix)] std::io::Result<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    /// Starts to listen. From then on the signal no longer ends the process, and one that arrives is held until it is
    /// awaited. Must be called inside the runtime.
    pub fn listen() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()))
    }

    pub(super) fn notify(&self) {
        if let Err(error) = &self.0 {
            tracing::warn!(%error, "SIGHUP unavailable: the signal cannot be received");
        }
    }

    pub(super) async fn next(&mut self) {
        let has_come = match &mut self.0 {
            Ok(signal) => signal.recv().await.is_some(),
            Err(_) => false,
        };
        if !has_come {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
impl Hangups {
    /// Listens to nothing, since this system has no such signal.
    pub const fn listen() -> Self {
        Self()
    }

    pub(super) const fn tell(&self) {}

    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
