//! Reads a file of declared resources, for commands that need no other configuration.

use std::path::Path;

use toml::Table;

use super::error::CliError;
use super::packs::NamedPacks;
use crate::resources::Declarations;
use crate::settings::{MOST_OF_A_TEXT, Problems, Report, Section, read_file, text_of_file};

/// The content of a file of declared resources.
pub struct DeclaredResources {
    /// The sections, as a configuration has them.
    pub table: Table,
    /// The declarations of the sections.
    pub declarations: Declarations,
}

impl DeclaredResources {
    /// Reads the file, which may contain only `[resources.<name>]`, and the resources of the packs.
    ///
    /// # Errors
    /// All problems of the file, with their lines.
    pub fn read(path: Option<&Path>, packs: &NamedPacks) -> Result<Self, CliError> {
        let Some(path) = path else {
            let report = Report::default().without_variables();
            let root = Section::root(&packs.table, &report);
            root.skip("vendors");
            let declarations = Declarations::read(&root, &packs.vendors);
            report.finish(&packs.table)?;
            return Ok(Self { table: Table::new(), declarations });
        };
        let name = path.display();
        let content = read_file(path, MOST_OF_A_TEXT);
        let text = content.as_deref().map_err(Clone::clone).and_then(text_of_file);
        let text = text.map_err(|error| Problems(vec![format!("{name}: cannot be read: {error}")]))?;
        let table = crate::settings::parse_toml(text, &name.to_string())?;
        let report = Report::default().of_text(Some(text.to_owned()));
        let declarations = Declarations::read(&Section::root(&table, &report), &packs.vendors);
        report.finish(&table).map_err(|Problems(problems)| {
            Problems(problems.into_iter().map(|problem| format!("{name}: {problem}")).collect())
        })?;
        Ok(Self { table, declarations })
    }
}
