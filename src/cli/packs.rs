//! `--vendor`: the packs that `demo` and `sandbox` run beside the built-in vendors.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::error::CliError;
use crate::gateway::vendor::{StoreIds, Vendor};
use crate::sandbox::Sandbox;
use crate::settings::{Problems, Report, Section, parse_toml, read_file, text_of_file};
use crate::vendors::{Vendors, bundled, pack};

/// The packs that a command names, as a configuration names them.
#[derive(Default)]
pub struct NamedPacks {
    /// `[vendors]` of a configuration.
    pub table: Table,
    /// The vendors of the configuration, the built-in ones first.
    pub vendors: Vendors,
}

impl NamedPacks {
    /// Reads packs by their names in the program, or by the paths of their files.
    ///
    /// # Errors
    /// A pack cannot be read, with all that is wrong in it.
    pub fn read(names: &[String]) -> Result<Self, CliError> {
        let mut sections = Table::new();
        for name in names {
            let (vendor, entry) = section_of(name)?;
            if sections.insert(vendor.clone(), entry).is_some() {
                return Err(CliError::message(format!("{name}: there is another pack of {vendor}: give one of them")));
            }
        }
        let table = Table::from_iter([("vendors".to_owned(), Value::Table(sections))]);
        let report = Report::default();
        let vendors = Vendors::read(&Section::root(&table, &report).section("vendors"));
        report.finish(&table)?;
        Ok(Self { table, vendors })
    }

    /// The vendors of the packs.
    pub fn added(&self) -> Vec<Vendor> {
        self.vendors.added().iter().map(|pack| pack.vendor).collect()
    }

    /// A store directory with the example of each pack whose stores are known by no form of their ids.
    pub fn stores(&self) -> Option<String> {
        let vendors = self.added().into_iter();
        let stores: Vec<_> = vendors.filter_map(|vendor| vendor.pack().store_ids.as_ref()).collect();
        let stores: Vec<_> = stores.into_iter().filter(|ids| ids.form.prefix.is_empty()).collect();
        let columns: String = stores.iter().map(|ids| format!(",{}", ids.column)).collect();
        let numbers: BTreeSet<&str> = stores.iter().map(|ids| ids.form.example.as_str()).collect();
        let number = |ids: &StoreIds, id: &str| format!(",{}", if ids.form.example == id { id } else { "" });
        let row = |id: &str| format!("{id}{}\n", stores.iter().map(|ids| number(ids, id)).collect::<String>());
        let rows: String = numbers.into_iter().map(row).collect();
        (!stores.is_empty()).then(|| format!("id{columns}\n{rows}"))
    }

    /// The part of a configuration that has the packs and calls their gateways in this sandbox.
    pub fn configuration(&self, sandbox: &Sandbox, tenant: &str) -> String {
        if self.vendors.added().is_empty() {
            return String::new();
        }
        let accounts = self.added().into_iter().map(|vendor| sandbox.pack_configuration(vendor, tenant));
        accounts.fold(self.table.to_string(), |text, account| text + &account)
    }
}

/// The entry of `[vendors]` for a pack.
fn section_of(name: &str) -> Result<(String, Value), CliError> {
    let entry = |key: &str| Value::Table(Table::from_iter([(key.to_owned(), Value::from(name))]));
    if Vendors::default().get(name).is_some() {
        return Err(CliError::message(format!("{name} is always there: leave it out")));
    }
    if bundled::text(name).is_some() {
        return Ok((name.to_owned(), entry("pack")));
    }
    let content = read_file(Path::new(name), pack::LARGEST);
    let text = content.as_deref().map_err(Clone::clone).and_then(text_of_file);
    let text = text.map_err(|error| {
        let names: Vec<&str> = bundled::names().collect();
        let names = names.join(", ");
        Problems(vec![format!("{name}: cannot be read: {error}; the packs in the program are {names}")])
    })?;
    let table = parse_toml(text, name)?;
    let vendor = table.get("vendor").and_then(|vendor| vendor.get("name")).and_then(Value::as_str);
    match vendor {
        Some(vendor) => Ok((vendor.to_owned(), entry("file"))),
        None => Err(pack::compile(text, name).err().unwrap_or(Problems(Vec::new())).into()),
    }
}
