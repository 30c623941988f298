//! One caller who listens: what is news for this one, and when its stream ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::event;
use super::feed::{LatestFigures, RECHECK};
use super::stream_slots::StreamSlot;
use crate::auth::CurrentAuth;
use crate::auth::verify::TokenError;
use crate::clock::Deadline;
use crate::fast_path::VerifiedCaller;
use crate::http::problem_type::ProblemType;
use crate::http::public_url::PublicUrl;
use crate::telemetry::metrics;

/// Names the request in problems.
pub struct ProblemInstance {
    /// The address that callers use.
    pub public_url: PublicUrl,
    /// Its path.
    pub path: String,
    /// Its id.
    pub request_id: String,
}

/// One caller who listens.
pub struct EventStream {
    /// Whose token it is, and whether that is still good.
    pub auth: Data<CurrentAuth>,
    /// Who asked.
    pub caller: VerifiedCaller,
    /// What is known of the store.
    pub latest: watch::Receiver<LatestFigures>,
    /// What the caller was sent last.
    pub last_sent: LastSent,
    /// Whether no event was sent yet.
    pub is_first: bool,
    /// How many events are still to be sent, when the caller wants only so many.
    pub left: Option<u32>,
    /// How long nothing may be sent.
    pub heartbeat: Duration,
    /// Names the request.
    pub label: ProblemInstance,
    /// The slot of this stream.
    pub slot: StreamSlot,
}

/// What a caller was sent last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastSent {
    /// Nothing.
    Nothing,
    /// The flow of this id.
    Flow(Arc<str>),
    /// That the flow of this id is old.
    Stale(Arc<str>),
    /// A problem of this type.
    Problem(ProblemType),
}

impl LastSent {
    fn by(latest: &LatestFigures) -> Self {
        match latest {
            LatestFigures::Flow(flow) => Self::Flow(flow.id.clone()),
            LatestFigures::Stale { flow, .. } => Self::Stale(flow.id.clone()),
            LatestFigures::Problem(problem) => Self::Problem(problem.kind()),
        }
    }
}

impl EventStream {
    /// The stream of events.
    pub fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let quiet = Deadline::after(self.heartbeat);
        stream::unfold(StreamStep::Open(self, quiet), |step| async {
            let (bytes, next) = match step {
                StreamStep::Open(listener, quiet) => (event::opening(), StreamStep::Listen(listener, quiet)),
                StreamStep::Listen(listener, quiet) => listener.next(quiet).await,
                StreamStep::Over => return None,
            };
            Some((Ok(bytes), next))
        })
    }

    async fn next(mut self, quiet: Deadline) -> (Bytes, StreamStep) {
        loop {
            if let Some(reason) = self.end() {
                metrics::event_sent("end");
                return (self.with_retry(event::end(reason)), StreamStep::Over);
            }
            if let Some(news) = self.news() {
                let (news, quiet) = (self.with_retry(news), Deadline::after(self.heartbeat));
                return (news, StreamStep::Listen(self, quiet));
            }
            if quiet.left().is_zero() {
                let quiet = Deadline::after(self.heartbeat);
                return (event::keep_alive(), StreamStep::Listen(self, quiet));
            }
            tokio::select! {
                changed = self.latest.changed() => if changed.is_err() {
                    return (self.with_retry(event::end("restart")), StreamStep::Over);
                },
                () = tokio::time::sleep(RECHECK) => {}
            }
        }
    }

    /// The event, with the time to wait before the next connection (`retry`) if it is the first one.
    fn with_retry(&mut self, event: Bytes) -> Bytes {
        if std::mem::take(&mut self.is_first) { event::first(&event) } else { event }
    }

    /// Why the stream ends now, if it does.
    fn end(&self) -> Option<&'static str> {
        if self.left == Some(0) {
            return Some("limit");
        }
        if self.slot.slots().are_closed() {
            return Some("shutdown");
        }
        if self.slot.is_displaced() {
            return Some("displaced");
        }
        let auth = self.auth.load();
        if let Err(error) = auth.verifier().check_standing(&self.caller.token) {
            return Some(match error {
                TokenError::Expired => "token-expired",
                TokenError::Revoked => "token-revoked",
                _ => "token-refused",
            });
        }
        // Keys, clients, grants and store ids may be others now: whoever comes back is looked at anew.
        (auth.generation() != self.caller.generation).then_some("configuration-changed")
    }

    /// What the caller was not sent yet.
    fn news(&mut self) -> Option<Bytes> {
        let latest = self.latest.borrow_and_update().clone();
        let next = LastSent::by(&latest);
        if next == self.last_sent {
            return None;
        }
        let before = std::mem::replace(&mut self.last_sent, next);
        let (name, bytes) = match latest {
            // Whoever does not have the old flow gets it first.
            LatestFigures::Stale { flow, .. } if before != LastSent::Flow(flow.id.clone()) => {
                // The news that it is old follows, and both count as one.
                self.last_sent = LastSent::Flow(flow.id.clone());
                metrics::event_sent("flow");
                return Some(event::flow(&flow.id, &flow.json));
            }
            LatestFigures::Flow(flow) => ("flow", event::flow(&flow.id, &flow.json)),
            LatestFigures::Stale { age, .. } => ("stale", event::stale(age.as_secs())),
            LatestFigures::Problem(problem) => (
                "problem",
                event::problem(&problem.document(&self.label.public_url, &self.label.path, &self.label.request_id)),
            ),
        };
        metrics::event_sent(name);
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(bytes)
    }
}

/// How far a stream is. It belongs to the connection, and falls with it.
enum StreamStep {
    Open(EventStream, Deadline),
    Listen(EventStream, Deadline),
    Over,
}
