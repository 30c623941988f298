//! The vendors of the running program: the built-in ones, and those that the configuration adds.

pub mod bundled;
pub mod pack;

use std::sync::{Arc, LazyLock};

use crate::directory::VendorIds;
use crate::gateway::protocol::Method;
use crate::gateway::tenants::TenantSettings;
use crate::gateway::vendor::Vendor;
use crate::settings::{File, FileError, Problems, Section, SectionSettings as _, section, text_of_file};

/// The vendors that every configuration has, since resources of the program call them. The other packs in the binary are
/// read only where `[vendors]` names them.
const BUILT_IN: [&str; 2] = ["opretail", "oms"];

/// The built-in vendors. A built-in pack that cannot be read is a mistake that tests find.
static VENDORS: LazyLock<Vec<Vendor>> = LazyLock::new(|| {
    let mut vendors = Vec::new();
    for name in BUILT_IN {
        let text = bundled::text(name).unwrap_or_default();
        match pack::compile_beside(text, &file_of(name), &vendors) {
            Ok(vendor) => vendors.push(vendor),
            Err(problems) => tracing::error!(%problems, "built-in pack unreadable"),
        }
    }
    vendors
});

section! {
    /// A vendor beside OPRetail and the OMS; its accounts are `[tenants.<name>.<vendor>]`. The pack is one of those in the
    /// program, which `storegate vendor list` names, or a file; CONTRIBUTING.md says how to write one.
    #[derive(Debug)]
    pub struct VendorSection in "vendors.<lumen>" on restart {
        /// The name of a pack in the program.
        pack: Option<String>, example "youzan";
        /// A pack of your own, a TOML file.
        file: Option<File>, example "lumen.toml";
    }
}

/// The vendors that a configuration may name.
#[derive(Clone, Debug)]
pub struct Vendors {
    vendors: Vec<Vendor>,
    /// The packs that the configuration names.
    added: Vec<AddedPack>,
    /// The names of the vendors whose packs have problems.
    unread: Vec<String>,
}

/// A pack that the configuration names.
#[derive(Clone, Debug)]
pub struct AddedPack {
    /// The vendor of the pack.
    pub vendor: Vendor,
    /// The name of the pack in errors.
    pub file: String,
    /// The text of the pack, for the resources that come with it.
    pub text: Arc<str>,
}

impl Default for Vendors {
    fn default() -> Self {
        Self { vendors: VENDORS.clone(), added: Vec::new(), unread: Vec::new() }
    }
}

impl Vendors {
    /// Reads `[vendors]`: the packs of the configuration, besides the built-in ones.
    pub fn read(section: &Section<'_>) -> Self {
        let mut vendors = Self::default();
        for (name, entry) in section.entries() {
            match read_one(&name, &entry, &mut vendors) {
                Some(added) => {
                    vendors.vendors.push(added.vendor);
                    vendors.added.push(added);
                }
                None => vendors.unread.push(name),
            }
        }
        vendors
    }

    /// The built-in vendors and that of a pack's text; `file` is the name of the pack in errors.
    ///
    /// # Errors
    /// All problems of the pack.
    pub fn with_text(text: &str, file: &str) -> Result<Self, Problems> {
        let mut vendors = Self::default();
        let vendor = pack::compile_beside(text, file, &vendors.vendors)?;
        vendors.vendors.push(vendor);
        vendors.added.push(AddedPack { vendor, file: file.to_owned(), text: text.into() });
        Ok(vendors)
    }

    /// Whether a pack of the configuration has the name of a built-in one. The built-in one is left out then, because
    /// the configuration means the other pack.
    fn takes_built_in(&mut self, name: &str) -> bool {
        let count = self.vendors.len();
        self.vendors.retain(|vendor| vendor.name() != name);
        self.vendors.len() < count
    }

    /// The packs that the configuration names.
    pub fn added(&self) -> &[AddedPack] {
        &self.added
    }

    /// The vendor of this name.
    pub fn get(&self, name: &str) -> Option<Vendor> {
        self.iter().find(|vendor| vendor.name() == name)
    }

    /// All vendors, the built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = Vendor> {
        self.vendors.iter().copied()
    }

    /// The ids of stores and organizations of all vendors, where the vendors of a tenant are not known.
    pub fn ids(&self) -> VendorIds {
        VendorIds::new(&self.vendors, &VENDORS, &self.vendors).lacking_some(!self.unread.is_empty())
    }

    /// The ids of stores and organizations of a tenant.
    pub fn ids_of(&self, tenant: &TenantSettings) -> VendorIds {
        let with_account: Vec<Vendor> = self.iter().filter(|vendor| tenant.account(*vendor).is_some()).collect();
        VendorIds::new(&self.vendors, &VENDORS, &with_account)
    }

    /// The names of the vendors whose packs have problems; errors that follow from their absence are not reported.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    /// The names of the vendors, for error texts.
    pub fn names(&self) -> String {
        self.iter().map(Vendor::name).collect::<Vec<_>>().join(", ")
    }
}

/// The name of a pack in the binary, in errors.
fn file_of(name: &str) -> String {
    format!("packs/{name}.toml")
}

fn read_one(name: &str, section: &Section<'_>, others: &mut Vendors) -> Option<AddedPack> {
    let named = VendorSection::read(section);
    if others.takes_built_in(name) {
        section.problem(
            if named.pack.is_some() { "pack" } else { "file" },
            format!("{name} is built in: give the section and the pack another name"),
        );
        return None;
    }
    let (key, file, text) = read_text(section, named)?;
    let vendor = pack::compile_beside(&text, &file, &others.vendors).map_err(|problems| {
        problems.0.iter().for_each(|problem| section.problem(key, problem));
    });
    let vendor = vendor.ok()?;
    if vendor.name() != name {
        let words = match others.takes_built_in(vendor.name()) {
            true => {
                format!("this is a pack of {:?}, which is built in: give the pack the section's name", vendor.name())
            }
            false => format!(
                "this is the pack of {0:?}: name the section [vendors.{0}]; accounts at one vendor are told apart by their tenants",
                vendor.name()
            ),
        };
        section.problem(key, words);
        others.unread.push(vendor.name().to_owned());
        return None;
    }
    Some(AddedPack { vendor, file, text })
}

/// Reads which pack a section names: the setting that names it, its name in errors, and its text.
fn read_text(section: &Section<'_>, named: VendorSection) -> Option<(&'static str, String, Arc<str>)> {
    match (named.pack, named.file) {
        (Some(name), None) => match bundled::text(&name) {
            Some(text) => Some(("pack", file_of(&name), text.into())),
            None => {
                let names = bundled::names().filter(|name| !BUILT_IN.contains(name)).collect::<Vec<_>>();
                section.problem("pack", format!("the packs are {}", names.join(", ")));
                None
            }
        },
        (None, Some(File(path))) => {
            let content = section.file("file", pack::LARGEST)?;
            let text = text_of_file(&content);
            let text = text.map_err(|error| section.problem("file", not_text(&path, &content, &error))).ok()?;
            Some(("file", path, text.into()))
        }
        (Some(_), Some(_)) => {
            section.problem("file", "a vendor has one pack: leave out `file` or `pack`");
            None
        }
        (None, None) if section.has_problem("file") || section.has_problem("pack") => None,
        (None, None) => {
            section
                .missing("pack", "the name of a pack in the program (storegate vendor list), or a `file` of your own");
            None
        }
    }
}

/// Why the content of a file is not text, with the line at which it stops being text.
fn not_text(path: &str, content: &[u8], error: &FileError) -> String {
    match (error, std::str::from_utf8(content)) {
        (FileError::NotText, Err(invalid)) => {
            let before = content.iter().take(invalid.valid_up_to());
            format!("{path}: line {}: {error}", 1 + before.filter(|byte| **byte == b'\n').count())
        }
        _ => format!("{path}: {error}"),
    }
}

/// A vendor that every configuration has.
///
/// # Panics
/// There is no such built-in vendor; tests find this.
pub fn built_in(name: &str) -> Vendor {
    let vendor = VENDORS.iter().copied().find(|vendor| vendor.name() == name);
    #[expect(clippy::expect_used, reason = "packs are part of the binary, and every resource is tested")]
    vendor.expect("a built-in vendor")
}

/// A method that one of our own resources calls, as the vendor's built-in pack describes it: a line of its `[methods]`.
///
/// # Panics
/// There is no such built-in vendor, or its pack has no such method; tests find this.
pub fn built_in_method(vendor: &str, name: &'static str) -> Method {
    let (vendor, file) = (built_in(vendor), file_of(vendor));
    assert!(vendor.method(name).is_some(), "{file} lacks the method {name} in its [methods]");
    Method::of(vendor, name)
}
