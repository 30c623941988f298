//! `storegate sandbox`: runs the sandbox gateway alone, for a proxy that is configured to call it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::error::CliError;
use super::output;
use super::ready_file::{self, Ready, ReadyFile};
use super::sandbox_flags::{ENDPOINTS, SandboxFlags};
use crate::clock::Clock;
use crate::http_client::loopback::is_exposed;
use crate::sandbox::{OmsAccount, OpRetailAccount, OpRetailApplication, OpRetailUser, Sandbox};
use crate::telemetry::logging::{self, LogSettings};

/// Run the sandbox gateway alone.
#[derive(clap::Args)]
#[command(
    after_help = format!("It speaks both vendors' protocols and checks like the real gateways: key, timestamp, signature, \
repeats, method. OPRetail takes every method at m.api and at cloud.api, by GET and by POST, with the parameters in the query or in \
the body.\n\n{ENDPOINTS}\n\n{}", ready_file::LIFE)
)]
pub struct SandboxCommand {
    /// Listen here; port 0 for a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Write a JSON file with the address once the sandbox accepts requests
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// OPRetail's cloud.api takes the credential of an application, and no longer the developer's
    #[arg(long, help_heading = "Options of the sandbox gateway")]
    application_credential: bool,
    #[command(flatten)]
    rehearsal: SandboxFlags,
}

impl SandboxCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        logging::start(&LogSettings::default());
        let ready_file = self.ready_file.map(ReadyFile::prepare).transpose()?;
        let listener = TcpListener::bind(self.listen).map_err(|error| {
            CliError::message(format!("cannot listen on {}: {error}; port 0 takes a free one", self.listen))
        })?;
        let application = self.application_credential.then(OpRetailApplication::default);
        let credential = application.as_ref().map(application_credential).unwrap_or_default();
        let packs = self.rehearsal.packs()?;
        let sandbox = self.rehearsal.start(&packs, application, Clock::system(), listener)?;
        output::line_if_read(format!(
            "# The sandbox gateway. This part of a configuration calls it{}:\n{}{credential}{}",
            if is_exposed(&sandbox.base_url()) { PLAIN_HTTP } else { "" },
            tenant_configuration(&sandbox),
            packs.configuration(&sandbox, TENANT)
        ));
        tracing::info!(base_url = %sandbox.base_url(), "serving");
        let ready = Ready { base_url: sandbox.base_url(), ..Ready::default() };
        ready_file::serve(stop_signal(), ready_file, &ready).await?;
        sandbox.stop().await;
        Ok(())
    }
}

/// The tenant of the configuration that calls a sandbox.
pub(super) const TENANT: &str = "demo";

/// The further setting that a configuration on another machine needs.
const PLAIN_HTTP: &str = ", beside `allow_plain_http = true` in its section [gateway]";

/// The part of a configuration that calls this sandbox with its default accounts.
pub(super) fn tenant_configuration(sandbox: &Sandbox) -> String {
    let (opretail, oms, user) = (OpRetailAccount::default(), OmsAccount::default(), OpRetailUser::default());
    let enterprise = opretail.organizations.first().map_or(0, |organization| organization.enterprise_id);
    format!(
        r#"[tenants.demo.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "{key}"
secret = "{secret}"
enterprise_id = {enterprise}
[tenants.demo.opretail.login]
method = "sso"
user_name = "{user_name}"
password = "{password}"
[tenants.demo.oms]
url = "{url}"
flag = "{flag}"
token = "{token}"
"#,
        m_api = sandbox.opretail_m_api_url(),
        cloud_api = sandbox.opretail_cloud_api_url(),
        key = opretail.key,
        secret = opretail.secret.expose_secret(),
        user_name = user.name,
        password = user.password.expose_secret(),
        url = sandbox.oms_url(),
        flag = oms.flag,
        token = oms.token.expose_secret(),
    )
}

/// The section with an application's credential for cloud.api.
fn application_credential(application: &OpRetailApplication) -> String {
    format!(
        "[tenants.demo.opretail.cloud]\nsystem = \"{}\"\nkey = \"{}\"\nsecret = \"{}\"\n",
        application.system,
        application.key,
        application.secret.expose_secret()
    )
}

/// Waits for Ctrl-C or SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
