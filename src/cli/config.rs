//! `storegate config`: prints what is generated from the tables of all settings.

use super::error::CliError;
use super::output;
use crate::config::tables;
use crate::gateway::vendor::Vendor;
use crate::settings::{example, reference, schema};
use crate::vendors::Vendors;

/// The introductions of the generated texts.
const INTRODUCTIONS: [&str; 2] = [include_str!("config/example.txt"), include_str!("config/reference.txt")];

/// Print what there is to configure.
#[derive(clap::Subcommand)]
pub enum ConfigCommand {
    /// A complete configuration with a text for each setting
    Example,
    /// The JSON Schema of a configuration, for editors
    Schema,
    /// The reference of all settings, as Markdown
    Reference,
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<(), CliError> {
        let tables = tables();
        let [of_example, of_reference] = INTRODUCTIONS;
        let text = match self {
            Self::Example => example(of_example, &tables, Vendors::default().iter().next().map_or("", Vendor::name)),
            Self::Schema => format!("{:#}", schema(&tables)),
            Self::Reference => reference(of_reference, &tables),
        };
        Ok(output::line(text.trim_end())?)
    }
}
