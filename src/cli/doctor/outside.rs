//! Checks the external services besides the gateways: the tenants' identity providers, the replicas' Redis, and the
//! collector of traces.

use std::sync::Arc;

use futures_util::future::{join_all, join3};
use rustls::ClientConfig;

use super::finding::Finding;
use crate::auth::issuers;
use crate::clock::Clock;
use crate::config::Settings;
use crate::replicas::connection_probe::{self, ConnectionProbe, ProbeFailure};
use crate::telemetry::traces;

/// Checks all external services except gateways, concurrently. A further one is another function below and another part
/// of this list.
pub(super) async fn examine(settings: &Settings, tls: &Arc<ClientConfig>, clock: &Clock) -> Vec<Finding> {
    let issuers = join_all(settings.auth.issuers.iter().map(|issuer| issuer_keys(issuer, tls)));
    let (issuers, collector, redis) = join3(issuers, collector(settings, tls), redis(settings, clock)).await;
    issuers.into_iter().chain(redis).chain(collector).collect()
}

/// Performs at Redis the operations of a replica. Without Redis each replica works alone.
async fn redis(settings: &Settings, clock: &Clock) -> Option<Finding> {
    const CHECK: &str = "redis";
    let settings = settings.redis.as_ref()?;
    let nodes: Vec<String> = settings.nodes.iter().map(ToString::to_string).collect();
    let nodes = nodes.join(", ");
    let ConnectionProbe { version, round_trip, allowed, forgets_nothing } = match connection_probe::run(settings, clock)
        .await
    {
        Ok(probe) => probe,
        Err(ProbeFailure { cause, remedy }) => {
            return Some(Finding::failed(CHECK, format!("{nodes}: {cause}, so that replicas share nothing"), remedy));
        }
    };
    let seen = format!(
        "{nodes}: version {}, a round trip takes {:.1} ms",
        version.as_deref().unwrap_or("not stated"),
        round_trip.as_secs_f64() * 1000.0
    );
    Some(if round_trip > allowed {
        Finding::failed(
            CHECK,
            format!(
                "{seen}, and requests wait no longer than {} ms, so that replicas share nothing",
                allowed.as_millis()
            ),
            "put it nearer, or raise redis.timeout (three round trips of a request)",
        )
    } else if forgets_nothing {
        Finding::warning(
            CHECK,
            format!("{seen}; when its memory is full, it refuses what is new"),
            "set maxmemory-policy volatile-lru there",
        )
    } else {
        Finding::ok(CHECK, seen)
    })
}

/// Posts an empty batch to the collector of traces. Without the collector only traces are lost.
async fn collector(settings: &Settings, tls: &Arc<ClientConfig>) -> Option<Finding> {
    let url = settings.traces.collector.as_ref()?;
    Some(match traces::try_collector(&settings.traces, tls.clone()).await {
        Ok(()) => Finding::ok("traces", format!("{url} takes spans")),
        Err(error) => Finding::warning("traces", format!("{url}: {error}, so that spans are lost"), error.remedy()),
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
