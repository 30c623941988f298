//! A server on a thread of its own, with a runtime of its own: what a test does never holds it up, and when it is
//! dropped it has stopped and its port is free.

use std::future::Future;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_web::rt::System;
use tokio::sync::oneshot;

/// A running server.
pub struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Calls `start` on the new thread. It gives what the test needs to know, and the future that stops the server.
    pub fn start<T, S>(start: impl FnOnce() -> (T, S) + Send + 'static) -> (T, Self)
    where
        T: Send + 'static,
        S: Future<Output = ()>,
    {
        let (started, has_started) = mpsc::channel();
        let (stop, is_to_stop) = oneshot::channel();
        let serve = move || {
            System::new().block_on(async move {
                let (known, stopping) = start();
                started.send(known).expect("the test waits for it");
                // A test that is gone without a word wants the server stopped, too.
                let _asked = is_to_stop.await;
                stopping.await;
            });
        };
        let thread = thread::spawn(serve);
        let known = has_started.recv().expect("the server starts");
        (known, Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It fails when the thread has ended, and then there is nothing to stop.
            let _ended = stop.send(());
        }
        let ended = self.thread.take().map(JoinHandle::join);
        // A second panic would hide the first.
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the server panicked");
    }
}
