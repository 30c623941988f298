//! The call tally of a request for its line in the access log: the number of attempts of gateway calls, and why
//! attempts were retried.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

tokio::task_local! {
    static OF_REQUEST: Rc<CallTally>;
}

/// The call tally of one request.
#[derive(Debug, Default)]
pub struct CallTally {
    attempts: Cell<u32>,
    retry_cause: Cell<Option<&'static str>>,
}

impl CallTally {
    /// The number of attempts.
    pub fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// The kind of the last failure that was retried.
    pub fn retry_cause(&self) -> Option<&'static str> {
        self.retry_cause.get()
    }

    /// Counts the attempts that are made while this future runs.
    pub fn count_in<F: Future>(self: Rc<Self>, future: F) -> impl Future<Output = F::Output> {
        OF_REQUEST.scope(self, future)
    }
}

/// Lets a future count for the request under way, even where it runs as a task of its own.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    // A task that belongs to no request counts for itself.
    let tally = OF_REQUEST.try_with(Clone::clone).unwrap_or_default();
    tally.count_in(future)
}

/// Counts an attempt that was sent.
pub fn attempt() {
    let _counted = OF_REQUEST.try_with(|tally| tally.attempts.set(tally.attempts.get().saturating_add(1)));
}

/// Records that a failure of this kind is retried.
pub fn retry(cause: &'static str) {
    let _counted = OF_REQUEST.try_with(|tally| tally.retry_cause.set(Some(cause)));
}

#[cfg(test)]
mod tests {
    use super::{CallTally, attempt, carried, retry};
    use std::rc::Rc;

    #[actix_web::test]
    async fn what_a_request_starts_counts_for_it_wherever_it_runs() {
        let tally = Rc::new(CallTally::default());
        let calling = async {
            attempt();
            let task = actix_web::rt::spawn(carried(async {
                retry("timed_out");
                attempt();
            }));
            task.await.unwrap();
        };
        tally.clone().count_in(calling).await;
        assert_eq!((tally.attempts(), tally.retry_cause()), (2, Some("timed_out")));
        // Outside of a request nothing is counted.
        attempt();
        carried(async { attempt() }).await;
        assert_eq!(tally.attempts(), 2);
    }
}
