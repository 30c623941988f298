//! `storegate demo`: runs the proxy in front of the sandbox gateway, both on loopback, with a token and requests to
//! try.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use jiff::ToSpan;
use jiff::civil::Date;
use secrecy::{ExposeSecret, SecretString};

use super::declared_resources::DeclaredResources;
use super::error::CliError;
use super::output;
use super::packs::NamedPacks;
use super::ready_file::{self, Ready, ReadyFile};
use super::sandbox::TENANT;
use super::sandbox_flags::{ENDPOINTS, SandboxFlags};
use crate::app::App;
use crate::auth::issue::{TokenGrant, TokenIssuer};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::{private_key, secrets};
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::RowProblem;
use crate::gateway::endpoint::china_standard_time;
use crate::resources::{Catalogue, Declaration};
use crate::sandbox::Sandbox;
use crate::telemetry::logging::{self, LogSettings};

const CLIENT: &str = "demo";
const USUAL_PORT: u16 = 8080;

/// Try everything without configuration, network or other programs.
#[derive(clap::Args)]
#[command(after_help = format!("{ENDPOINTS}\n\n{}", ready_file::LIFE))]
pub struct Demo {
    /// Listen here; port 0 for a free one [default: 127.0.0.1:8080, or a free port when that is taken]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write a JSON file with addresses, token, client id and secret once the service accepts requests
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Add the resources that this file declares, in sections as the README has one
    #[arg(long, value_name = "FILE")]
    resources: Option<PathBuf>,
    #[command(flatten)]
    rehearsal: SandboxFlags,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let log = LogSettings { filter: "warn,storegate=info,actix_http=off".to_owned(), ..LogSettings::default() };
        logging::start(&log);
        let packs = self.rehearsal.packs()?;
        let declared = DeclaredResources::read(self.resources.as_deref(), &packs)?;
        let ready_file = self.ready_file.clone().map(ReadyFile::prepare).transpose()?;
        let demo = StartedDemo::start(self.bind()?, self.rehearsal, &packs, declared)?;
        let today = Clock::system().now().to_zoned(china_standard_time()).date();
        output::line_if_read(welcome(&demo.ready, &last_week(today), &demo.examples));
        ready_file::serve(demo.app.run(), ready_file, &demo.ready).await?;
        demo.sandbox.stop().await;
        Ok(())
    }

    fn bind(&self) -> Result<TcpListener, CliError> {
        let wanted = self.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT)));
        let bound = TcpListener::bind(wanted);
        match (bound, self.listen) {
            (Ok(listener), _) => Ok(listener),
            (Err(_), None) => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?),
            (Err(error), Some(_)) => {
                Err(CliError::message(format!("cannot listen on {wanted}: {error}; port 0 takes a free one")))
            }
        }
    }
}

/// The service and the sandbox gateway behind it, ready to be served.
pub(super) struct StartedDemo {
    /// The service.
    pub app: App,
    /// The sandbox gateway, which serves already.
    pub sandbox: Sandbox,
    /// The addresses, and the credentials of the client.
    pub ready: Ready,
    /// Requests to declared resources that succeed.
    pub examples: Vec<String>,
}

impl StartedDemo {
    /// Starts the sandbox gateway, with these packs, and the service in front of it.
    pub fn start(
        listener: TcpListener,
        rehearsal: SandboxFlags,
        packs: &NamedPacks,
        declared: DeclaredResources,
    ) -> Result<Self, CliError> {
        let examples = declared.declarations.iter().map(Declaration::example).collect();
        let clock = Clock::system();
        let sandbox_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sandbox = rehearsal.start(packs, None, clock.clone(), sandbox_listener)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let secret = secrets::new_secret().map_err(|error| CliError::message(error.to_string()))?;
        let accounts = packs.configuration(&sandbox, TENANT);
        let mut settings = settings(&base_url, &sandbox, &secret, declared, &accounts)?;
        if let Some(stores) = packs.stores() {
            give_stores(&mut settings, &stores)?;
        }
        let token = token(&settings, clock.clone())?;
        let app = App::on(listener, settings, clock)?;
        let ready = Ready {
            base_url,
            token: Some(token),
            client_id: Some(CLIENT.to_owned()),
            client_secret: Some(secret.expose_secret().to_owned()),
            sandbox_url: Some(sandbox.base_url()),
        };
        Ok(Self { app, sandbox, ready, examples })
    }
}

/// The settings of the demo, read from a configuration as an operator would write it, so that the demo runs what
/// `serve` runs.
fn settings(
    base_url: &str,
    sandbox: &Sandbox,
    secret: &SecretString,
    declared: DeclaredResources,
    accounts: &str,
) -> Result<Settings, CliError> {
    let catalogue = Catalogue::with(&declared.declarations);
    let pem = private_key::generate(KeyAlgorithm::EdDsa).map_err(|error| CliError::message(error.to_string()))?;
    let scopes: Vec<String> = catalogue.scopes().iter().map(|scope| format!("\"{}\"", scope.name)).collect();
    let configuration = format!(
        r#"
[server]
public_url = "{base_url}"
[server.cors]
origins = ["http://localhost:*", "http://127.0.0.1:*"]
[auth]
token_lifetime = "12h"
[auth.keys.demo]
algorithm = "EdDSA"
private_key = '''{pem}'''
[auth.clients.{CLIENT}]
tenant = "{TENANT}"
scopes = [{scopes}]
secret_sha256 = "{hash}"
{tenant}{accounts}"#,
        pem = pem.expose_secret(),
        scopes = scopes.join(", "),
        hash = secrets::sha256_hex(secret),
        tenant = super::sandbox::tenant_configuration(sandbox),
    );
    let mut settings = Settings::parse_with(&configuration, declared.table)?;
    settings.server.demo_client = Some(CLIENT.to_owned());
    Ok(settings)
}

/// Gives the demo's tenant a directory with these stores, so that the examples in paths can be tried.
fn give_stores(settings: &mut Settings, stores: &str) -> Result<(), CliError> {
    let Some(tenant) = settings.tenants.iter().find(|tenant| tenant.name == TENANT) else { return Ok(()) };
    let ids = settings.vendors.ids_of(tenant);
    let wrong = |problems: Vec<RowProblem>| {
        CliError::message(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    settings.directory.give(TENANT, stores, &ids).map_err(wrong)
}

/// The seven days before today.
fn last_week(today: Date) -> String {
    let day = |back: i64| today.checked_sub(back.days()).unwrap_or(today);
    format!("from={}&to={}", day(7), day(1))
}

fn token(settings: &Settings, clock: Clock) -> Result<String, CliError> {
    let auth = &settings.auth;
    let key = auth.keys.as_ref().ok_or_else(|| CliError::message("there is no key"))?.signing().clone();
    let issuer = TokenIssuer::new(&auth.issuer, &auth.audience, auth.token_lifetime, key, clock);
    let client = auth.clients.first().ok_or_else(|| CliError::message("there is no client"))?;
    let grant = TokenGrant::to(client, client.scopes.clone());
    let issued = issuer.issue(grant).map_err(|error| CliError::message(error.to_string()))?;
    Ok(issued.token.expose_secret().to_owned())
}

/// The welcome text. `week` is the query of a period that has figures at any hour of the day; `declared` are requests
/// to declared resources.
fn welcome(ready: &Ready, week: &str, declared: &[String]) -> String {
    let base_url = &ready.base_url;
    let curl = |request: &String| format!("\n  curl -s -H \"Authorization: Bearer $TOKEN\" '{base_url}{request}'");
    let declared: String = declared.iter().map(curl).collect();
    let [token, id, secret, sandbox] = [&ready.token, &ready.client_id, &ready.client_secret, &ready.sandbox_url]
        .map(|part| part.as_deref().unwrap_or("-"));
    format!(
        r#"storegate demo: REST in front of a sandbox gateway, both on this machine.

  dashboard      {base_url}/#token={token}
  Swagger UI     {base_url}/docs/
  client id      {id}
  client secret  {secret}
  gateway        {sandbox}

In Swagger UI: press Authorize, enter the client secret under oauth2, press select all
and Authorize; then open a path and press Execute.

On the command line:

  TOKEN='{token}'
  curl -s -H "Authorization: Bearer $TOKEN" {base_url}/stores/S_123456/flow
  curl -s -H "Authorization: Bearer $TOKEN" '{base_url}/stores?page_size=2'
  curl -s -H "Authorization: Bearer $TOKEN" {base_url}/stores/SHOP001
  curl -s -H "Authorization: Bearer $TOKEN" '{base_url}/stores/S_123456/demographics?{week}'
  curl -s -H "Authorization: Bearer $TOKEN" '{base_url}/inspections?{week}&source_type=on_site,remote&page_size=2'
  curl -s -H "Authorization: Bearer $TOKEN" {base_url}/organizations/O_1084/flow
  curl -s -H "Authorization: Bearer $TOKEN" {base_url}/organizations/O_2/developer-account{declared}

A token of your own:

  curl -s -u '{id}:{secret}' -d grant_type=client_credentials {base_url}/oauth/token

Stop with Ctrl-C.
"#
    )
}
