//! A collector of traces: takes OTLP over HTTP on a loopback port and reads the protobuf, or hangs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

/// A running collector.
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    hangs: bool,
    wants: Option<&'static str>,
    posted: Mutex<Vec<Posted>>,
    stopping: AtomicBool,
}

struct Posted {
    head: String,
    body: Vec<u8>,
}

/// A span as it was exported.
#[derive(Clone, Debug)]
pub struct Exported {
    pub name: String,
    pub kind: SpanKind,
    pub trace_id: String,
    pub span_id: String,
    pub parent: String,
    pub state: String,
    pub is_error: bool,
    pub took_ns: u64,
    pub attributes: BTreeMap<String, String>,
}

impl Exported {
    /// What an attribute says; empty when it is not there.
    pub fn says(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl Collector {
    pub fn start() -> Self {
        Self::with(Shared::default())
    }

    /// Takes nothing without this line in the head.
    pub fn that_wants(line: &'static str) -> Self {
        Self::with(Shared { wants: Some(line), ..Shared::default() })
    }

    /// Takes connections and answers nothing.
    pub fn hanging() -> Self {
        Self::with(Shared { hangs: true, ..Shared::default() })
    }

    fn with(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(shared);
        let (address, its_shared) = (listener.local_addr().unwrap(), shared.clone());
        let accepting = thread::spawn(move || {
            for connection in listener.incoming() {
                if its_shared.stopping.load(Ordering::Acquire) {
                    return;
                }
                let (connection, shared) = (connection.unwrap(), its_shared.clone());
                thread::spawn(move || shared.serve(&connection));
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// What is to be configured.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans that have come, in order. All of a service's have come when it has stopped.
    pub fn spans(&self) -> Vec<Exported> {
        let posted = self.shared.posted.lock().unwrap();
        let requests = posted.iter().map(|posted| ExportTraceServiceRequest::decode(&posted.body[..]).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|spans| spans.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(exported).collect()
    }

    /// What the first request says of the service.
    pub fn resource(&self) -> BTreeMap<String, String> {
        let posted = self.shared.posted.lock().unwrap();
        let request = ExportTraceServiceRequest::decode(&posted[0].body[..]).unwrap();
        attributes(request.resource_spans[0].resource.clone().unwrap().attributes)
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.shared.posted.lock().unwrap().iter().map(|posted| posted.head.clone()).collect()
    }

    /// Whether these bytes were posted, as they are.
    pub fn has_seen(&self, bytes: &str) -> bool {
        let posted = self.shared.posted.lock().unwrap();
        posted.iter().any(|posted| {
            posted.head.contains(bytes) || posted.body.windows(bytes.len()).any(|part| part == bytes.as_bytes())
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(self.address);
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the collector panicked");
    }
}

impl Shared {
    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        while let Some(posted) = read_request(&mut reader) {
            if self.hangs {
                continue;
            }
            let is_welcome = self.wants.is_none_or(|line| posted.head.lines().any(|sent| sent == line));
            let status = if is_welcome { "200 OK" } else { "401 Unauthorized" };
            if is_welcome {
                self.posted.lock().unwrap().push(posted);
            }
            let mut connection = connection;
            if connection.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Posted> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Posted { head, body })
}

fn exported(span: opentelemetry_proto::tonic::trace::v1::Span) -> Exported {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Exported {
        kind: span.kind(),
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        is_error: span.status.as_ref().is_some_and(|status| status.code == 2),
        took_ns: span.end_time_unix_nano.checked_sub(span.start_time_unix_nano).unwrap(),
        state: span.trace_state,
        name: span.name,
        attributes: attributes(span.attributes),
    }
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.into_iter().map(|pair| (pair.key, text(pair.value.unwrap().value.unwrap()))).collect()
}
