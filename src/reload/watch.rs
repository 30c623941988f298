//! Watches the files on a thread of its own. Nothing joins that thread: a file on a mount that hangs delays neither
//! requests nor the end of the process.

use std::io;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use actix_web::rt;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Hangups, LOOK_EVERY, Reloader};
use crate::config::LoadedConfig;
use crate::supervisor::{SupervisedThread, Supervisor};
use crate::vendors::Vendors;

/// The time after which a slow check or reload is reported in the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// The name of the task and the thread.
const TASK: &str = "reload";

/// The watch over the files, until it is dropped.
pub struct ConfigWatch(rt::task::JoinHandle<()>);

impl Drop for ConfigWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Checks the files for ever, and reloads at once after a SIGHUP.
///
/// # Errors
/// The system cannot start the thread.
pub fn watch<R>(mut reloader: Reloader<R>, hangups: Hangups, supervisor: &Supervisor) -> io::Result<ConfigWatch>
where
    R: Fn(&Vendors) -> LoadedConfig + Send + 'static,
{
    hangups.notify();
    let looker = WatcherThread::start(supervisor, move |turn| match turn {
        WatchRequest::Look => drop(reloader.look()),
        WatchRequest::Reload => drop(reloader.reload()),
    })?;
    let parts = Rc::new(Mutex::new((looker, hangups)));
    let task = supervisor.task(TASK, move || {
        let parts = parts.clone();
        async move {
            let (looker, hangups) = &mut *parts.lock().await;
            loop {
                let turn = tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => WatchRequest::Look,
                    () = hangups.next() => WatchRequest::Reload,
                };
                looker.take(turn).await.map_err(|WatcherEnded| "its thread has ended".to_owned())?;
            }
        }
    });
    Ok(ConfigWatch(task))
}

/// A request to the thread.
#[derive(Clone, Copy)]
enum WatchRequest {
    Look,
    Reload,
}

/// The error of a thread that has ended.
#[derive(Debug)]
struct WatcherEnded;

/// The handle by which others send requests to the thread. The thread ends with its handles, unless a file blocks it.
struct WatcherThread {
    turns: mpsc::Sender<WatchRequest>,
    done: UnboundedReceiver<()>,
    _thread: SupervisedThread,
}

impl WatcherThread {
    fn start(supervisor: &Supervisor, mut work: impl FnMut(WatchRequest) + Send + 'static) -> io::Result<Self> {
        let (turns, given) = mpsc::channel();
        let (tell, done) = unbounded_channel();
        // A request whose processing panicked is repeated, because it has not taken effect yet.
        let mut unfinished = None;
        let thread = supervisor.thread(TASK, move || {
            while let Some(turn) = unfinished.or_else(|| given.recv().ok()) {
                unfinished = Some(turn);
                work(turn);
                unfinished = None;
                if tell.send(()).is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(Self { turns, done, _thread: thread })
    }

    async fn take(&mut self, turn: WatchRequest) -> Result<(), WatcherEnded> {
        self.turns.send(turn).map_err(|_| WatcherEnded)?;
        let outcome = match tokio::time::timeout(PATIENCE, self.done.recv()).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                tracing::error!(seconds, "configuration file not responding: nothing is read until it responds");
                self.done.recv().await
            }
        };
        outcome.ok_or(WatcherEnded)
    }
}

#[cfg(test)]
mod tests {
    use super::{WatchRequest, WatcherThread};
    use crate::supervisor::Supervisor;
    use futures_util::future::{Either, select};
    use std::pin::pin;
    use std::sync::mpsc;

    #[test]
    fn a_file_that_never_answers_does_not_hold_the_end_up() {
        let (begins, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
        let (_for_ever, never) = mpsc::channel::<()>();
        actix_web::rt::System::new().block_on(async {
            let work = move |_| {
                begins.send(()).unwrap();
                // The thread ends with the test.
                let _ended = never.recv();
            };
            let mut looker = WatcherThread::start(&Supervisor::default(), work).unwrap();
            let (taking, beginning) = (pin!(looker.take(WatchRequest::Look)), pin!(has_begun.recv()));
            assert!(matches!(select(taking, beginning).await, Either::Right((Some(()), _))));
        });
    }

    #[actix_web::test]
    async fn a_turn_that_panics_is_taken_again_and_what_the_thread_knows_stays() {
        let supervisor = Supervisor::default();
        let (tell, told) = mpsc::channel();
        let mut turns = 0;
        let mut looker = WatcherThread::start(&supervisor, move |turn| {
            turns += 1;
            tell.send((turns, matches!(turn, WatchRequest::Reload))).unwrap();
            assert_ne!(turns, 2, "a bomb in a test");
        })
        .unwrap();
        for turn in [WatchRequest::Look, WatchRequest::Reload, WatchRequest::Look] {
            assert!(looker.take(turn).await.is_ok());
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [(1, false), (2, true), (3, true), (4, false)]);
        assert_eq!(supervisor.all()[0].restarts, 1);
    }
}
