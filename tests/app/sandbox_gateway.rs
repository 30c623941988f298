//! The gateway in a box, on a thread of its own.

use std::sync::Arc;

use storegate::clock::Clock;
use storegate::sandbox::{Sandbox, SandboxSettings};

use crate::app::background::Background;
use crate::app::reserved_port::ReservedPort;

/// The gateway in a box, on a port that it keeps when it is started again.
pub struct SandboxGateway {
    /// For faults and counts.
    pub sandbox: Arc<Sandbox>,
    port: ReservedPort,
    settings: SandboxSettings,
    clock: Clock,
    /// Behind `sandbox`, so that the thread holds the last handle on it.
    running: Background,
}

impl SandboxGateway {
    /// Starts it on a port of its own.
    pub fn start(settings: SandboxSettings, clock: Clock) -> Self {
        Self::start_on(ReservedPort::new(), settings, clock)
    }

    /// Starts it by the machine's clock, as programs go by it.
    pub fn live() -> Self {
        Self::live_with(SandboxSettings::default())
    }

    /// Starts it with these settings by the machine's clock.
    pub fn live_with(settings: SandboxSettings) -> Self {
        Self::start(settings, Clock::system())
    }

    fn start_on(port: ReservedPort, settings: SandboxSettings, clock: Clock) -> Self {
        let listener = port.listen();
        let (its_settings, its_clock) = (settings.clone(), clock.clone());
        let (sandbox, running) = Background::start(move || {
            let sandbox = Arc::new(Sandbox::start(&its_settings, its_clock, listener).unwrap());
            (sandbox.clone(), async move { Arc::into_inner(sandbox).expect("the last handle").stop().await })
        });
        Self { sandbox, port, settings, clock, running }
    }

    /// Stops it. Its port refuses connections for as long as the test has it.
    pub fn stop(self) -> ReservedPort {
        let Self { sandbox, port, running, .. } = self;
        drop(sandbox);
        drop(running);
        port
    }

    /// Stops it and starts a new one, without memory, on the same port.
    pub fn restarted(self) -> Self {
        let (settings, clock) = (self.settings.clone(), self.clock.clone());
        Self::start_on(self.stop(), settings, clock)
    }
}
