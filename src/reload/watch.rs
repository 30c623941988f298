//! Looks at the files for ever, on a thread of its own. Nobody waits for the end of that thread: a file on a mount that
//! hangs holds up neither the requests nor the end of the process.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Hangups, LOOK_EVERY, Reloader};
use crate::config::Reading;

/// A look or a reading that takes longer than this is told in the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the files for ever, and reads all of them at once when SIGHUP has come.
pub async fn watch<R>(mut reloader: Reloader<R>, mut hangups: Hangups)
where
    R: Fn() -> Reading + Send + 'static,
{
    hangups.tell();
    let looker = Looker::start(move |turn| match turn {
        Turn::Look => drop(reloader.look()),
        Turn::Reload => drop(reloader.reload()),
    });
    let mut looker = match looker {
        Ok(looker) => looker,
        Err(error) => return tracing::error!(%error, "changes of the configuration cannot be watched"),
    };
    loop {
        let turn = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => Turn::Look,
            () = hangups.next() => Turn::Reload,
        };
        if looker.take(turn).await.is_err() {
            return tracing::error!("reading the configuration again failed; restart to apply changes");
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy)]
enum Turn {
    Look,
    Reload,
}

/// The thread panicked.
struct Gone;

/// The thread that looks, as those see it who give it something to do. It ends when they do, unless a file holds it up.
struct Looker {
    turns: mpsc::Sender<Turn>,
    done: UnboundedReceiver<()>,
}

impl Looker {
    fn start(mut work: impl FnMut(Turn) + Send + 'static) -> io::Result<Self> {
        let (turns, given) = mpsc::channel();
        let (tell, done) = unbounded_channel();
        thread::Builder::new().name("reload".to_owned()).spawn(move || {
            for turn in given {
                work(turn);
                if tell.send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { turns, done })
    }

    async fn take(&mut self, turn: Turn) -> Result<(), Gone> {
        self.turns.send(turn).map_err(|_| Gone)?;
        let told = match tokio::time::timeout(PATIENCE, self.done.recv()).await {
            Ok(told) => told,
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                tracing::error!(seconds, "a file of the configuration does not answer: nothing is read until it does");
                self.done.recv().await
            }
        };
        told.ok_or(Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::{Looker, Turn};
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
                // Ends with the test.
                let _ended = never.recv();
            };
            let mut looker = Looker::start(work).unwrap();
            let (taking, beginning) = (pin!(looker.take(Turn::Look)), pin!(has_begun.recv()));
            assert!(matches!(select(taking, beginning).await, Either::Right((Some(()), _))));
        });
    }

    #[actix_web::test]
    async fn a_look_that_panics_is_told() {
        let mut looker = Looker::start(|turn| assert!(matches!(turn, Turn::Look), "a bomb in a test")).unwrap();
        assert!(looker.take(Turn::Look).await.is_ok());
        assert!(looker.take(Turn::Reload).await.is_err());
    }
}
