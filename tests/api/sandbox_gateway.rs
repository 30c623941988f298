//! The gateway in a box, on a thread of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use storegate::clock::Clock;
use storegate::sandbox::{Sandbox, SandboxSettings};

use crate::background::Background;

/// The gateway in a box, on a port that it keeps when it is started again.
pub struct SandboxGateway {
    /// For faults and counts.
    pub sandbox: Arc<Sandbox>,
    address: SocketAddr,
    settings: SandboxSettings,
    clock: Clock,
    /// Behind `sandbox`, so that the thread holds the last handle on it.
    running: Background,
}

impl SandboxGateway {
    /// Starts it; port 0 for a free one.
    pub fn start(address: SocketAddr, settings: SandboxSettings, clock: Clock) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (its_settings, its_clock) = (settings.clone(), clock.clone());
        let (sandbox, running) = Background::start(move || {
            let sandbox = Arc::new(Sandbox::start(&its_settings, its_clock, listener).unwrap());
            (sandbox.clone(), async move { Arc::into_inner(sandbox).expect("the last handle").stop().await })
        });
        Self { sandbox, address, settings, clock, running }
    }

    /// Stops it and starts a new one, without memory, on the same port.
    pub fn restarted(self) -> Self {
        let Self { sandbox, address, settings, clock, running } = self;
        drop(sandbox);
        drop(running);
        Self::start(address, settings, clock)
    }
}
