//! Exports spans in batches from a thread of its own. Requests reach it through a bounded queue and never wait for the
//! collector. Spans that find the queue full, and batches that the collector does not accept, are dropped and counted;
//! the log has one line when that begins and one when it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use rustls::ClientConfig;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::TraceSettings;
use super::otlp::{Collector, ExportError};
use super::server::UNWANTED;
use crate::supervisor::{SupervisedThread, Supervisor};
use crate::telemetry::metrics;

/// The most spans in the queue, some MiB.
const QUEUE: usize = 4096;
/// The most spans in a batch.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const GATHERING: Duration = Duration::from_secs(1);
/// How long the end of the service waits for the last spans.
const FLUSH: Duration = Duration::from_millis(800);

/// The queue of spans to be exported.
#[derive(Debug)]
pub(super) struct SpanQueue(Sender<SpanData>);

impl SpanProcessor for SpanQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.attributes.iter().any(|attribute| attribute.key.as_str() == UNWANTED) {
            return;
        }
        if self.0.try_send(span).is_err() {
            metrics::trace_spans("dropped").increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The handle on the exporter thread, to stop it.
#[derive(Debug)]
pub struct Exporter {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
    held: SupervisedThread,
}

impl Exporter {
    /// Exports the remaining spans, for at most 0.8 s, and stops the thread.
    pub async fn stop(self) {
        let Self { stop, stopped, held: _held } = self;
        // If the thread has ended, there is nothing to wait for.
        let _sent = stop.send(());
        let _ended = tokio::time::timeout(FLUSH, stopped).await;
    }
}

/// Starts the exporter thread.
pub(super) fn start(
    settings: TraceSettings,
    tls: Arc<ClientConfig>,
    supervisor: &Supervisor,
) -> io::Result<(SpanQueue, Exporter)> {
    let (sender, mut spans) = channel(QUEUE);
    let (stop, mut stopping) = oneshot::channel();
    let (end, stopped) = oneshot::channel();
    let mut end = Some(end);
    let held = supervisor.thread("traces", move || {
        actix_web::rt::System::new().block_on(async {
            let collector = Collector::new(&settings, tls.clone());
            Sending { collector, spans: &mut spans, failing: false }.run(&mut stopping).await;
        });
        // The waiting side may have given up.
        let _sent = end.take().map(|end| end.send(()));
        Ok(())
    })?;
    Ok((SpanQueue(sender), Exporter { stop, stopped, held }))
}

struct Sending<'a> {
    collector: Collector,
    spans: &'a mut Receiver<SpanData>,
    failing: bool,
}

impl Sending<'_> {
    async fn run(mut self, stopping: &mut oneshot::Receiver<()>) {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            let is_last = tokio::select! {
                biased;
                // The service was dropped without being stopped.
                _ = &mut *stopping => true,
                is_last = gather(self.spans, &mut batch) => is_last,
            };
            if is_last {
                return self.send_the_rest(batch).await;
            }
            self.send(batch).await;
        }
    }

    async fn send_the_rest(&mut self, mut batch: Vec<SpanData>) {
        self.spans.close();
        loop {
            while batch.len() < BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let outcome = self.collector.send(batch).await;
        metrics::trace_spans(if outcome.is_ok() { "sent" } else { "failed" }).increment(count);
        self.log(&outcome);
    }

    /// Logs when exports begin to fail, and when they work again.
    fn log(&mut self, outcome: &Result<(), ExportError>) {
        match outcome {
            Err(error) if !self.failing => {
                tracing::warn!(%error, "trace export failed: spans are dropped until the collector accepts them again");
            }
            Ok(()) if self.failing => tracing::info!("trace export recovered"),
            _ => {}
        }
        self.failing = outcome.is_err();
    }
}

/// Fills a batch: the first span waits a moment for others. Returns true when no more spans can come. If the future is
/// dropped, gathered spans stay in the batch.
async fn gather(spans: &mut Receiver<SpanData>, batch: &mut Vec<SpanData>) -> bool {
    if spans.recv_many(batch, BATCH).await == 0 {
        return true;
    }
    let more = async { while batch.len() < BATCH && spans.recv_many(batch, BATCH - batch.len()).await > 0 {} };
    // The batch is sent whether it is full or not.
    let _gathered = tokio::time::timeout(GATHERING, more).await;
    false
}
