//! One struct of the modules' own settings. File, then environment over it, then flags of the command line; every problem
//! is reported at once.

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
use crate::server::stalls::ClientTimeouts;
use crate::settings::{
    ContentHash, Files, MOST_OF_A_TEXT, Problems, Report, Section, Sources, overlay, parse_toml, strays, text_of_file,
};
use crate::telemetry::logging::LogSettings;
use crate::telemetry::traces::TraceSettings;
use crate::vendors::Vendors;

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

/// `[server]`: our own listener.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// `listen`: address and port; port 0 for a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `public_url`: the address that callers use; its path is the one that a proxy in front takes off.
    pub public_url: PublicUrl,
    /// `workers`: threads that serve. Default: one a core.
    pub workers: usize,
    /// `drain`: how long a stopping service finishes requests. Default `30s`.
    pub drain: Duration,
    /// `stop_delay`: how long a service that is asked to stop says so and goes on before the drain begins. Default `0s`.
    pub stop_delay: Duration,
    /// `request_timeout`: the longest time for one request. Default `30s`.
    pub request_timeout: Duration,
    /// `head_timeout`: how long the head of a request may take. Default `10s`.
    pub head_timeout: Duration,
    /// `keep_alive`: how long a connection may wait for its next request. Default `75s`.
    pub keep_alive: Duration,
    /// `connections`: most connections at a time. Default 10000; fewer where the system allows fewer open files.
    pub connections: usize,
    /// Whether `connections` is set.
    pub connections_are_set: bool,
    /// `hosts`: the hosts that are answered for. Default: any.
    pub hosts: Vec<Host>,
    /// `[server.cors]`.
    pub cors: CorsSettings,
    /// The client that people authorize as in Swagger UI; set by the demo, which has the dashboard, too.
    pub demo_client: Option<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: PublicUrl::default(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            drain: Duration::from_secs(30),
            stop_delay: Duration::ZERO,
            request_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(10),
            // Longer than the 60 s for which load balancers keep their side open, so that none sends a request on a
            // connection that we have just closed.
            keep_alive: Duration::from_secs(75),
            connections: 10_000,
            connections_are_set: false,
            hosts: Vec::new(),
            cors: CorsSettings::default(),
            demo_client: None,
        }
    }
}

impl ServerSettings {
    fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let workers = section.integer("workers").unwrap_or(default.workers);
        let connections = read_connections(section, workers);
        if !(1..=1024).contains(&workers) {
            section.problem("workers", "write a number from 1 to 1024, or leave it out for one a core");
        }
        Self {
            listen: read_listen(section).unwrap_or(default.listen),
            public_url: section.parsed("public_url").unwrap_or_default(),
            workers,
            drain: section.duration("drain", default.drain),
            stop_delay: section.duration("stop_delay", default.stop_delay),
            request_timeout: at_least_a_second(section, "request_timeout", default.request_timeout),
            head_timeout: at_least_a_second(section, "head_timeout", default.head_timeout),
            keep_alive: at_least_a_second(section, "keep_alive", default.keep_alive),
            connections: connections.unwrap_or(default.connections),
            connections_are_set: connections.is_some(),
            hosts: read_hosts(section),
            cors: CorsSettings::read(&section.section("cors")),
            demo_client: None,
        }
    }

    /// What connections may do, where tokens may be as large.
    pub fn connections(&self, largest_token: usize) -> ConnectionLimits {
        ConnectionLimits {
            workers: self.workers,
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

/// The framework's clock moves in steps of half a second, so anything shorter ends at random.
fn at_least_a_second(section: &Section<'_>, key: &str, default: Duration) -> Duration {
    let duration = section.duration(key, default);
    if duration < Duration::from_secs(1) {
        section.problem(key, "this needs at least 1s");
    }
    duration
}

fn read_connections(section: &Section<'_>, workers: usize) -> Option<usize> {
    let connections = section.integer("connections")?;
    if connections < workers {
        section.problem("connections", "write at least one for each worker, and less than the limit on open files");
    }
    Some(connections)
}

fn read_hosts(section: &Section<'_>) -> Vec<Host> {
    let hosts = section.list("hosts").unwrap_or_default();
    let read =
        |host: &String| host.parse().map_err(|error| section.problem("hosts", format!("{host:?}: {error}"))).ok();
    hosts.iter().filter_map(read).collect()
}

fn read_listen(section: &Section<'_>) -> Option<SocketAddr> {
    let text = section.text("listen")?;
    let listen = text.parse().ok();
    if listen.is_none() {
        section.problem("listen", "write an address and a port, such as 127.0.0.1:8080 or [::]:8080");
    }
    listen
}

/// A column of a vendor whose pack has problems is not known: a list is read when they are gone.
fn read_directory(root: &Section<'_>, companies: &[(String, VendorIds)], ids: &VendorIds) -> DirectorySettings {
    if ids.lack_some() {
        root.skip("directory");
        return DirectorySettings::default();
    }
    DirectorySettings::read(&root.section("directory"), companies, ids)
}

impl Settings {
    /// Reads the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn load(file: Option<&Path>, variables: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        Self::read_from(file, variables).settings
    }

    /// The same, with what it was read from.
    pub fn read_from(file: Option<&Path>, variables: impl Iterator<Item = (String, String)>) -> LoadedConfig {
        Self::read_file(file, variables, None)
    }

    /// The same for a service that runs with these packs: they stay in force until it starts again, and what is read is bound
    /// to them.
    pub fn read_again(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        running: &Vendors,
    ) -> LoadedConfig {
        Self::read_file(file, variables, Some(running))
    }

    fn read_file(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        running: Option<&Vendors>,
    ) -> LoadedConfig {
        let Some(path) = file else { return Self::over(None, Table::new(), None, variables, running) };
        let name = path.display().to_string();
        let files = Files::default();
        let content = files.get(path, MOST_OF_A_TEXT);
        // Of the very bytes that are parsed: whoever reads the file again may find another one.
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
        let declared = Declarations::read(&root.section("resources"), &named);
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
