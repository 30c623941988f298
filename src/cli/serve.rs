//! `storegate serve`: runs the proxy with a configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::ConfigArgument;
use super::error::CliError;
use super::ready_file::{self, Ready, ReadyFile};
use crate::app::App;
use crate::clock::Clock;
use crate::reload::{self, Hangups, Reloader};
use crate::telemetry::logging;

/// Run the proxy.
#[derive(clap::Args)]
#[command(
    after_help = format!("Every setting can come from the file, from a variable STOREGATE__SECTION__KEY, or both; a variable \
outranks the file. storegate.example.toml explains each setting. When something is missing or wrong, one message lists \
all of it and the exit code is 78. Keys, clients, limits and the log's filter are read again when a file changes or \
SIGHUP comes.\n\n{}",
        ready_file::LIFE)
)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgument,
    /// Listen here instead of where the configuration says; port 0 for a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write a JSON file with the address once the service accepts requests
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CliError> {
        // This comes first: until then a SIGHUP ends the process, and a deployment may send one during the start.
        let hangups = Hangups::listen();
        let mut settings = self.config.load()?;
        logging::start(&settings.log);
        settings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        if let Some(listen) = self.listen {
            settings.server.listen = listen;
        }
        let sources = settings.sources.clone();
        let ready_file = self.ready_file.map(ReadyFile::prepare).transpose()?;
        let app = App::build(settings, Clock::system())?;
        let reloader = Reloader::new(app.in_force(), sources, move |running| self.config.read_beside(Some(running)));
        let _watching = reload::watch(reloader, hangups, &app.supervisor())?;
        let base_url = format!("http://{}", app.address());
        tracing::info!(%base_url, version = env!("CARGO_PKG_VERSION"), "serving");
        let ready = Ready { base_url, ..Ready::default() };
        let outcome = ready_file::serve(app.run(), ready_file, &ready).await;
        outcome?;
        tracing::info!("stopped");
        Ok(())
    }
}
