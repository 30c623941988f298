//! The only reader of time. Everything that depends on time receives a [`Clock`], so a test can advance it. Direct
//! reads elsewhere are refused by `clippy.toml`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Reads wall time (for signatures, tokens and documents) and elapsed time (for freshness and deadlines).
///
/// The two are separate because an operator may set the wall clock while the process runs. Elapsed time never
/// decreases, and it continues while the machine is suspended.
#[derive(Clone, Debug)]
pub struct Clock(TimeSource);

#[derive(Clone, Debug)]
enum TimeSource {
    System { started: Duration },
    Manual(Arc<ManualTime>),
}

#[derive(Debug)]
struct ManualTime {
    wall_milliseconds: AtomicI64,
    elapsed_milliseconds: AtomicU64,
}

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        Self(TimeSource::System { started: uptime() })
    }

    /// Returns a clock that stands still until its [`ManualClock`] advances it.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let time = Arc::new(ManualTime {
            wall_milliseconds: AtomicI64::new(start.as_millisecond()),
            elapsed_milliseconds: AtomicU64::new(0),
        });
        (Self(TimeSource::Manual(time.clone())), ManualClock(time))
    }

    /// Returns the wall time.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            TimeSource::System { .. } => Timestamp::now(),
            TimeSource::Manual(time) => {
                let milliseconds = time.wall_milliseconds.load(Ordering::Acquire);
                Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }

    /// Returns the time since this clock was created; it never decreases.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            TimeSource::System { started } => uptime().saturating_sub(*started),
            TimeSource::Manual(time) => Duration::from_millis(time.elapsed_milliseconds.load(Ordering::Acquire)),
        }
    }
}

/// Returns the uptime of the machine, suspended times included: `std::time::Instant` omits those on Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn uptime() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Returns the uptime of the process, as the standard library measures it on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
fn uptime() -> Duration {
    static STARTED: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    STARTED.elapsed()
}

/// A deadline for work on a real socket. It uses the runtime's timers, which neither a manual clock nor a suspended
/// machine moves: a vendor's gateway that hangs, hangs in real time. What arrives before a deadline may be older than
/// the deadline allows; its age is measured by the [`Clock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(tokio::time::Instant);

impl Deadline {
    /// Returns the deadline `time` from now.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn after(time: Duration) -> Self {
        Self(tokio::time::Instant::now() + time)
    }

    /// Returns the remaining time; zero if the deadline has passed.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(tokio::time::Instant::now())
    }
}

/// Equal consecutive periods from their creation on, measured by the runtime's timers like a [`Deadline`].
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    began: tokio::time::Instant,
    period: Duration,
}

impl Periods {
    /// Creates periods, of which the first one begins now.
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that reads the machine's clock")]
    pub fn of(period: Duration) -> Self {
        Self { began: tokio::time::Instant::now(), period }
    }

    /// Waits for the end of the current period.
    pub async fn end(&self) {
        let ended = self.began.elapsed().as_nanos() / self.period.as_nanos().max(1);
        let count = u32::try_from(ended).unwrap_or(u32::MAX).saturating_add(1);
        tokio::time::sleep_until(self.began + self.period.saturating_mul(count)).await;
    }
}

/// Controls a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<ManualTime>);

impl ManualClock {
    /// Advances wall time and elapsed time together.
    pub fn advance(&self, by: Duration) {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.elapsed_milliseconds.fetch_add(milliseconds, Ordering::AcqRel);
        let wall = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        self.0.wall_milliseconds.fetch_add(wall, Ordering::AcqRel);
    }

    /// Sets the wall clock, as an operator would; elapsed time does not change.
    pub fn set_wall(&self, to: Timestamp) {
        self.0.wall_milliseconds.store(to.as_millisecond(), Ordering::Release);
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::uptime;
    use std::process::Command;
    use std::time::Duration;

    /// Returns the kernel's time since the machine was started, suspended times included.
    fn suspend_aware_elapsed() -> Duration {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        Duration::from_secs_f64(text.split(' ').next().unwrap().parse().unwrap())
    }

    #[test]
    fn elapsed_time_goes_on_while_the_machine_is_suspended() {
        // The file has a resolution of hundredths of a second.
        let (before, read, after) = (suspend_aware_elapsed(), uptime(), suspend_aware_elapsed());
        let tick = Duration::from_millis(10);
        assert!(before <= read + tick && read <= after + tick, "{before:?} {read:?} {after:?}");
    }

    /// Runs in a time namespace in which the machine has been suspended for two months.
    #[test]
    fn elapsed_time_differs_from_time_that_stands_still_in_suspend() {
        let this = std::env::current_exe().unwrap();
        let test = "clock::tests::elapsed_time_goes_on_while_the_machine_is_suspended";
        let suspended = ["--user", "--map-root-user", "--time", "--boottime", "5000000"];
        let run = Command::new("unshare").args(suspended).arg(this).args(["--exact", test]).output();
        match run.map(|run| (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned())) {
            Ok((is_passed, output)) if output.contains("running 1 test") => assert!(is_passed, "{output}"),
            // Namespaces may be forbidden. Without one, only this machine's own history distinguishes the two clocks.
            _ => elapsed_time_goes_on_while_the_machine_is_suspended(),
        }
    }
}
