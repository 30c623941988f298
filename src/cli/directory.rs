//! `storegate directory`: checks a store directory, reports what it maps and what it does not, and drafts one from a
//! vendor's list of stores.

mod report;

use std::path::{Path, PathBuf};

use super::ConfigArgument;
use super::error::CliError;
use super::output;
use super::tenant::TenantArgument;
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::{self, Directory, DirectoryRow, VendorIds, VendorNumbers};
use crate::gateway::registry::Registry;
use crate::gateway::tenants::Tenant;
use crate::gateway::transport::Transport;
use crate::gateway::{GatewayClient, tls};
use crate::resources::stores::listing::{self, ListedStore, all_stores};
use crate::settings::{MOST_OF_A_LIST, read_file};
use crate::telemetry::logging;
use crate::vendors::Vendors;

use report::shown;

pub use report::DirectoryReport;

/// Check or draft a store directory.
#[derive(clap::Subcommand)]
pub enum DirectoryCommand {
    /// Check a file, and show which stores have no number at a vendor; with a configuration, compare it with the vendor's list
    Check(Check),
    /// Print a directory to be completed: the stores of the one in force, and all others that the vendor lists
    Draft(Draft),
}

/// Check a file.
#[derive(clap::Args)]
#[command(after_help = "Example: storegate directory check stores.csv\n         \
storegate directory check --config storegate.toml --tenant acme")]
pub struct Check {
    /// The CSV file, with the columns id and name and one for each vendor, as `draft` prints them [default: that of the
    /// configuration]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    company: TenantArgument,
}

/// Print a draft.
#[derive(clap::Args)]
#[command(after_help = "Example: storegate directory draft --config storegate.toml > stores.csv")]
pub struct Draft {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    company: TenantArgument,
}

impl DirectoryCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::Check(check) => check.run().await,
            Self::Draft(draft) => draft.run().await,
        }
    }
}

impl Check {
    async fn run(self) -> Result<(), CliError> {
        let Some(_) = self.config.config else {
            let file =
                self.file.ok_or_else(|| CliError::message("name a CSV file, or a configuration with --config"))?;
            let directory = read(&file, &Vendors::default().ids()).map_err(|error| {
                CliError::message(format!("{error}\nthe columns and ids of [vendors] are known with --config"))
            })?;
            return output::line(&DirectoryReport::of(&directory).to_string()).map_err(CliError::from);
        };
        let company = TenantDirectory::of(&self.config, &self.company)?;
        let directory = match &self.file {
            Some(file) => read(file, &company.ids)?,
            None => company.directory()?,
        };
        let mut report = DirectoryReport::of(&directory);
        if let Some(listed) = company.listed().await? {
            report.compare(&directory, &listed);
        }
        output::line(&report.to_string())?;
        if report.unknown_codes.is_empty() {
            return Ok(());
        }
        let title = &listing::vendor().pack().title;
        Err(CliError::message(format!("some codes of the directory are not those of any store at {title}")))
    }
}

impl Draft {
    async fn run(self) -> Result<(), CliError> {
        let company = TenantDirectory::of(&self.config, &self.company)?;
        let directory = company.directory().unwrap_or_else(|_| Directory::new(Vec::new(), &company.ids));
        let listed = company.listed().await?.ok_or_else(|| {
            let title = &listing::vendor().pack().title;
            CliError::message(format!(
                "the company has no account at {title}, whose list of stores a draft begins with"
            ))
        })?;
        let (rows, left_out) = drafted(&directory, &listed);
        output::line(written(&rows, &company.ids)?.trim_end())?;
        if !left_out.is_empty() {
            logging::line(&format!("left out, since no id of a path can be made of these codes: {}", shown(&left_out)));
        }
        Ok(())
    }
}

/// The directory and account of one tenant.
struct TenantDirectory {
    settings: Settings,
    tenant: Tenant,
    ids: VendorIds,
}

impl TenantDirectory {
    fn of(config: &ConfigArgument, company: &TenantArgument) -> Result<Self, CliError> {
        let settings = config.load()?;
        let tenant = company.choose(&settings.tenants)?;
        let ids = settings.vendors.ids_of(&tenant);
        let tenant = Tenant::new(tenant, &Registry::new(&settings.gateway, Clock::system()));
        Ok(Self { settings, tenant, ids })
    }

    fn directory(&self) -> Result<Directory, CliError> {
        let name = self.tenant.name();
        let directory = self.settings.directory.of(name).ok_or_else(|| {
            CliError::message(format!(
                "`{name}` has no directory.{name}.stores_file in the configuration; name a CSV file"
            ))
        })?;
        Ok(Directory::new(directory.rows().to_vec(), &self.ids))
    }

    /// The vendor's list of stores; `None` when the tenant has no account there.
    async fn listed(&self) -> Result<Option<Vec<ListedStore>>, CliError> {
        let Ok(access) = self.tenant.access(listing::vendor()) else { return Ok(None) };
        let settings = &self.settings.gateway;
        let tls = tls::client_config(&settings.authorities).map_err(crate::app::AppError::from)?;
        let client = GatewayClient::new(Transport::new(settings, tls), Clock::system(), settings.deadline);
        Ok(Some(all_stores(access, &client).await?))
    }
}

fn read(file: &Path, ids: &VendorIds) -> Result<Directory, CliError> {
    let name = file.display();
    let cannot = |error| CliError::message(format!("{name}: cannot be read: {error}"));
    let content = read_file(file, MOST_OF_A_LIST).map_err(cannot)?;
    let rows = directory::read_file(&content, ids).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{name}: {problem}")).collect();
        CliError::message(lines.join("\n"))
    })?;
    Ok(Directory::new(rows, ids))
}

/// The rows of the draft, which are those of the directory and one for each other listed store whose code can be an id;
/// and the remaining codes.
fn drafted(directory: &Directory, listed: &[ListedStore]) -> (Vec<DirectoryRow>, Vec<String>) {
    let mut rows = directory.rows().to_vec();
    let mut left_out = Vec::new();
    for store in listed.iter().filter(|store| !directory.has_number(listing::vendor(), &store.code)) {
        match directory.ids().store(&store.code) {
            Ok(id) if !directory.knows(&id) => {
                rows.push(DirectoryRow {
                    numbers: VendorNumbers::of(listing::vendor(), id.to_string()),
                    id,
                    name: store.name.clone(),
                });
            }
            _ => left_out.push(store.code.clone()),
        }
    }
    (rows, left_out)
}

fn written(rows: &[DirectoryRow], ids: &VendorIds) -> Result<String, CliError> {
    let cannot = |error: &dyn std::fmt::Display| CliError::message(format!("the draft cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(ids.column_names()).map_err(|error| cannot(&error))?;
    for row in rows {
        let name = row.name.as_deref().map(harmless).unwrap_or_default();
        let numbers = ids.columns().map(|(vendor, _)| row.numbers.at(vendor).unwrap_or_default());
        let fields = std::iter::once(row.id.as_str()).chain(numbers).chain([name.as_str()]);
        writer.write_record(fields).map_err(|error| cannot(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| cannot(&error))?;
    String::from_utf8(bytes).map_err(|error| cannot(&error))
}

/// Makes a name safe for spreadsheets, which treat a text that begins like this as a formula. Names come from outside.
fn harmless(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{ListedStore, Vendors, drafted, written};
    use crate::directory::{Directory, read};

    #[test]
    fn a_draft_is_a_directory_again_and_no_name_in_it_is_a_formula() {
        let listed = |code: &str, name: &str| ListedStore { code: code.to_owned(), name: Some(name.to_owned()) };
        let stores =
            [listed("A1", "=1+1"), listed("no id", "North"), listed("B1", "North, Main St"), listed("a", "taken")];
        let ids = Vendors::default().ids();
        let rows = read("id,opretail_id,oms_code,name\na,S_1,B1,\n", &ids).unwrap();
        let (rows, left_out) = drafted(&Directory::new(rows, &ids), &stores);
        assert_eq!(left_out, ["no id", "a"], "the second would lead to another store");
        let draft = written(&rows, &ids).unwrap();
        assert_eq!(draft, "id,opretail_id,oms_code,name\na,S_1,B1,\nA1,,A1,'=1+1\n");
        assert_eq!(read(&draft, &ids).unwrap().len(), 2);
    }
}
