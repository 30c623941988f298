//! The flow of a store as a stream of events: what is sent, how often the gateway is called, and when a stream ends.

mod content;
mod ends;
mod failures;

use crate::app::TestApp;
use crate::peers::event_stream::EventStream;

const EVENTS: &str = "/stores/S_123456/flow/events";

const ZENITHS: &str = "/stores/S_200001/flow/events";

/// The usual stream, of a client that may read everything.
async fn listen(app: &TestApp) -> EventStream {
    EventStream::open(app, EVENTS, &app.token("dashboard"), None).await
}
