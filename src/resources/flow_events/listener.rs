//! The event stream of one caller: which events are new to it, and when the stream ends.

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
use crate::auth::verify::TokenError;
use crate::auth::{CurrentAuth, VerifiedCaller};
use crate::clock::Deadline;
use crate::http::problem_type::ProblemType;
use crate::http::public_url::PublicUrl;
use crate::telemetry::metrics;

/// Identifies the request in problems.
pub struct ProblemInstance {
    /// The public address of the service.
    pub public_url: PublicUrl,
    /// The path of the request.
    pub path: String,
    /// The id of the request.
    pub request_id: String,
}

/// The event stream of one caller.
pub struct EventStream {
    /// The current authentication state, by which the token is checked again.
    pub auth: Data<CurrentAuth>,
    /// The caller.
    pub caller: VerifiedCaller,
    /// The latest state of the store's flow.
    pub latest: watch::Receiver<LatestFigures>,
    /// The last event that the caller received.
    pub last_sent: LastSent,
    /// Whether no event was sent yet.
    pub is_first: bool,
    /// How many events are still to be sent, if the caller limits them.
    pub left: Option<u32>,
    /// The longest time without sending anything.
    pub heartbeat: Duration,
    /// Identifies the request in problems.
    pub label: ProblemInstance,
    /// The slot of this stream.
    pub slot: StreamSlot,
}

/// The last event that a caller received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastSent {
    /// No event.
    Nothing,
    /// The flow with this id.
    Flow(Arc<str>),
    /// The message that the flow with this id is stale.
    Stale(Arc<str>),
    /// A problem of this type.
    Problem(ProblemType),
}

impl LastSent {
    fn by(latest: &LatestFigures) -> Self {
        match latest {
            LatestFigures::Flow(flow) => Self::Flow(flow.id.clone()),
            LatestFigures::Stale { flow, .. } => Self::Stale(flow.id.clone()),
            LatestFigures::Problem(problem) => Self::Problem(problem.kind),
        }
    }
}

impl EventStream {
    /// Turns this into the stream of events.
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
                metrics::events_sent("end").increment(1);
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

    /// Adds the reconnection time (`retry`) to the event if it is the first one.
    fn with_retry(&mut self, event: Bytes) -> Bytes {
        if std::mem::take(&mut self.is_first) { event::first(&event) } else { event }
    }

    /// The reason for which the stream ends now, if there is one.
    fn end(&self) -> Option<&'static str> {
        if self.left == Some(0) {
            return Some("limit");
        }
        if self.slot.slots.are_closed() {
            return Some("shutdown");
        }
        if self.slot.is_displaced() {
            return Some("displaced");
        }
        if let Err(error) = self.auth.load().verifier.check_standing(&self.caller.token) {
            return Some(match error {
                TokenError::Expired => "token-expired",
                TokenError::Revoked => "token-revoked",
                _ => "token-refused",
            });
        }
        // Keys, clients, grants and store ids may have changed: callers that reconnect are checked again.
        (self.auth.generation() != self.caller.generation).then_some("configuration-changed")
    }

    /// The next event that the caller has not received.
    fn news(&mut self) -> Option<Bytes> {
        let latest = self.latest.borrow_and_update().clone();
        let next = LastSent::by(&latest);
        if next == self.last_sent {
            return None;
        }
        let before = std::mem::replace(&mut self.last_sent, next);
        let (name, bytes) = match latest {
            // A caller that does not have the stale flow gets it first.
            LatestFigures::Stale { flow, .. } if before != LastSent::Flow(flow.id.clone()) => {
                // The `stale` event follows; both count as one.
                self.last_sent = LastSent::Flow(flow.id.clone());
                metrics::events_sent("flow").increment(1);
                return Some(event::flow(&flow.id, &flow.json));
            }
            LatestFigures::Flow(flow) => ("flow", event::flow(&flow.id, &flow.json)),
            LatestFigures::Stale { age, .. } => ("stale", event::stale(age.as_secs())),
            LatestFigures::Problem(problem) => (
                "problem",
                event::problem(&problem.document(&self.label.public_url, &self.label.path, &self.label.request_id)),
            ),
        };
        metrics::events_sent(name).increment(1);
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(bytes)
    }
}

/// The state of a stream. It belongs to the connection and is dropped with it.
enum StreamStep {
    Open(EventStream, Deadline),
    Listen(EventStream, Deadline),
    Over,
}
