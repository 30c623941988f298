//! The endpoints for operators' machines: health, readiness and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, ServiceConfig};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::methods::{READ, allow_only, read};
use super::problem::Problem;
use super::problem_type::ProblemType;
use crate::clock::Clock;
use crate::gateway::account::{Account, Health};
use crate::gateway::breaker::BreakerState;
use crate::gateway::login::LoginState;
use crate::gateway::registry::Registry;
use crate::gateway::tenants::Tenants;
use crate::replicas::Replicas;
use crate::supervisor::{Supervisor, TaskStatus};
use crate::telemetry::{logging, metrics};
use crate::vendors::Vendors;

/// The part of the API document that describes these paths.
#[derive(Debug, OpenApi)]
#[openapi(paths(read_health, read_readiness, read_metrics), components(schemas(HealthDocument, ReadinessDocument)))]
pub struct OpsApi;

/// Registers the routes for operators' machines.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(allow_only(web::resource("/healthz").name("healthz").route(read().to(read_health)), READ))
        .service(allow_only(web::resource("/readyz").name("readyz").route(read().to(read_readiness)), READ))
        .service(allow_only(web::resource("/metrics").name("metrics").route(read().to(read_metrics)), READ));
}

/// The process runs.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthDocument {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the service can answer, and how its gateways do.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
struct ReadinessDocument {
    /// `ready`, or `stopping` when the service is about to stop and still answers.
    #[schema(example = "ready", pattern = "^(ready|stopping)$")]
    status: &'static str,
    /// The program's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The accounts at gateways, without the names of companies.
    gateways: Vec<GatewayState>,
    /// The tasks and threads that run as long as the service does.
    tasks: Vec<TaskState>,
    /// What replicas share through Redis; only where that is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shared: Option<SharedState>,
}

/// What a task or thread is doing. One that fails is started again after a pause.
#[derive(Serialize, ToSchema)]
struct TaskState {
    /// The name.
    #[schema(example = "reload")]
    name: &'static str,
    /// `running`, `restarting` while it waits for its next start, or `idle` when none is needed at the moment.
    #[schema(example = "running", pattern = "^(running|restarting|idle)$")]
    state: &'static str,
    /// How often it has failed since the service started.
    #[schema(example = 0)]
    restarts: u64,
}

/// Whether replicas share answers, quotas and revocations at the moment.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SharedState)]
enum SharedState {
    /// They do.
    InUse,
    /// Redis is not to be had, and each replica goes on alone.
    Unavailable,
}

/// How an account at a gateway does.
#[derive(Serialize, ToSchema)]
struct GatewayState {
    /// Which gateway: `opretail` or `oms`.
    #[schema(example = "opretail")]
    gateway: &'static str,
    /// What the last call ended in.
    state: Health,
    /// Whether calls are let pass: `open` while a gateway that fails is left alone.
    breaker: BreakerState,
    /// How far the gateway's clock is ahead of ours, in seconds, as far as is known.
    #[schema(example = 0.0)]
    clock_offset_seconds: f64,
    /// Whether the configured user is logged in; only where a login is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    login: Option<LoginState>,
}

/// The state that operators can read about the vendors' gateways.
pub struct GatewayStates {
    /// The tenants with their accounts.
    pub tenants: Tenants,
    /// The known vendors.
    pub vendors: Vendors,
    /// Gateway calls in progress and in the queue.
    pub registry: Registry,
    /// The other replicas, if there are any.
    pub replicas: Option<Replicas>,
    /// Whether the service is shutting down.
    pub stopping: Arc<AtomicBool>,
    /// The supervised tasks and threads.
    pub supervisor: Supervisor,
    /// The clock.
    pub clock: Clock,
}

impl GatewayStates {
    fn shared(&self) -> Option<SharedState> {
        let replicas = self.replicas.as_ref()?;
        Some(if replicas.is_up() { SharedState::InUse } else { SharedState::Unavailable })
    }

    fn accounts(&self) -> Vec<Arc<Account>> {
        self.tenants.all().iter().flat_map(|tenant| tenant.accounts().cloned().collect::<Vec<_>>()).collect()
    }

    fn of_account(&self, account: &Account) -> GatewayState {
        let now = self.clock.elapsed();
        GatewayState {
            gateway: account.vendor().name(),
            state: account.health(),
            breaker: account.breaker.state(now),
            clock_offset_seconds: account.clock_offset().as_secs_f64(),
            login: account.protocol().has_login().then(|| account.login.state(now)),
        }
    }

    fn tasks(&self) -> Vec<TaskState> {
        let tasks = self.supervisor.all().into_iter();
        tasks.map(|task| TaskState { name: task.name, state: task.state.name(), restarts: task.restarts }).collect()
    }

    /// Sets the gauges. They name no tenant; of several clock offsets the largest one is reported.
    fn measure(&self) {
        metrics::log_lines_dropped().absolute(logging::lines_lost());
        for task in self.supervisor.all() {
            metrics::task_up(task.name).set(f64::from(task.state != TaskStatus::Restarting));
            metrics::task_restarts(task.name).absolute(task.restarts);
        }
        for vendor in self.vendors.iter() {
            let states: Vec<GatewayState> = self
                .accounts()
                .into_iter()
                .filter(|account| account.vendor() == vendor)
                .map(|account| self.of_account(&account))
                .collect();
            for state in BreakerState::ALL {
                let count = states.iter().filter(|account| account.breaker == state).count();
                metrics::set(&metrics::breakers(vendor.name(), state.name()), count as u64);
            }
            let offsets = states.iter().map(|account| account.clock_offset_seconds);
            let furthest = offsets.max_by(|left, right| left.abs().total_cmp(&right.abs()));
            let (under_way, waiting) = self.registry.load(vendor);
            metrics::gateway_clock_offset(vendor.name()).set(furthest.unwrap_or_default());
            metrics::set(&metrics::gateway_calls_in_flight(vendor.name()), under_way as u64);
            metrics::set(&metrics::gateway_calls_waiting(vendor.name()), waiting as u64);
        }
    }
}

/// Read health
///
/// Answers as long as the process runs.
#[utoipa::path(
    get, path = "/healthz", operation_id = "read_health", tag = "Operations", security(()),
    responses((status = 200, description = "The process runs", body = HealthDocument))
)]
async fn read_health() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(HealthDocument { status: "ok" })
}

/// Read readiness
///
/// Whether the service can answer, and what the last call to each gateway ended in. A failing gateway does not make the
/// service unready: kept answers are still served. While the service is about to stop, it still answers, and asks by 503 to
/// be sent no more.
#[utoipa::path(
    get, path = "/readyz", operation_id = "read_readiness", tag = "Operations", security(()),
    responses(
        (status = 200, description = "The service can answer", body = ReadinessDocument),
        (status = 503, description = "The service is about to stop", body = ReadinessDocument),
    )
)]
async fn read_readiness(standing: Data<GatewayStates>) -> HttpResponse {
    let is_stopping = standing.stopping.load(Ordering::Relaxed);
    let gateways = standing.accounts().into_iter().map(|account| standing.of_account(&account));
    let document = ReadinessDocument {
        status: if is_stopping { "stopping" } else { "ready" },
        version: env!("CARGO_PKG_VERSION"),
        gateways: gateways.collect(),
        tasks: standing.tasks(),
        shared: standing.shared(),
    };
    let mut response = if is_stopping { HttpResponse::ServiceUnavailable() } else { HttpResponse::Ok() };
    response.insert_header((CACHE_CONTROL, "no-store")).json(document)
}

/// Read metrics
///
/// All metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", operation_id = "read_metrics", tag = "Operations", security(()),
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"))
)]
async fn read_metrics(standing: Data<GatewayStates>) -> Result<HttpResponse, Problem> {
    standing.measure();
    let metrics = web::block(metrics::render).await.map_err(|error| {
        Problem::of(ProblemType::InternalError).caused_by(format!("metrics were not written: {error}"))
    })?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(metrics))
}
