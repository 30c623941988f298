//! Starts the tasks that fetch keys on the runtime of the service: a reload trusts new issuers from a thread without a
//! runtime of its own.

use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::TrustedIssuer;
use super::refresh::{self, RefreshJob};
use crate::supervisor::Supervisor;

/// The name of these tasks.
const TASK: &str = "issuer_keys";

/// The channel through which issuers request a task for their keys. The configuration limits their number.
#[derive(Debug)]
pub struct KeyFetcher(UnboundedSender<RefreshJob>);

impl KeyFetcher {
    /// Starts the tasks on the runtime of this thread, until the fetcher and the issuers are dropped.
    pub fn start(tls: Arc<ClientConfig>, supervisor: &Supervisor) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel::<RefreshJob>();
        let receiver = Rc::new(Mutex::new(receiver));
        let its_supervisor = supervisor.clone();
        supervisor.task(TASK, move || {
            let (receiver, supervisor, tls) = (receiver.clone(), its_supervisor.clone(), tls.clone());
            async move {
                while let Some(wanted) = receiver.lock().await.recv().await {
                    let (wanted, tls) = (Rc::new(wanted), tls.clone());
                    supervisor.task(TASK, move || refresh::run(wanted.clone(), tls.clone()));
                }
                Ok(())
            }
        });
        Self(sender)
    }

    /// Starts a task for this issuer's keys. From now on a token with a new key waits for the fetch, even if the task
    /// has not begun. A task survives a change of the configuration.
    pub(super) fn serve(&self, issuer: &TrustedIssuer) {
        if let Some(wanted) = RefreshJob::of(&issuer.keyring, &issuer.settings) {
            // The receiver is dropped only with the runtime, and then no request waits any more.
            let _service_has_ended = self.0.send(wanted);
        }
    }
}
