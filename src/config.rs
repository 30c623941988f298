//! One struct of the modules' own settings. File, then environment over it, then flags of the command line; every problem
//! is reported at once.

mod tables;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use toml::Table;

use crate::auth::AuthSettings;
use crate::auth::limits::CallerLimits;
use crate::auth::scope::Scopes;
use crate::cache::CacheSettings;
use crate::directory::{DirectorySettings, VendorIds};
use crate::gateway::GatewaySettings;
use crate::gateway::account_settings::AccountSettings;
use crate::gateway::tenants::TenantSettings;
use crate::gateway::vendor::Vendor;
use crate::http::cors::{Cors, CorsSettings};
use crate::http::host::Host;
use crate::http::public_url::PublicUrl;
use crate::http::request_limits;
use crate::replicas::settings::RedisSettings;
use crate::resources::flow_events::EventSettings;
use crate::resources::{Declarations, Policies};
use crate::server::listener::ConnectionLimits;
use crate::server::slow_clients::ClientTimeouts;
use crate::settings::{
    ContentHash, Files, MOST_OF_A_TEXT, Problems, Report, Section, SectionSettings, Sources, overlay, parse_toml,
    section, strays, text_of_file,
};
use crate::telemetry::logging::LogSettings;
use crate::telemetry::traces::TraceSettings;
use crate::vendors::Vendors;

pub use tables::{is_renewed, tables};

/// Everything that `serve` needs to know.
#[derive(Debug)]
pub struct Settings {
    /// `[server]`.
    pub server: ServerSettings,
    /// `[auth]` and `[limits]`.
    pub auth: AuthSettings,
    /// `[tenants.<name>]`.
    pub tenants: Vec<TenantSettings>,
    /// The vendors whose packs are built in, and those of `[vendors.<name>]`.
    pub vendors: Vendors,
    /// `[directory.<name>]`.
    pub directory: DirectorySettings,
    /// `[gateway]`.
    pub gateway: GatewaySettings,
    /// `[cache]`.
    pub cache: CacheSettings,
    /// `[cache.<resource>]`.
    pub policies: Policies,
    /// `[resources.<name>]`.
    pub declared: Declarations,
    /// `[events]`.
    pub events: EventSettings,
    /// `[redis]`: what replicas share; `None` for a process alone.
    pub redis: Option<RedisSettings>,
    /// `[telemetry]`: the log.
    pub log: LogSettings,
    /// `[telemetry]`: the traces.
    pub traces: TraceSettings,
    /// The files and sections that all of it was read from.
    pub sources: Sources,
    /// What has no effect and hinders nothing.
    pub warnings: Vec<String>,
}

/// One reading of a configuration, whatever came of it.
#[derive(Debug)]
pub struct LoadedConfig {
    /// The files and sections that it was made of, as far as they could be told.
    pub sources: Sources,
    /// What it says, or everything that is missing or wrong.
    pub settings: Result<Settings, Problems>,
}

impl LoadedConfig {
    /// The same with problems that were found before.
    #[must_use]
    pub fn with_problems(self, mut problems: Vec<String>) -> Self {
        let settings = match self.settings {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(Problems(problems)),
            Err(Problems(others)) => {
                problems.extend(others);
                Err(Problems(problems))
            }
        };
        Self { settings, ..self }
    }
}

section! {
    /// Our own listener.
    #[derive(Clone, Debug)]
    pub struct ServerSettings in "server" on restart {
        /// Address and port. Port 0 takes a free one; `[::]:8080` is for every interface.
        listen: SocketAddr = "127.0.0.1:8080", given "127.0.0.1:8080";
        /// The address that callers use; also the issuer of tokens. It may have a path, `https://example.com/storegate`, that a
        /// proxy takes off.
        public_url: PublicUrl, given "https://storegate.example.com";
        /// Threads that serve; one a core unless set.
        workers: Option<usize>, from 1 to 1024 else "write a number from 1 to 1024, or leave it out for one a core", example 2;
        /// How long a service that is asked to stop (SIGTERM) answers `/readyz` with 503 and serves on before the drain begins.
        stop_delay: Duration = "0s";
        /// How long a stopping service finishes requests.
        drain: Duration = "30s";
        // The framework's clock moves in steps of half a second, so anything shorter than a second ends at random.
        /// The longest time for one request, its body included.
        request_timeout: Duration = "30s", from "1s" else "this needs at least 1s";
        /// The longest time for the head of a request; a stalled one ends within twice this time.
        head_timeout: Duration = "10s", from "1s" else "this needs at least 1s";
        // Longer than the 60 s for which load balancers keep their side open, so that none sends a request on a connection
        // that we have just closed.
        /// How long a connection may wait for its next request; longer than the idle time of the load balancer in front.
        keep_alive: Duration = "75s", from "1s" else "this needs at least 1s";
        /// Most connections at a time; idle and stalled ones make room for others. No more than half of `ulimit -n` is used.
        connections: usize = 10000;
        /// Answer for these hosts only, and others with 421, but for health and metrics; for any host unless set.
        hosts: Vec<Host>, example ["storegate.example.com"];
    }
    and {
        /// Whether `connections` is set.
        connections_are_set: bool = |server: &Section<'_>| server.is_set("connections");
        /// `[server.cors]`.
        cors: CorsSettings = |server: &Section<'_>| CorsSettings::read(&server.section("cors"));
        /// The client that people authorize as in Swagger UI; set by the demo, which has the dashboard, too.
        demo_client: Option<String>;
    }
}

impl ServerSettings {
    fn read(section: &Section<'_>) -> Self {
        let settings = Self::default().over(section);
        if settings.connections_are_set && settings.connections < settings.workers() {
            section.problem("connections", "write at least one for each worker, and less than the limit on open files");
        }
        settings
    }

    fn workers(&self) -> usize {
        self.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
    }

    /// What connections may do, where tokens may be as large.
    pub fn connections(&self, largest_token: usize) -> ConnectionLimits {
        ConnectionLimits {
            workers: self.workers(),
            connections: self.connections,
            connections_are_set: self.connections_are_set,
            timeouts: ClientTimeouts { head: self.head_timeout, body: self.request_timeout },
            keep_alive: self.keep_alive,
            drain: self.drain,
            varies_by_origin: Cors::new(&self.cors).is_some_and(|cors| cors.varies_by_origin()),
            public_url: self.public_url.clone(),
            largest_head: request_limits::largest_read(request_limits::largest_head(largest_token)),
        }
    }
}

/// A column of a vendor whose pack has problems is not known: a list is read when they are gone.
fn read_directory(root: &Section<'_>, companies: &[(String, VendorIds)], ids: &VendorIds) -> DirectorySettings {
    if ids.is_incomplete() {
        root.skip("directory");
        return DirectorySettings::default();
    }
    DirectorySettings::read(&root.section("directory"), companies, ids)
}

impl Settings {
    /// Reads the file, if there is one, and the environment over it. A service that runs already gives its packs: they stay in
    /// force until it starts again, and what is read is bound to them.
    pub fn read_from(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        running: Option<&Vendors>,
    ) -> LoadedConfig {
        let Some(path) = file else { return Self::over(None, Table::new(), None, variables, running) };
        let name = path.display().to_string();
        let files = Files::default();
        let content = files.get(path, MOST_OF_A_TEXT);
        // Of the very bytes that are parsed: a second read of the file may find other ones.
        let file = Some((path, ContentHash::of_named(path, &files)));
        let text = content.as_deref().map_err(Clone::clone).and_then(text_of_file);
        let table = match text {
            Ok(text) => parse_toml(text, &name).map(|table| (table, text.to_owned())),
            Err(error) => Err(Problems(vec![format!("{name}: cannot be read: {error}")])),
        };
        match table {
            Ok((table, text)) => Self::over(file, table, Some(text), variables, running),
            Err(problems) => {
                LoadedConfig { sources: Sources::of(file, &Table::new(), &Files::default()), settings: Err(problems) }
            }
        }
    }

    /// The same from a text.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn parse(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        Self::over(None, parse_toml(text, "the configuration")?, Some(text.to_owned()), variables, None).settings
    }

    /// The same from a text that no operator wrote, and further sections.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn parse_with(text: &str, more: Table) -> Result<Self, Problems> {
        let mut table = parse_toml(text, "the configuration")?;
        table.extend(more);
        Self::over(None, table, None, std::iter::empty(), None).settings
    }

    fn over(
        file: Option<(&Path, ContentHash)>,
        mut table: Table,
        text: Option<String>,
        variables: impl Iterator<Item = (String, String)>,
        running: Option<&Vendors>,
    ) -> LoadedConfig {
        let variables: Vec<(String, String)> = variables.collect();
        let strays = strays(&variables);
        let origins = overlay(&mut table, variables.into_iter());
        let report = Report::with_variables(origins).of_text(text).with_strays(strays);
        let sources = Sources::of(file, &table, report.files());
        let settings = Self::read(&Section::root(&table, &report), sources.clone(), running);
        LoadedConfig { sources, settings: report.finish(&table).map(|warnings| Self { warnings, ..settings }) }
    }

    fn read(root: &Section<'_>, sources: Sources, running: Option<&Vendors>) -> Self {
        let server = ServerSettings::read(&root.section("server"));
        let named = Vendors::read(&root.section("vendors"));
        // What a reload puts in force is bound to the packs that run; what waits for a restart, to those that wait, too.
        let vendors = running.unwrap_or(&named).clone();
        let all: Vec<Vendor> = named.iter().collect();
        let bound: Vec<Vendor> = all.iter().map(|vendor| vendors.get(vendor.name()).unwrap_or(*vendor)).collect();
        let mut tenants = TenantSettings::read_all(&root.section("tenants"), root, &bound, named.unread());
        let is_running = |account: &AccountSettings| vendors.get(account.vendor.name()).is_some();
        tenants.iter_mut().for_each(|tenant| tenant.accounts.retain(is_running));
        let names: Vec<String> = tenants.iter().map(|tenant| tenant.name.clone()).collect();
        let cache = root.section("cache");
        let declared = Declarations::read(root, &named);
        let scopes = Scopes::with(declared.scopes());
        // As it was written, even if it is wrong: that is told once, where it stands.
        let public_url = root.section("server").text("public_url");
        let ids = vendors.ids();
        let auth = AuthSettings::read(&root.section("auth"), public_url.as_deref(), &names, &scopes, &ids);
        named.unread().iter().for_each(|name| root.section("gateway").skip(name));
        let companies: Vec<_> = tenants.iter().map(|tenant| (tenant.name.clone(), vendors.ids_of(tenant))).collect();
        Self {
            auth: AuthSettings { limits: CallerLimits::read(&root.section("limits")), ..auth },
            server,
            declared,
            directory: read_directory(root, &companies, &ids),
            tenants,
            gateway: GatewaySettings::read(&root.section("gateway"), all.iter().copied()),
            policies: Policies::read(&cache),
            cache: CacheSettings::read(&cache),
            events: EventSettings::read(&root.section("events")),
            redis: RedisSettings::read(&root.section("redis")),
            log: LogSettings::read(&root.section("telemetry")),
            traces: TraceSettings::read(&root.section("telemetry")),
            vendors,
            sources,
            warnings: Vec::new(),
        }
    }
}
