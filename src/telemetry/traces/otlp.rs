//! OTLP over HTTP: sends a batch of spans to the collector as protobuf, with the HTTP client that the service already
//! uses.

use std::sync::Arc;
use std::time::Duration;

use awc::http::Method;
use awc::http::header::CONTENT_TYPE;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use rustls::ClientConfig;

use super::TraceSettings;
use super::headers::Headers;
use crate::http_client::{ConnectionReuse, HttpClient, Options, RequestFailure};

const PROTOBUF: &str = "application/x-protobuf";

/// The longest time for one batch, to the last byte of the response.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an idle connection is kept, shorter than at common servers. Batches come every second while there are
/// spans.
const IDLE: Duration = Duration::from_secs(14);

/// The probation of a new collector's connections; less than the time between two batches.
const PROBATION: Duration = Duration::from_millis(500);

/// The most bytes of a collector's response that are read; the connection of a longer one is not reused. The content is
/// ignored.
const LONGEST_ANSWER: usize = 64 << 10;

/// Why a batch was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The connection failed, or ended before the response.
    #[error("the collector cannot be reached: {0}")]
    Unreachable(RequestFailure),
    /// The response was not complete in time.
    #[error("the collector did not answer within {} s", PATIENCE.as_secs())]
    NotInTime,
    /// A status other than success.
    #[error("the collector answered with status {0}")]
    Status(u16),
}

impl ExportError {
    /// The advice for operators.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Status(401 | 403) => "check telemetry.traces_headers: the collector wants to see another token there",
            _ => {
                "check telemetry.traces, and that the collector takes OTLP over HTTP (usually port 4318) with protobuf"
            }
        }
    }
}

/// The client of a collector. It belongs to one thread.
pub(super) struct Collector {
    client: HttpClient,
    url: String,
    headers: Headers,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// Creates the client of the collector that the settings name.
    pub(super) fn new(settings: &TraceSettings, tls: Arc<ClientConfig>) -> Self {
        Self::reusing_after(PROBATION, settings, tls)
    }

    fn reusing_after(probation: Duration, settings: &TraceSettings, tls: Arc<ClientConfig>) -> Self {
        let client = HttpClient::new(Options { connect_timeout: PATIENCE, idle: IDLE, probation }, Some(tls));
        let about = [
            KeyValue::new("service.name", settings.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            // Identifies the replica.
            KeyValue::new("service.instance.id", uuid::Uuid::now_v7().to_string()),
        ];
        let resource = Resource::builder_empty().with_attributes(about).build();
        let url = settings.collector.clone().unwrap_or_default();
        Self { client, url, headers: settings.headers.clone(), resource: (&resource).into() }
    }

    pub(super) async fn send(&self, spans: Vec<SpanData>) -> Result<(), ExportError> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        self.post(&ExportTraceServiceRequest { resource_spans }).await
    }

    async fn post(&self, request: &ExportTraceServiceRequest) -> Result<(), ExportError> {
        let whole = tokio::time::timeout(PATIENCE, self.exchange(request.encode_to_vec().into())).await;
        whole.unwrap_or(Err(ExportError::NotInTime))
    }

    /// Posts a batch. If the collector closed the idle connection, one new connection is tried.
    async fn exchange(&self, body: Bytes) -> Result<(), ExportError> {
        let status = match self.status(ConnectionReuse::Any, body.clone()).await {
            Err(RequestFailure::StaleConnection) => self.status(ConnectionReuse::New, body).await,
            outcome => outcome,
        };
        match status {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(ExportError::Status(status)),
            Err(RequestFailure::NotInTime) => Err(ExportError::NotInTime),
            Err(failure) => Err(ExportError::Unreachable(failure)),
        }
    }

    async fn status(&self, connection: ConnectionReuse, body: Bytes) -> Result<u16, RequestFailure> {
        let mut request = self.client.request(Method::POST, &self.url, connection)?;
        request = request.insert_header((CONTENT_TYPE, PROTOBUF));
        for header in &self.headers {
            request = request.insert_header(header.clone());
        }
        let mut response = request.send_body(body).await?;
        // A connection can be reused only after its response is read. The content is ignored.
        let _words = response.body().limit(LONGEST_ANSWER).await;
        Ok(response.status().as_u16())
    }
}

/// Posts an empty batch to the collector, for `doctor`.
///
/// # Errors
/// The collector did not accept the batch.
pub async fn try_collector(settings: &TraceSettings, tls: Arc<ClientConfig>) -> Result<(), ExportError> {
    Collector::new(settings, tls).post(&ExportTraceServiceRequest::default()).await
}

#[cfg(test)]
mod tests {
    use super::{Arc, ClientConfig, Collector, Duration, ExportError, TraceSettings};
    use std::io::{BufRead, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    /// A collector that sends these responses, in order, on connections that stay open until all are sent or one says
    /// otherwise; `None` closes without a response.
    fn collector(answers: Vec<Option<&'static str>>) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = TraceSettings {
            collector: Some(format!("http://{}/", listener.local_addr().unwrap())),
            ..Default::default()
        };
        thread::spawn(move || {
            let mut answers = answers.into_iter();
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let mut reader = BufReader::new(&connection);
                while let Some(answer) = read_request(&mut reader).then(|| answers.next()).flatten() {
                    let Some(answer) = answer else { break };
                    (&connection).write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        // The next batch comes at once, on the same connection.
        Collector::reusing_after(Duration::ZERO, &settings, tls())
    }

    /// A TLS configuration that trusts no certificate; it is not used.
    fn tls() -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
    }

    /// Reads the headers of a request; an empty batch has no body.
    fn read_request(reader: &mut BufReader<&TcpStream>) -> bool {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return false;
            }
        }
        true
    }

    const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    #[actix_web::test]
    async fn each_batch_gets_its_own_answer_whatever_comes_before_it() {
        let busy = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let taken = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
        let collector = collector(vec![Some(taken), Some(busy), Some(taken), Some(TAKEN)]);
        for status in [200, 503, 200, 200] {
            let outcome = collector.send(Vec::new()).await;
            let got = match outcome {
                Ok(()) => 200,
                Err(ExportError::Status(status)) => status,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(got, status);
        }
    }

    #[actix_web::test]
    async fn a_connection_that_the_collector_closed_while_it_waited_is_replaced() {
        let collector = collector(vec![Some(TAKEN), None, Some(TAKEN), None, Some(TAKEN)]);
        for _ in 0..3 {
            collector.send(Vec::new()).await.unwrap();
        }
    }
}
