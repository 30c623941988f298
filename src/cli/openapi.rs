//! `storegate openapi`: prints the API document on stdout, or compares a file with it.

use std::path::PathBuf;

use utoipa::openapi::OpenApi as Document;

use super::ConfigArgument;
use super::error::CliError;
use super::output;
use crate::http::public_url::PublicUrl;
use crate::openapi;
use crate::resources::Catalogue;

/// Print or check the API document.
#[derive(clap::Args)]
#[command(
    after_help = "With a configuration, the document has the resources that it declares, too, and its public URL."
)]
pub struct OpenapiCommand {
    /// YAML instead of JSON
    #[arg(long)]
    yaml: bool,
    /// Compare with this file instead of printing; fails when it differs
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgument,
}

impl OpenapiCommand {
    fn document(&self) -> Result<Document, CliError> {
        if self.config.config.is_none() {
            return Ok(openapi::document(&Catalogue::default(), &PublicUrl::default()));
        }
        let settings = self.config.load()?;
        Ok(openapi::document(&Catalogue::with(&settings.declared), &settings.server.public_url))
    }

    pub(super) fn run(self) -> Result<(), CliError> {
        let document = self.document()?;
        let text = if self.yaml {
            document.to_yaml().map_err(|error| CliError::message(error.to_string()))?
        } else {
            openapi::to_json(&document).map_err(|error| CliError::message(error.to_string()))?
        };
        let Some(path) = self.check else {
            return Ok(output::line(text.trim_end())?);
        };
        let content = std::fs::read_to_string(&path)
            .map_err(|error| CliError::message(format!("cannot read {}: {error}", path.display())))?;
        if content == text {
            return Ok(());
        }
        let line = content.lines().zip(text.lines()).take_while(|(old, new)| old == new).count() + 1;
        let form = if self.yaml { " --yaml" } else { "" };
        Err(CliError::message(format!(
            "{path} is stale from line {line} on; regenerate it with: storegate openapi{form} > {path}",
            path = path.display()
        )))
    }
}
