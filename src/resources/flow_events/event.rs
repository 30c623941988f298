//! Writes events as they are sent (the event stream format of the HTML standard, §9.2.6).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::http::problem::ProblemDocument;
use crate::sha256::sha256_half;

/// How long a client should wait before it reconnects, in milliseconds.
const RETRY: u32 = 5_000;

/// The start of every stream, which makes proxies pass the response headers on. It is a comment line and not a block,
/// because libraries pass on everything that ends in an empty line as a message, even without data.
pub const fn opening() -> Bytes {
    Bytes::from_static(b": the flow follows\n")
}

/// A comment that shows proxies and clients that the stream is alive.
pub const fn keep_alive() -> Bytes {
    Bytes::from_static(b": nothing new\n")
}

/// Adds the reconnection time (`retry`) to the first event of a stream.
pub fn first(event: &[u8]) -> Bytes {
    Bytes::from([format!("retry: {RETRY}\n").as_bytes(), event].concat())
}

/// A `flow` event, with the id that identifies its figures.
pub fn flow(id: &str, json: &Bytes) -> Bytes {
    // The JSON of this service has no line ends.
    Bytes::from([b"event: flow\nid: ", id.as_bytes(), b"\ndata: ", json, b"\n\n"].concat())
}

/// A `stale` event: the gateway fails, and the last figures sent are this old.
pub fn stale(age_seconds: u64) -> Bytes {
    named("stale", &json!({"age_seconds": age_seconds}))
}

/// A `problem` event: the gateway fails, and there are no figures to show.
pub fn problem(document: &ProblemDocument) -> Bytes {
    named("problem", &serde_json::to_value(document).unwrap_or_default())
}

/// The `end` event, the last one of a stream.
pub fn end(reason: &str) -> Bytes {
    named("end", &json!({"reason": reason}))
}

fn named(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// The id of a flow. Equal figures have equal ids, whenever and by whichever process they were read.
pub fn id_of(json: &[u8]) -> String {
    let figures = serde_json::from_slice(json).map(|mut flow: Value| {
        if let Some(fields) = flow.as_object_mut() {
            fields.remove("observed_at");
        }
        flow.to_string()
    });
    base16ct::lower::encode_string(&sha256_half([figures.unwrap_or_default().as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::{flow, id_of};
    use bytes::Bytes;

    #[test]
    fn the_time_of_reading_is_no_part_of_the_id_and_everything_else_is() {
        let id = |visitors, at| id_of(format!(r#"{{"today":{visitors},"observed_at":"{at}"}}"#).as_bytes());
        assert_eq!(id(1, "10:00"), id(1, "10:01"));
        assert_ne!(id(1, "10:00"), id(2, "10:00"));
        assert_eq!(id(1, "10:00").len(), 32);
    }

    #[test]
    fn an_event_has_its_name_its_id_and_its_data_on_a_line_each() {
        let event = flow("abc", &Bytes::from_static(b"{\"a\":1}"));
        assert_eq!(event, "event: flow\nid: abc\ndata: {\"a\":1}\n\n");
    }
}
