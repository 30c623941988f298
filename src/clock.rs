//! The only reader of time. Everything that depends on time is handed a [`Clock`], so a test can move it by hand.
//! Direct reads elsewhere are refused by `clippy.toml`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Reads wall time (for signatures, tokens and documents) and elapsed time (for freshness and deadlines).
///
/// The two are separate because an operator may set the wall clock while the process runs;
/// elapsed time never goes back.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual(Arc<ManualTime>),
}

#[derive(Debug)]
struct ManualTime {
    wall_milliseconds: AtomicI64,
    elapsed_milliseconds: AtomicU64,
}

impl Clock {
    /// The clock of the machine.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// A clock that stands still until its [`ManualClock`] moves it.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let time = Arc::new(ManualTime {
            wall_milliseconds: AtomicI64::new(start.as_millisecond()),
            elapsed_milliseconds: AtomicU64::new(0),
        });
        (Self(Source::Manual(time.clone())), ManualClock(time))
    }

    /// Wall time.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Manual(time) => {
                let milliseconds = time.wall_milliseconds.load(Ordering::Acquire);
                Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }

    /// Time since this clock was made; it never goes back.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(time) => Duration::from_millis(time.elapsed_milliseconds.load(Ordering::Acquire)),
        }
    }
}

/// The end of a time given for something on a real socket. It goes by the runtime's timers, which a moved clock does not
/// move: a gateway that hangs hangs for real.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(tokio::time::Instant);

impl Deadline {
    /// So much from now on.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn after(time: Duration) -> Self {
        Self(tokio::time::Instant::now() + time)
    }

    /// What is left; nothing when it has passed.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(tokio::time::Instant::now())
    }
}

/// The hand that moves a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<ManualTime>);

impl ManualClock {
    /// Lets time pass: wall and elapsed time move together.
    pub fn advance(&self, by: Duration) {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.elapsed_milliseconds.fetch_add(milliseconds, Ordering::AcqRel);
        let wall = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        self.0.wall_milliseconds.fetch_add(wall, Ordering::AcqRel);
    }

    /// Sets the wall clock, as an operator would; no time passes.
    pub fn set_wall(&self, to: Timestamp) {
        self.0.wall_milliseconds.store(to.as_millisecond(), Ordering::Release);
    }
}
