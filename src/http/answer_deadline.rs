//! The deadline for the parts of a composite response. It is shortly before the request's own timeout, since a later
//! response reaches nobody.

use std::time::Duration;

use crate::clock::Deadline;

/// The time reserved for composing and sending the response.
const LONGEST_RESERVE: Duration = Duration::from_secs(1);

/// The deadline for the parts of a response.
#[derive(Clone, Copy, Debug)]
pub struct AnswerDeadline(Deadline);

impl AnswerDeadline {
    /// Creates the deadline of a request that begins now and may take `request_timeout`.
    pub fn within(request_timeout: Duration) -> Self {
        let reserve = (request_timeout / 10).min(LONGEST_RESERVE);
        Self(Deadline::after(request_timeout.saturating_sub(reserve)))
    }

    /// Returns the remaining time.
    pub fn left(&self) -> Duration {
        self.0.left()
    }
}
