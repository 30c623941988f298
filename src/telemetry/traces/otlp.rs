//! OTLP over HTTP: a batch of spans as protobuf, posted to the collector with the client library that the service has already.

use std::sync::Arc;
use std::time::Duration;

use awc::error::SendRequestError;
use awc::http::header::CONTENT_TYPE;
use awc::{Client, Connector};
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

const PROTOBUF: &str = "application/x-protobuf";

/// For one batch, to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The collector's words are not read; of more than this the connection is not kept.
const LONGEST_ANSWER: usize = 64 << 10;

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No connection, or one that ended before the answer.
    #[error("the collector cannot be reached: {0}")]
    Unreachable(String),
    /// Not all of the answer in time.
    #[error("the collector did not answer within {} s", PATIENCE.as_secs())]
    NotInTime,
    /// Anything but success.
    #[error("the collector answered with status {0}")]
    Status(u16),
}

impl ExportError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Status(401 | 403) => "check telemetry.traces_headers: the collector wants to see another token there",
            _ => {
                "check telemetry.traces, and that the collector takes OTLP over HTTP (usually port 4318) with protobuf"
            }
        }
    }
}

/// The way to a collector. It belongs to one thread.
pub(super) struct Collector {
    client: Client,
    url: String,
    headers: Headers,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// The way to the collector of the settings, which name one.
    pub(super) fn new(settings: &TraceSettings, tls: Arc<ClientConfig>) -> Self {
        let connector = Connector::new().rustls_0_23(tls).timeout(PATIENCE).handshake_timeout(PATIENCE);
        let client = Client::builder().connector(connector).disable_redirects().timeout(PATIENCE).finish();
        let about = [
            KeyValue::new("service.name", settings.service_name.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            // Replicas tell themselves apart by it.
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
        let whole = tokio::time::timeout(PATIENCE, self.exchange(request.encode_to_vec())).await;
        whole.unwrap_or(Err(ExportError::NotInTime))
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(), ExportError> {
        let mut request = self.client.post(&self.url).insert_header((CONTENT_TYPE, PROTOBUF));
        for header in &self.headers {
            request = request.insert_header(header.clone());
        }
        let sent = request.send_body(body).await;
        let mut response = sent.map_err(|error| match error {
            SendRequestError::Timeout => ExportError::NotInTime,
            error => ExportError::Unreachable(error.to_string()),
        })?;
        // A connection whose answer is not read cannot be used again. What it says is not looked at.
        let _words = response.body().limit(LONGEST_ANSWER).await;
        if response.status().is_success() { Ok(()) } else { Err(ExportError::Status(response.status().as_u16())) }
    }
}

/// Posts nothing to a collector, for whoever looks for trouble.
///
/// # Errors
/// Why it did not take that.
pub async fn try_collector(settings: &TraceSettings, tls: Arc<ClientConfig>) -> Result<(), ExportError> {
    Collector::new(settings, tls).post(&ExportTraceServiceRequest::default()).await
}
