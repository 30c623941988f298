//! `storegate vendor`: the packs in the program, the check of a pack, and a template for a new one.

mod hints;
mod round_trip;

use toml::Table;

use super::declared_resources::DeclaredResources;
use super::error::CliError;
use super::output;
use super::packs::NamedPacks;
use crate::gateway::vendor::{Pack, Vendor};
use crate::resources::Declarations;
use crate::settings::{Problems, Report, Section};
use crate::vendors::{Vendors, bundled};

/// The template of `vendor new`, and what stands in it for the name.
const TEMPLATE: &str = include_str!("vendor/template.toml");
const PLACEHOLDER: &str = "VENDOR";

/// The longest name; scopes and paths have it, too.
const LONGEST_NAME: usize = 40;

/// List, check or begin packs: what the program knows about vendors.
#[derive(clap::Subcommand)]
pub enum VendorCommand {
    /// List the packs in the program
    List,
    /// Check a pack: its mistakes, its vectors, each resource at the sandbox, and what a reviewer would ask
    #[command(
        after_help = "Exits with 78 if the pack has a mistake or cannot be read, and with 1 if a resource does not answer at the sandbox. Hints are no mistakes."
    )]
    Check {
        /// A pack's file, or the name of a pack in the program
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Print a commented pack to begin with
    #[command(after_help = "Write it to a file: storegate vendor new acme > acme.toml")]
    New {
        /// The vendor's name: small letters, digits and `_`
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl VendorCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let text = match self {
            Self::List => list()?,
            Self::Check { file } => check(&file).await?,
            Self::New { name } => new(&name)?,
        };
        Ok(output::line(text.trim_end())?)
    }
}

fn list() -> Result<String, CliError> {
    let mut rows = vec!["NAME TITLE SIGNATURE TOKEN RESOURCES VECTORS".split(' ').map(str::to_owned).collect()];
    for name in bundled::names() {
        let (vendor, declared) = read(name)?;
        rows.push(row(vendor.pack(), &declared));
    }
    Ok(output::table(&rows))
}

fn row(pack: &Pack, declared: &Declarations) -> Vec<String> {
    let digests = pack.signing.iter().flat_map(|signing| &signing.stages).map(|stage| stage.digest.to_string());
    let digests: Vec<String> = digests.collect();
    let token = match &pack.login {
        None => "-",
        Some(login) if login.is_given => "from a file",
        Some(login) if login.section.is_some() => "of a user",
        Some(_) => "exchanged",
    };
    let signature = if digests.is_empty() { "-".to_owned() } else { digests.join(" ") };
    let counts = [declared.iter().count(), pack.vectors.len()].map(|count| count.to_string());
    [pack.name.clone(), pack.title.clone(), signature, token.to_owned()].into_iter().chain(counts).collect()
}

async fn check(file: &str) -> Result<String, CliError> {
    let (vendor, declared) = read(file)?;
    let pack = vendor.pack();
    let mut lines = vec![format!("{}: the pack of {} has no mistakes", pack.name, pack.title)];
    lines.extend(
        pack.vectors.iter().map(|vector| format!("vector: {} reproduced, of {}", vector.method, vector.source)),
    );
    let trips = if declared.iter().next().is_some() { round_trip::all(file).await? } else { Vec::new() };
    lines.extend(trips.iter().map(ToString::to_string));
    lines.extend(hints::of(pack, &declared).map(|hint| format!("hint: {hint}")));
    let text = lines.join("\n");
    if trips.iter().all(|trip| trip.has_succeeded()) {
        return Ok(text);
    }
    output::line(&text)?;
    Err(CliError::message("a resource does not answer at the sandbox: see [sandbox.answers], and the lines above"))
}

/// Reads a pack, by its file or by its name in the program, with the resources that come with it.
fn read(file: &str) -> Result<(Vendor, Declarations), CliError> {
    if let Some(vendor) = Vendors::default().get(file) {
        return Ok((vendor, Declarations::default()));
    }
    let packs = NamedPacks::read(&[file.to_owned()])?;
    let declared = DeclaredResources::read(None, &packs)?.declarations;
    let vendor = packs.added().pop().ok_or_else(|| CliError::message(format!("{file}: there is no pack")))?;
    Ok((vendor, declared))
}

fn new(name: &str) -> Result<String, CliError> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !begins_well || name.len() > LONGEST_NAME || !name.bytes().all(is_name) {
        return Err(CliError::message(format!(
            "{name:?}: a name is made of small letters, digits and `_`, {LONGEST_NAME} at most, and begins with a letter"
        )));
    }
    if bundled::text(name).is_some() {
        return Err(CliError::message(format!(
            "{name}: there is a pack in the program: storegate vendor check {name}"
        )));
    }
    // Words of a path are parted by dashes.
    let path = format!("/{}/", name.replace('_', "-"));
    let text = TEMPLATE.replace(&format!("/{PLACEHOLDER}/"), &path).replace(PLACEHOLDER, name);
    // The template is right, so what is wrong with the pack is wrong with the name.
    let problems = problems_of(&text, name).err().map(|Problems(problems)| problems.join("; "));
    match problems {
        None => Ok(text),
        Some(problems) => Err(CliError::message(format!("{name}: take another name: {problems}"))),
    }
}

/// Reads the text of a pack with its resources.
fn problems_of(text: &str, name: &str) -> Result<(), Problems> {
    let vendors = Vendors::with_text(text, &format!("{name}.toml"))?;
    let (table, report) = (Table::new(), Report::default().without_variables());
    Declarations::read(&Section::root(&table, &report), &vendors);
    report.finish(&table).map(drop)
}
