//! When an answer that is made of several parts must be on its way: shortly before the request's time ends, since what comes
//! later reaches nobody.

use std::time::Duration;

use crate::clock::Deadline;

/// What is left for putting the parts together and for sending them.
const LONGEST_RESERVE: Duration = Duration::from_secs(1);

/// When the parts of an answer must be there.
#[derive(Clone, Copy, Debug)]
pub struct AnswerDeadline(Deadline);

impl AnswerDeadline {
    /// For a request that begins now and may take so long.
    pub fn within(request_timeout: Duration) -> Self {
        let reserve = (request_timeout / 10).min(LONGEST_RESERVE);
        Self(Deadline::after(request_timeout.saturating_sub(reserve)))
    }

    /// What is left until then.
    pub fn left(&self) -> Duration {
        self.0.left()
    }
}
