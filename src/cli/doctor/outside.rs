//! What else the service leans on: the identity providers of the companies, the collector of traces, and whatever joins them.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use rustls::ClientConfig;

use super::finding::Finding;
use crate::auth::issuers;
use crate::config::Settings;
use crate::telemetry::traces;

/// Everything outside that is no gateway, side by side. Whatever else the service comes to lean on, such as a shared cache, is
/// one more function below and one more part of this list.
pub(super) async fn examine(settings: &Settings, tls: &Arc<ClientConfig>) -> Vec<Finding> {
    let issuers = join_all(settings.auth.issuers.iter().map(|issuer| issuer_keys(issuer, tls)));
    let (issuers, collector) = join(issuers, collector(settings, tls)).await;
    issuers.into_iter().chain(collector).collect()
}

/// Posts no span to the collector of traces. Without it nothing but traces is lost.
async fn collector(settings: &Settings, tls: &Arc<ClientConfig>) -> Option<Finding> {
    let url = settings.traces.collector.as_ref()?;
    Some(match traces::try_collector(url, tls.clone()).await {
        Ok(()) => Finding::ok("traces", format!("{url} takes spans")),
        Err(error) => Finding::warning(
            "traces",
            format!("{url}: {error}, so that spans are lost"),
            "check telemetry.traces, and that the collector takes OTLP over HTTP (usually port 4318) with protobuf",
        ),
    })
}

async fn issuer_keys(issuer: &issuers::settings::IssuerSettings, tls: &Arc<ClientConfig>) -> Finding {
    let finding = match issuers::look_at_keys(issuer, tls.clone()).await {
        Ok(keys) if keys.usable == 0 => Finding::failed(
            "issuer keys",
            format!("none of its keys can be used here; left out: {}", keys.left_out),
            "check `algorithms`, and have the provider publish a key of one of them",
        ),
        Ok(keys) if keys.left_out.is_empty() => Finding::ok("issuer keys", format!("{} keys", keys.usable)),
        Ok(keys) => Finding::ok("issuer keys", format!("{} keys; left out: {}", keys.usable, keys.left_out)),
        Err(why) => Finding::failed(
            "issuer keys",
            why,
            "check `issuer` and `jwks_uri`, and whether this machine may reach the provider; gateway.ca_file is trusted there",
        ),
    };
    finding.of(&issuer.name)
}
