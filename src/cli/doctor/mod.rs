//! `storegate doctor`: checks everything that the service needs with a real configuration, and says what to correct.
//!
//! Each check has a bounded time, and none changes anything: gateways get only calls that read next to nothing.

mod account;
mod call_ids;
mod finding;
mod methods;
mod outside;
mod own;
mod reach;
mod refusal;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use rustls::ClientConfig;

use super::ConfigArgument;
use super::error::{CliError, EXIT_CONFIGURATION};
use super::output;
use crate::app::AppError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::gateway::registry::Registry;
use crate::gateway::tenants::{Access, Tenant, TenantSettings};
use crate::gateway::transport::Transport;
use crate::gateway::{GatewayClient, tls};
use crate::resources::Catalogue;
use crate::settings::Problems;

use account::DoctorSubject;
use finding::{Finding, Findings};
use methods::Examples;

/// The longest time of one call with all its attempts, unless the configuration sets a shorter one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Look for what is wrong.
#[derive(clap::Args)]
#[command(
    after_help = "One line for each check: ok, warning or failed, what was seen, and what to do. Exit code 0: all is \
well; 1: warnings; 2: something does not work; 78: the configuration is wrong. Run it where the service runs."
)]
pub struct Doctor {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        match self.config.read().settings {
            Ok(settings) => {
                let findings = Findings::from(examine(settings).await?);
                self.print(&findings)?;
                Ok(ExitCode::from(findings.status.exit_code()))
            }
            Err(Problems(problems)) => {
                let remedy = "correct the configuration; storegate.example.toml explains each setting";
                let wrong = |problem: String| Finding::failed("configuration", problem, remedy);
                self.print(&Findings::from(problems.into_iter().map(wrong).collect::<Vec<_>>()))?;
                Ok(ExitCode::from(EXIT_CONFIGURATION))
            }
        }
    }

    fn print(&self, findings: &Findings) -> Result<(), CliError> {
        if !self.json {
            return Ok(output::line(&findings.lines())?);
        }
        let json = serde_json::to_string_pretty(findings);
        Ok(output::line(&json.map_err(|error| CliError::message(error.to_string()))?)?)
    }
}

/// Runs all checks in the order of a request: the service's own, each account, the directories, and other external
/// services.
async fn examine(settings: Settings) -> Result<Vec<Finding>, CliError> {
    let tls = tls::client_config(&settings.gateway.authorities).map_err(AppError::from)?;
    let transport = Transport::new(&settings.gateway, tls.clone());
    let client = GatewayClient::new(transport, Clock::system(), settings.gateway.deadline.min(PATIENCE));
    let registry = Registry::new(&settings.gateway, Clock::system());
    let open = |tenant: &TenantSettings| Tenant::new(tenant.clone(), &registry);
    let tenants: Vec<Tenant> = settings.tenants.iter().map(open).collect();
    let catalogue = Catalogue::with(&settings.declared);

    let companies = settings.tenants.len();
    let mut findings = vec![Finding::ok("configuration", format!("can be read; companies: {companies}"))];
    findings.push(own::keys(&settings.auth));
    findings.extend(own::clients(&settings.auth, &catalogue, &tenants, &settings.directory));
    let companies = settings.tenants.iter().zip(&tenants);
    let companies = companies.map(|(said, tenant)| check_tenant(said, tenant, &settings, &catalogue, &client, &tls));
    let (companies, outside) = join(join_all(companies), outside::examine(&settings, &tls, &Clock::system())).await;
    findings.extend(companies.into_iter().flatten().chain(outside));
    Ok(findings)
}

/// Checks the accounts of one tenant concurrently, then its directory.
async fn check_tenant(
    said: &TenantSettings,
    tenant: &Tenant,
    settings: &Settings,
    catalogue: &Catalogue,
    client: &GatewayClient,
    tls: &Arc<ClientConfig>,
) -> Vec<Finding> {
    let subjects = subjects(said, tenant, settings, catalogue);
    let examined = join_all(subjects.iter().map(|subject| account::examine(subject, client, tls))).await;
    let mut findings: Vec<Finding> = examined.into_iter().flatten().collect();
    if let Some(directory) = settings.directory.of(tenant.name()) {
        findings.push(own::stores(tenant, directory, client).await.of(tenant.name()));
    }
    findings
}

fn subjects(said: &TenantSettings, tenant: &Tenant, settings: &Settings, catalogue: &Catalogue) -> Vec<DoctorSubject> {
    let subject = |access: &Access| {
        let vendor = access.vendor();
        let methods = methods::used(catalogue, vendor, &examples(said, access, settings));
        DoctorSubject {
            subject: format!("{} {vendor}", tenant.name()),
            section: format!("tenants.{}.{vendor}", tenant.name()),
            account: access.account.clone(),
            urls: one_for_each_host(access.settings.endpoints.clone()),
            unused: methods::unused(&methods, &access.settings).into_iter().map(str::to_owned).collect(),
            methods,
        }
    };
    tenant.accesses().iter().map(subject).collect()
}

/// Keeps one address per host, since all paths of a host are reached in the same way.
fn one_for_each_host(urls: Vec<String>) -> Vec<String> {
    let host = |url: &str| url.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut distinct: Vec<String> = Vec::new();
    for url in urls {
        if !distinct.iter().any(|known| host(known) == host(&url)) {
            distinct.push(url);
        }
    }
    distinct
}

/// The values for harmless calls: the tenant's own store and organization, or any number where it has none.
fn examples<'a>(said: &TenantSettings, access: &'a Access, settings: &'a Settings) -> Examples<'a> {
    let directory = settings.directory.of(&said.name);
    let mut rows = directory.iter().flat_map(|directory| directory.rows());
    let ids = access.vendor().pack().store_ids.as_ref();
    let clients = settings.auth.clients.iter().filter(|client| client.tenant == said.name);
    let mapped = rows.find_map(|row| ids?.form.bare(row.numbers.at(access.vendor())?));
    Examples {
        settings: &access.settings,
        store: mapped.unwrap_or("1").to_owned(),
        store_is_known: mapped.is_some(),
        scopes: clients.flat_map(|client| client.scopes.iter().map(String::as_str)).collect(),
        today: Clock::system().now().to_zoned(access.zone.clone()).strftime("%Y-%m-%d").to_string(),
    }
}
