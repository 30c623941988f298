//! The vendors of the running program: the built-in packs, and those of the configuration.

pub mod pack;

use std::sync::LazyLock;

use crate::directory::VendorIds;
use crate::gateway::protocol::Method;
use crate::gateway::tenants::TenantSettings;
use crate::gateway::vendor::Vendor;
use crate::settings::{File, FileError, Section, SectionSettings as _, section, text_of_file};

/// The packs in the binary, with the names of their files.
const BUILT_IN: [(&str, &str); 2] = [
    ("packs/opretail.toml", include_str!("../../packs/opretail.toml")),
    ("packs/oms.toml", include_str!("../../packs/oms.toml")),
];

/// The built-in vendors. A built-in pack that cannot be read is a mistake that tests find.
static VENDORS: LazyLock<Vec<Vendor>> = LazyLock::new(|| {
    let mut vendors = Vec::new();
    for (file, text) in BUILT_IN {
        match pack::compile_beside(text, file, &vendors) {
            Ok(vendor) => vendors.push(vendor),
            Err(problems) => tracing::error!(%problems, "built-in pack unreadable"),
        }
    }
    vendors
});

section! {
    /// A vendor that is not built in; its accounts are `[tenants.<name>.<vendor>]`. CONTRIBUTING.md says how to write a pack.
    #[derive(Debug)]
    pub struct VendorSection in "vendors.<lumen>" on restart {
        /// The vendor's pack.
        file: String as File, example "lumen.toml", required "the vendor's pack, a TOML file";
    }
}

/// The vendors that a configuration may name.
#[derive(Clone, Debug)]
pub struct Vendors {
    vendors: Vec<Vendor>,
    /// The names of the vendors whose packs have problems.
    unread: Vec<String>,
}

impl Default for Vendors {
    fn default() -> Self {
        Self { vendors: VENDORS.clone(), unread: Vec::new() }
    }
}

impl Vendors {
    /// Reads `[vendors]`: the packs of the configuration, besides the built-in ones.
    pub fn read(section: &Section<'_>) -> Self {
        let mut vendors = Self::default();
        for (name, entry) in section.entries() {
            match read_one(&name, &entry, &mut vendors) {
                Some(vendor) => vendors.vendors.push(vendor),
                None => vendors.unread.push(name),
            }
        }
        vendors
    }

    /// Whether a pack of the configuration has the name of a built-in one. The built-in one is left out then, because
    /// the configuration means the other pack.
    fn takes_built_in(&mut self, name: &str) -> bool {
        let count = self.vendors.len();
        self.vendors.retain(|vendor| vendor.name() != name);
        self.vendors.len() < count
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

fn read_one(name: &str, section: &Section<'_>, others: &mut Vendors) -> Option<Vendor> {
    const LARGEST: usize = 1 << 20;
    let path = VendorSection::read(section).file;
    if others.takes_built_in(name) {
        section.problem("file", format!("{name} is built in: give the section and the pack another name"));
        return None;
    }
    let content = section.file("file", LARGEST)?;
    let text =
        text_of_file(&content).map_err(|error| section.problem("file", not_text(&path, &content, &error))).ok()?;
    let vendor = pack::compile_beside(text, &path, &others.vendors).map_err(|problems| {
        problems.0.iter().for_each(|problem| section.problem("file", problem));
    });
    let vendor = vendor.ok()?;
    if vendor.name() != name {
        let words = match others.takes_built_in(vendor.name()) {
            true => {
                format!("this is a pack of {:?}, which is built in: give the pack the section's name", vendor.name())
            }
            false => format!("this is the pack of {:?}: name the section so", vendor.name()),
        };
        section.problem("file", words);
        others.unread.push(vendor.name().to_owned());
        return None;
    }
    Some(vendor)
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

/// A method that one of our own resources calls, as the vendor's built-in pack describes it.
///
/// # Panics
/// There is no such pack, or the pack has no such method; tests find this.
pub fn built_in_method(vendor: &str, name: &'static str) -> Method {
    let vendor = VENDORS.iter().copied().find(|own| own.name() == vendor);
    #[expect(clippy::expect_used, reason = "packs are part of the binary, and every resource is tested")]
    let vendor = vendor.filter(|vendor| vendor.method(name).is_some()).expect("a method of a built-in pack");
    Method::of(vendor, name)
}
