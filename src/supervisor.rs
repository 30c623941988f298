//! Supervises the long-lived tasks and threads of the service: one that panics or fails is restarted after a pause.
//! `/readyz` and metrics show the status of each.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::rt;
use futures_util::FutureExt as _;

use crate::clock::Deadline;
use crate::settings::named;

/// The pause before the first restart. It doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After running for this time, the next failure counts as the first one again.
const STABLE: Duration = Duration::from_secs(60);

/// The result of a run of a task or thread: `Ok` if it has nothing left to do, or the reason of its failure.
pub type TaskResult = Result<(), String>;

/// The tasks and threads of one service. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Supervisor(Arc<Mutex<BTreeMap<&'static str, Arc<TaskCounts>>>>);

/// The tasks and threads that exist once per process, however many services it runs.
static OF_PROCESS: LazyLock<Supervisor> = LazyLock::new(Supervisor::default);

#[derive(Debug, Default)]
struct TaskCounts {
    running: AtomicUsize,
    paused: AtomicUsize,
    restarts: AtomicU64,
}

named! {
    /// The status of the tasks or threads of one name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TaskStatus {
        /// All of them run.
        Running = "running",
        /// At least one has failed and waits for its restart.
        Restarting = "restarting",
        /// None is needed at the moment.
        Idle = "idle",
    }
}

/// The tasks or threads of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervised {
    /// The name of the tasks.
    pub name: &'static str,
    /// The status of the tasks.
    pub state: TaskStatus,
    /// The number of failures since the start.
    pub restarts: u64,
}

/// A supervised thread. It is restarted only as long as this value exists.
#[derive(Debug)]
pub struct SupervisedThread {
    held: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl SupervisedThread {
    /// Waits for the end of the thread, which is not restarted.
    pub fn join(self) {
        drop(self.held);
        // Panics of the thread are caught and logged.
        let _ended = self.thread.join();
    }
}

impl Supervisor {
    /// Returns the supervisor of what exists once per process.
    pub fn of_process() -> &'static Self {
        &OF_PROCESS
    }

    /// Runs a task on the runtime of this thread. `run` is called for the first run and for each restart. Aborting the
    /// handle ends the task.
    pub fn task<F, Fut>(&self, name: &'static str, mut run: F) -> rt::task::JoinHandle<()>
    where
        F: FnMut() -> Fut + 'static,
        Fut: Future<Output = TaskResult> + 'static,
    {
        let mut member = TaskGuard::of(self, name);
        rt::spawn(async move {
            let mut pauses = Pauses::default();
            loop {
                let stable = Deadline::after(STABLE);
                let outcome = AssertUnwindSafe(async { run().await }).catch_unwind().await;
                let Some(why) = failure(outcome) else { return };
                let pause = pauses.next(stable.left().is_zero());
                member.pause(&why, Some(pause));
                rt::time::sleep(pause).await;
                member.resume();
            }
        })
    }

    /// Runs a task once on the runtime of this thread, where other code starts the next one. A failure is logged and
    /// counted as a restart.
    pub fn on_demand(&self, name: &'static str, run: impl Future<Output = ()> + 'static) -> rt::task::JoinHandle<()> {
        let mut member = TaskGuard::of(self, name);
        rt::spawn(async move {
            if let Some(why) = failure(AssertUnwindSafe(run).catch_unwind().await.map(Ok)) {
                member.pause(&why, None);
            }
        })
    }

    /// Runs a thread. `run` is called for the first run and for each restart, as long as the result is held.
    ///
    /// # Errors
    /// Returns the system's error if it has no thread for it.
    pub fn thread(
        &self,
        name: &'static str,
        mut run: impl FnMut() -> TaskResult + Send + 'static,
    ) -> io::Result<SupervisedThread> {
        let mut member = TaskGuard::of(self, name);
        let (held, is_held) = mpsc::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut pauses = Pauses::default();
            loop {
                let stable = Deadline::after(STABLE);
                let outcome = catch_unwind(AssertUnwindSafe(&mut run));
                let Some(why) = failure(outcome) else { return };
                let pause = pauses.next(stable.left().is_zero());
                member.pause(&why, Some(pause));
                if is_held.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
                member.resume();
            }
        })?;
        Ok(SupervisedThread { held, thread })
    }

    /// Returns the status of all tasks and threads, those of the process included.
    pub fn all(&self) -> Vec<Supervised> {
        let of_process = OF_PROCESS.names().iter().map(|(name, counts)| counts.read(name)).collect::<Vec<_>>();
        let own = self.names().iter().map(|(name, counts)| counts.read(name)).collect::<Vec<_>>();
        [own, of_process].concat()
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<TaskCounts>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskCounts {
    fn read(&self, name: &'static str) -> Supervised {
        let [running, paused] = [&self.running, &self.paused].map(|count| count.load(Ordering::Acquire));
        let state = match (running, paused) {
            (0, 0) => TaskStatus::Idle,
            (_, 0) => TaskStatus::Running,
            _ => TaskStatus::Restarting,
        };
        Supervised { name, state, restarts: self.restarts.load(Ordering::Acquire) }
    }
}

/// Counts one task or thread until it is dropped.
struct TaskGuard {
    name: &'static str,
    counts: Arc<TaskCounts>,
    is_paused: bool,
}

impl TaskGuard {
    fn of(supervisor: &Supervisor, name: &'static str) -> Self {
        let counts = supervisor.names().entry(name).or_default().clone();
        counts.running.fetch_add(1, Ordering::AcqRel);
        Self { name, counts, is_paused: false }
    }

    fn pause(&mut self, why: &str, pause: Option<Duration>) {
        self.counts.running.fetch_sub(1, Ordering::AcqRel);
        self.counts.paused.fetch_add(1, Ordering::AcqRel);
        self.counts.restarts.fetch_add(1, Ordering::AcqRel);
        self.is_paused = true;
        let restarts_in_ms = pause.map(|pause| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        tracing::error!(task = self.name, error = why, restarts_in_ms, "task failed");
    }

    fn resume(&mut self) {
        self.counts.paused.fetch_sub(1, Ordering::AcqRel);
        self.counts.running.fetch_add(1, Ordering::AcqRel);
        self.is_paused = false;
        tracing::info!(task = self.name, "task restarted");
    }
}

impl Drop for TaskGuard {
    fn drop(&mut self) {
        let counted = if self.is_paused { &self.counts.paused } else { &self.counts.running };
        counted.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Returns why a run failed, or `None` if it has nothing left to do. A panic message is in the log already.
fn failure(outcome: thread::Result<TaskResult>) -> Option<String> {
    outcome.unwrap_or_else(|_| Err("it panicked".to_owned())).err()
}

/// The pauses after consecutive failures.
#[derive(Default)]
struct Pauses {
    failures: u32,
}

impl Pauses {
    fn next(&mut self, was_stable: bool) -> Duration {
        self.failures = if was_stable { 0 } else { self.failures };
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
        self.failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_PAUSE, Pauses, Supervised, Supervisor, TaskResult, TaskStatus};
    use std::cell::Cell;
    use std::future::pending;
    use std::rc::Rc;
    use std::sync::mpsc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn of(supervisor: &Supervisor, name: &'static str) -> (TaskStatus, u64) {
        let found = supervisor.all().into_iter().find(|one| one.name == name).unwrap();
        let Supervised { state, restarts, .. } = found;
        (state, restarts)
    }

    #[actix_web::test]
    async fn a_task_that_panics_or_fails_is_restarted_and_counted() {
        let supervisor = Supervisor::default();
        let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
        let runs = Rc::new(Cell::new(0));
        let task = supervisor.task("work", move || {
            runs.set(runs.get() + 1);
            let (run, began) = (runs.get(), began.clone());
            async move {
                began.send(run).unwrap();
                match run {
                    1 => panic!("a bomb in a test"),
                    2 => Err("it has failed".to_owned()),
                    _ => pending::<TaskResult>().await,
                }
            }
        });
        for expected in 1..=3 {
            assert_eq!(tokio::time::timeout(PATIENCE, begins.recv()).await.unwrap(), Some(expected));
        }
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Running, 2));
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Idle, 2));
    }

    #[actix_web::test]
    async fn a_task_with_nothing_left_to_do_is_not_run_again() {
        let supervisor = Supervisor::default();
        supervisor.task("work", || async { Ok(()) }).await.unwrap();
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Idle, 0));
    }

    #[actix_web::test]
    async fn a_task_on_demand_counts_its_failure_and_is_not_restarted() {
        let supervisor = Supervisor::default();
        supervisor.on_demand("work", async { panic!("a bomb in a test") }).await.unwrap();
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Idle, 1));
    }

    #[test]
    fn a_thread_goes_on_with_what_it_has_after_a_panic() {
        let supervisor = Supervisor::default();
        let (give, given) = mpsc::channel();
        let (sender, receiver) = mpsc::channel();
        let thread = supervisor.thread("work", move || {
            for number in &given {
                assert_ne!(number, 2, "a bomb in a test");
                sender.send(number).unwrap();
            }
            Ok(())
        });
        let thread = thread.unwrap();
        (1..=3).for_each(|number| give.send(number).unwrap());
        assert_eq!([receiver.recv_timeout(PATIENCE), receiver.recv_timeout(PATIENCE)], [Ok(1), Ok(3)]);
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Running, 1));
        drop(give);
        thread.join();
        assert_eq!(of(&supervisor, "work"), (TaskStatus::Idle, 1));
    }

    #[test]
    fn a_thread_that_nobody_holds_any_more_is_not_run_again() {
        let supervisor = Supervisor::default();
        let (sender, receiver) = mpsc::channel();
        let thread = supervisor.thread("work", move || {
            sender.send(()).unwrap();
            Err("it fails each time".to_owned())
        });
        let thread = thread.unwrap();
        receiver.recv_timeout(PATIENCE).unwrap();
        thread.join();
        assert_eq!(of(&supervisor, "work").0, TaskStatus::Idle);
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_again_after_a_long_run() {
        let mut pauses = Pauses::default();
        let milliseconds = [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
        assert_eq!(milliseconds.map(|_| pauses.next(false)), milliseconds.map(Duration::from_millis));
        (0..100).for_each(|_| assert_eq!(pauses.next(false), LONGEST_PAUSE));
        assert_eq!(pauses.next(true), Duration::from_millis(100));
    }
}
