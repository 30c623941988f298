//! `[directory.<company>]`: the CSV file that says which of its store ids is which vendor's number.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Directory, read_file};
use crate::settings::{MOST_OF_A_LIST, Section, nearest};

const FILE: &str = "stores_file";

/// The directories that are configured, read.
#[derive(Clone, Debug, Default)]
pub struct DirectorySettings {
    /// By the company's name.
    pub(super) directories: HashMap<Arc<str>, Arc<Directory>>,
}

impl DirectorySettings {
    /// Reads `stores_file` of each company, and the files.
    pub fn read(section: &Section<'_>, tenants: &[String]) -> Self {
        let mut directories = HashMap::new();
        for (name, company) in section.entries() {
            if !tenants.contains(&name) {
                let near = nearest(&name, tenants.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                section.problem(&name, format!("there is no company of this name in `tenants`{hint}"));
            }
            match company.text(FILE) {
                Some(_) => directories.extend(read_one(&company).map(|directory| (name.into(), Arc::new(directory)))),
                None => company.missing(FILE, "the CSV file with the columns id,opretail_id,oms_code,name"),
            }
        }
        Self { directories }
    }

    /// The directory of a company, if it has one.
    pub fn of(&self, tenant: &str) -> Option<&Arc<Directory>> {
        self.directories.get(tenant)
    }
}

fn read_one(section: &Section<'_>) -> Option<Directory> {
    let content = section.file(FILE, MOST_OF_A_LIST)?;
    match read_file(&content) {
        Ok(rows) => Some(Directory::new(rows)),
        Err(problems) => {
            problems.iter().for_each(|problem| section.problem_in(FILE, problem));
            None
        }
    }
}
