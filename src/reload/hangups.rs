//! SIGHUP, by which an operator asks for the configuration to be read again.

/// SIGHUP, where there is one.
pub struct Hangups(#[cfg(unix)] std::io::Result<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Hangups {
    /// From now on the signal ends the process no more, and one that comes is kept until somebody waits for it. Must be
    /// called inside the runtime.
    pub fn listen() -> Self {
        Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()))
    }

    pub(super) fn notify(&self) {
        if let Err(error) = &self.0 {
            tracing::warn!(%error, "SIGHUP cannot be listened to");
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
    /// There is no such signal here.
    pub const fn listen() -> Self {
        Self()
    }

    pub(super) const fn tell(&self) {}

    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}
