//! `[directory.<tenant>]`: the CSV file that maps a tenant's store ids to vendors' numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Directory, RowProblem, VendorIds, read, read_file};
use crate::settings::{File, MOST_OF_A_LIST, Section, SectionSettings as _, nearest, section};

const FILE: &str = "stores_file";

section! {
    /// The mapping of a tenant's store ids to vendors' numbers. It is also a source of `/stores`: a tenant without a
    /// list of stores at a vendor has the stores of this file. `storegate directory draft` writes one, `storegate
    /// directory check` checks one.
    #[derive(Debug)]
    pub struct DirectorySection in "directory.<acme>" on reload {
        /// A CSV file with the columns `id`, `name` and one for each vendor, which its pack names in `[ids.store]`. It must be set.
        stores_file: Option<File>, example "stores.csv";
    }
}

/// The configured directories, with their content.
#[derive(Clone, Debug, Default)]
pub struct DirectorySettings {
    /// By the tenant's name; an empty one for a tenant without a file.
    pub(super) directories: HashMap<Arc<str>, Arc<Directory>>,
    with_file: HashSet<Arc<str>>,
}

impl DirectorySettings {
    /// Reads `stores_file` of each tenant, and the files. `all` are the ids of all vendors.
    pub fn read(section: &Section<'_>, tenants: &[(String, VendorIds)], all: &VendorIds) -> Self {
        let empty =
            |(name, ids): &(String, VendorIds)| (Arc::from(name.as_str()), Arc::new(Directory::new(Vec::new(), ids)));
        let mut settings = Self { directories: tenants.iter().map(empty).collect(), with_file: HashSet::new() };
        for (name, company) in section.entries() {
            let known = tenants.iter().find(|(tenant, _)| *tenant == name);
            if known.is_none() {
                let near = nearest(&name, tenants.iter().map(|(tenant, _)| tenant.as_str()));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                section.problem(&name, format!("there is no company of this name in `tenants`{hint}"));
            }
            let ids = known.map_or(all, |(_, ids)| ids);
            if DirectorySection::read(&company).stores_file.is_none() {
                company.missing(FILE, &format!("the CSV file with the columns {}", ids.column_names().join(",")));
            } else if let Some(directory) = read_one(&company, ids) {
                let name: Arc<str> = name.into();
                settings.directories.insert(name.clone(), Arc::new(directory));
                settings.with_file.insert(name);
            }
        }
        settings
    }

    /// Gives a tenant the stores of this text instead of a file.
    ///
    /// # Errors
    /// What is wrong with the text, by line and column.
    pub fn give(&mut self, tenant: &str, text: &str, ids: &VendorIds) -> Result<(), Vec<RowProblem>> {
        let directory = Directory::new(read(text, ids)?, ids);
        let name: Arc<str> = tenant.into();
        self.directories.insert(name.clone(), Arc::new(directory));
        self.with_file.insert(name);
        Ok(())
    }

    /// The directory of a tenant, if it has a file.
    pub fn of(&self, tenant: &str) -> Option<&Arc<Directory>> {
        self.with_file.get(tenant).and_then(|tenant| self.directories.get(tenant))
    }
}

fn read_one(section: &Section<'_>, ids: &VendorIds) -> Option<Directory> {
    let content = section.file(FILE, MOST_OF_A_LIST)?;
    match read_file(&content, ids) {
        Ok(rows) => Some(Directory::new(rows, ids)),
        Err(problems) => {
            problems.iter().for_each(|problem| section.problem_in(FILE, problem));
            None
        }
    }
}
