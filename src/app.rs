//! The composition root: turns settings into shared state, routes, and a bound server.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{middleware, rt};
use utoipa::openapi::OpenApi as Document;

use crate::auth::memory::AuthMemory;
use crate::auth::{self, Auth, AuthSetupError, CurrentAuth};
use crate::cache::AnswerCache;
use crate::clock::Clock;
use crate::config::{ServerSettings, Settings};
use crate::directory::CurrentDirectories;
use crate::fast_path::{AuthorizationClasses, FastPath};
use crate::gateway::GatewayClient;
use crate::gateway::error::Error;
use crate::gateway::registry::Registry;
use crate::gateway::tenants::Tenants;
use crate::gateway::tls::{self, TlsError};
use crate::gateway::transport::Transport;
use crate::http::cors::Cors;
use crate::http::docs::{self, Docs};
use crate::http::edge::{self, Edge};
use crate::http::ops::{self, GatewayStates};
use crate::http::request_limits;
use crate::openapi;
use crate::reload::LiveConfig;
use crate::replicas::connection_supervisor::EventReceiver;
use crate::replicas::journal::RevokedToken;
use crate::replicas::{Replicas, ReplicasThread};
use crate::resources::flow_events::{Feeds, StreamSlots};
use crate::resources::{self, Catalogue, SharedState};
use crate::server::listener;
use crate::server::signals::{self, Signals};
use crate::supervisor::{Supervisor, TaskResult};
use crate::telemetry::logging::CurrentLog;
use crate::telemetry::metrics;
use crate::telemetry::traces::{self, Traces};

/// The interval at which expired entries are removed.
const MAINTENANCE: Duration = Duration::from_secs(5);

/// The longest time for a server that must end at once.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(300);

/// Why the service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The server cannot be started.
    #[error("the server cannot be started: {0}")]
    Server(#[from] io::Error),
    /// Tokens cannot be issued or verified.
    #[error(transparent)]
    Auth(#[from] AuthSetupError),
    /// The vendors' gateways cannot be called.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The API document cannot be generated.
    #[error("the API document cannot be written: {0}")]
    Document(String),
}

/// The service, bound to its address.
pub struct App {
    address: SocketAddr,
    server: Server,
    cache: AnswerCache<Error>,
    in_force: LiveConfig,
    stop: StopSequence,
    supervisor: Supervisor,
    /// Sharing ends when the app is dropped.
    _sharing: Option<ReplicasThread>,
    exporter: Option<traces::Exporter>,
}

/// How a graceful shutdown begins.
struct StopSequence {
    stopping: Arc<AtomicBool>,
    delay: Duration,
}

/// Receives the events of other replicas.
struct ReplicaEvents {
    cache: AnswerCache<Error>,
    memory: Arc<AuthMemory>,
    clock: Clock,
}

impl EventReceiver for ReplicaEvents {
    fn purged(&self, tenant: &str, stores: Option<&[String]>) {
        let dropped = self.cache.purge_here(tenant, stores);
        tracing::info!(dropped, "cache purged by another replica");
    }

    fn missed_something(&self) {
        tracing::warn!("replica events lost; all cached responses are dropped");
        self.cache.clear_here();
    }

    fn revoked(&self, tokens: &[RevokedToken]) {
        let without_room = self.memory.revoked.receive(tokens, self.clock.now().as_second());
        if without_room > 0 {
            tracing::error!(
                without_room,
                "revocation list full; tokens that other replicas revoked are still accepted"
            );
        }
    }

    fn known_revoked(&self) -> Vec<RevokedToken> {
        self.memory.revoked.all(self.clock.now().as_second())
    }

    fn count_revoked(&self) -> usize {
        self.memory.revoked.count(self.clock.now().as_second())
    }
}

impl App {
    /// Builds the state that all workers share, binds the address, and starts the workers. Must be called inside the
    /// runtime.
    ///
    /// # Errors
    /// Returns an [`AppError`] that says what is wrong.
    pub fn build(settings: Settings, clock: Clock) -> Result<Self, AppError> {
        let address = settings.server.listen;
        let listener = listener::listen(address).map_err(|source| AppError::Listen { address, source })?;
        Self::on(listener, settings, clock)
    }

    /// Builds the service on a listener that is bound already.
    ///
    /// # Errors
    /// Returns an [`AppError`] that says what is wrong.
    #[expect(clippy::too_many_lines, reason = "all parts are put together in one place")]
    pub fn on(listener: TcpListener, settings: Settings, clock: Clock) -> Result<Self, AppError> {
        metrics::start();
        let address = listener.local_addr()?;
        let supervisor = Supervisor::default();
        let options = settings.server.clone();
        let tls = tls::client_config(&settings.gateway.authorities)?;
        warn_of_plain_http(&settings);
        let replicas = settings.redis.map(|settings| Replicas::new(settings, clock.clone()));
        let cache = AnswerCache::new(&settings.cache, clock.clone()).sharing(replicas.clone());
        let directories = Arc::new(CurrentDirectories::new(settings.directory));
        let registry = Registry::new(&settings.gateway, clock.clone());
        let tenants = Tenants::new(settings.tenants, &registry);
        let memory = Arc::new(AuthMemory::sharing(replicas.as_ref()));
        let largest_token = settings.auth.largest_token();
        let auth = Auth::with_memory(memory.clone(), settings.auth, clock.clone())?;
        let is_issuing = auth.issuer().is_some();
        let auth = Data::new(CurrentAuth::new(auth).fetching_keys(tls.clone(), &supervisor));
        let log = CurrentLog::new(&settings.log);
        let traced = settings.traces.clone();
        let in_force = LiveConfig {
            auth: auth.clone(),
            tenants: tenants.clone(),
            directories: directories.clone(),
            vendors: settings.vendors.clone(),
            log,
            traces: traced,
        };
        let catalogue = Catalogue::with(&settings.declared);
        let routes = catalogue.iter().map(|resource| (resource.name, resource.route().path)).collect();
        let (traces, exporter) = Traces::start(&settings.traces, tls.clone(), routes, &supervisor)?.unzip();
        let document = if is_issuing { openapi::document } else { openapi::document_without_tokens };
        let docs = Data::new(docs(&options, &document(&catalogue, &options.public_url))?);
        let stopping = Arc::<AtomicBool>::default();
        let edge = Data::new(Edge {
            clock: clock.clone(),
            request_timeout: options.request_timeout,
            hosts: options.hosts.clone(),
            cors: Cors::new(&options.cors),
            public_url: options.public_url.clone(),
            stopping: stopping.clone(),
            traces: traces.clone(),
            trusted_proxies: memory.trusted_proxies.clone(),
            largest_head: request_limits::largest_head(largest_token),
        });
        let standing = Data::new(GatewayStates {
            tenants: tenants.clone(),
            vendors: settings.vendors.clone(),
            registry,
            replicas: replicas.clone(),
            stopping: stopping.clone(),
            supervisor: supervisor.clone(),
            clock: clock.clone(),
        });
        let stream_slots = Arc::new(StreamSlots::new(settings.events));
        let shared = Data::new(SharedState {
            feeds: Arc::new(Feeds::new(supervisor.clone())),
            stream_slots: stream_slots.clone(),
            tenants,
            directories,
            cache: cache.clone(),
            catalogue: catalogue.clone(),
            policies: settings.policies,
            public_url: options.public_url.clone(),
            clock: clock.clone(),
        });
        let gateway = settings.gateway;
        let classes = Arc::new(AuthorizationClasses::default());
        let clock_of_replicas = clock.clone();
        let factory = move || {
            // awc's client belongs to one thread, so each worker has its own; everything else is shared.
            let transport = Transport::new(&gateway, tls.clone());
            let fast_path =
                FastPath::new(auth.clone(), shared.cache.clone(), edge.clone(), clock.clone(), classes.clone());
            let application = actix_web::App::new()
                .app_data(auth.clone())
                .app_data(shared.clone())
                .app_data(docs.clone())
                .app_data(edge.clone())
                .app_data(standing.clone())
                .app_data(GatewayClient::new(transport, clock.clone(), gateway.deadline).traced(traces.clone()))
                .wrap(middleware::from_fn(edge::pass))
                .configure(|config| configure(config, &catalogue, largest_token));
            fast_path.before(application)
        };
        let events = Arc::new(ReplicaEvents { cache: cache.clone(), memory, clock: clock_of_replicas });
        let sharing = replicas.map(|replicas| replicas.start(events, &supervisor)).transpose()?;
        let limits = options.connections(largest_token);
        let server = listener::start(listener, &limits, move || stream_slots.close(), &supervisor, factory)?;
        let stop = StopSequence { stopping, delay: options.stop_delay };
        Ok(Self { address, server, cache, in_force, stop, supervisor, exporter, _sharing: sharing })
    }

    /// Returns the address that the service listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the parts of the configuration that a reload replaces.
    pub fn in_force(&self) -> LiveConfig {
        self.in_force.clone()
    }

    /// Returns the supervisor of the long-lived tasks and threads.
    pub fn supervisor(&self) -> Supervisor {
        self.supervisor.clone()
    }

    /// Returns a handle that stops the service from other code.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until a signal or the handle stops the service.
    ///
    /// # Errors
    /// Returns the error with which the server fails.
    pub async fn run(self) -> io::Result<()> {
        // Signals are registered before anything is awaited: a process that sees the service respond can shut it down
        // gracefully.
        let signals = Signals::listen()?;
        let StopSequence { stopping, delay } = self.stop;
        let handle = self.server.handle();
        let ended = signals::on_signal(signals, handle.clone(), &stopping, delay);
        let cache = self.cache;
        let maintenance = self.supervisor.task("maintenance", move || maintain(cache.clone()));
        let serving = rt::spawn(self.server);
        let outcome = tokio::select! {
            outcome = serving => outcome.unwrap_or_else(|error| Err(io::Error::other(error))),
            () = ended => {
                // A worker that is busy with a drain does not receive this, and ends with the process.
                let _stopped = tokio::time::timeout(SHUTDOWN_GRACE, handle.stop(false)).await;
                Ok(())
            }
        };
        maintenance.abort();
        if let Some(exporter) = self.exporter {
            exporter.stop().await;
        }
        outcome
    }
}

/// Registers every route of the service.
fn configure(config: &mut ServiceConfig, catalogue: &Catalogue, largest_token: usize) {
    config
        .configure(|config| resources::configure(config, catalogue))
        .configure(|config| auth::endpoints::configure(config, largest_token))
        .configure(ops::configure)
        .configure(docs::configure);
}

fn warn_of_plain_http(settings: &Settings) {
    for tenant in &settings.tenants {
        for (vendor, key, url) in tenant.exposed_urls() {
            let key = format!("tenants.{}.{vendor}.{key}", tenant.name);
            tracing::warn!(
                key,
                url,
                "gateway called without TLS: everybody on the way can read and change the answers"
            );
        }
    }
    if settings.traces.exposes_headers() {
        let key = "telemetry.traces";
        tracing::warn!(key, "telemetry.traces_headers sent without TLS: everybody on the way can read them");
    }
}

fn docs(options: &ServerSettings, document: &Document) -> Result<Docs, AppError> {
    let json = openapi::to_json(document).map_err(|error| AppError::Document(error.to_string()))?;
    let yaml = document.to_yaml().map_err(|error| AppError::Document(error.to_string()))?;
    Ok(Docs::new(json, yaml, options.demo_client.as_deref(), options.public_url.clone()))
}

async fn maintain(cache: AnswerCache<Error>) -> TaskResult {
    loop {
        rt::time::sleep(MAINTENANCE).await;
        let (entries, bytes) = cache.maintain();
        metrics::set(&metrics::cache_entries(), entries);
        metrics::set(&metrics::cache_bytes(), bytes);
        metrics::upkeep();
    }
}
