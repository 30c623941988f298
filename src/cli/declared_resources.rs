//! Reads a file of declared resources, for commands that need no other configuration.

use std::path::Path;

use toml::Table;

use super::error::CliError;
use crate::resources::Declarations;
use crate::settings::{MOST_OF_A_TEXT, Problems, Report, Section, read_file, text_of_file};
use crate::vendors::Vendors;

/// The content of a file of declared resources.
pub struct DeclaredResources {
    /// The sections, as a configuration has them.
    pub table: Table,
    /// The declarations of the sections.
    pub declarations: Declarations,
}

impl DeclaredResources {
    /// Reads the file, which may contain only `[resources.<name>]`.
    ///
    /// # Errors
    /// All problems of the file, with their lines.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.display();
        let content = read_file(path, MOST_OF_A_TEXT);
        let text = content.as_deref().map_err(Clone::clone).and_then(text_of_file);
        let text = text.map_err(|error| CliError::message(format!("{name}: cannot be read: {error}")))?;
        let table = crate::settings::parse_toml(text, &name.to_string())?;
        let report = Report::default().of_text(Some(text.to_owned()));
        let declarations =
            Declarations::read(&Section::root(&table, &report).section("resources"), &Vendors::default());
        report.finish(&table).map_err(|Problems(problems)| {
            Problems(problems.into_iter().map(|problem| format!("{name}: {problem}")).collect())
        })?;
        Ok(Self { table, declarations })
    }
}
