//! A caller who listens to a stream of events, as they come.

use std::time::Duration;

use actix_http::Payload;
use actix_http::encoding::Decoder;
use actix_web::rt::time::timeout;
use awc::http::header::HeaderMap;
use awc::{Client, ClientResponse};
use futures_util::StreamExt as _;
use serde_json::Value;

use crate::app::TestApp;

/// A stream that has nothing to tell for so long is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// An event as it was sent.
#[derive(Debug, PartialEq)]
pub struct Event {
    /// Its type.
    pub name: String,
    /// What a caller who comes back sends.
    pub id: Option<String>,
    /// Its data, which is JSON.
    pub data: Value,
}

/// The open stream.
pub struct EventStream {
    /// The headers of the response.
    pub headers: HeaderMap,
    response: ClientResponse<Decoder<Payload>>,
    received: String,
    /// How many comments have come so far.
    pub comments: usize,
}

impl EventStream {
    /// Opens a stream of the service, behind the last event that was received.
    pub async fn open(app: &TestApp, path: &str, token: &str, last: Option<&str>) -> Self {
        let request = Client::builder().timeout(PATIENCE).finish().get(app.url(path)).bearer_auth(token);
        let request = last.into_iter().fold(request, |request, id| request.insert_header(("last-event-id", id)));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Self::of(response)
    }

    /// The stream of a response that has begun.
    pub fn of(response: ClientResponse<Decoder<Payload>>) -> Self {
        Self { headers: response.headers().clone(), response, received: String::new(), comments: 0 }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.event()).await.expect("nothing new is told")
    }

    async fn event(&mut self) -> Option<Event> {
        let block = self.block().await?;
        self.comments += block.lines().filter(|line| line.starts_with(':')).count();
        Some(read(&block))
    }

    /// The comment that comes next, which is a line and ends no event.
    pub async fn comment(&mut self) -> String {
        loop {
            if let Some((line, rest)) = self.received.split_once('\n') {
                assert!(line.starts_with(':'), "{line} is no comment");
                let (line, rest) = (line.to_owned(), rest.to_owned());
                self.received = rest;
                return line;
            }
            let piece = timeout(PATIENCE, self.response.next()).await.expect("no comment comes");
            self.received.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
        }
    }

    /// The next part up to an empty line.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.received.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.received = rest;
                return Some(block);
            }
            let piece = self.response.next().await?;
            self.received.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }
}

fn read(block: &str) -> Event {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    let data = field("data").unwrap_or_else(|| panic!("no data in {block}"));
    Event { name: field("event").unwrap(), id: field("id"), data: serde_json::from_str(&data).unwrap() }
}
