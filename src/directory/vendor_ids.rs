//! Assigns ids that are in no store directory to a vendor, by their shape, among the vendors that the tenant uses.
//!
//! An id with a vendor's prefix belongs to that vendor. Digits alone belong to the first vendor whose numbers are
//! digits, and anything else to the first vendor whose ids have no prefix. The vendors at which the tenant has an
//! account come first, then the built-in ones. So one id never means the stores of two vendors.

use serde::Serialize;

use super::ids::StoreId;
use crate::gateway::vendor::{NumberForm, StoreIds, Vendor};
use crate::settings::SettingsDigest;

/// A vendor that numbers stores, and the form of its ids.
pub type Numbered = (Vendor, &'static StoreIds);

/// The ids of all vendors, and of those that one tenant uses.
#[derive(Clone, Debug, Default)]
pub struct VendorIds {
    columns: Vec<Numbered>,
    /// The vendors that the tenant uses, in the order in which an id is compared with their shapes.
    used: Vec<Vendor>,
    /// The number of vendors with an account, which come first.
    with_account: usize,
    /// A digest of the shapes; `None` for those of the built-in vendors alone.
    shapes: Option<SettingsDigest>,
    /// Whether the ids of some vendors are unknown, because their packs have problems.
    lacks_some: bool,
}

impl VendorIds {
    /// The ids of a tenant: `vendors` are all vendors, `built_in` those that any tenant may mean, and `with_account`
    /// those at which it has an account.
    pub fn new(vendors: &[Vendor], built_in: &[Vendor], with_account: &[Vendor]) -> Self {
        let numbered = |vendor: &Vendor| Some((*vendor, vendor.pack().store_ids.as_ref()?));
        let further = built_in.iter().filter(|vendor| !with_account.contains(vendor));
        let used: Vec<Vendor> = with_account.iter().chain(further).copied().collect();
        let forms: Vec<_> = used.iter().filter_map(numbered).map(|(vendor, ids)| (vendor, &ids.form)).collect();
        let has_others = forms.iter().any(|(vendor, _)| !built_in.contains(vendor));
        Self {
            columns: vendors.iter().filter_map(numbered).collect(),
            shapes: has_others.then(|| SettingsDigest::of(&forms)),
            used,
            with_account: with_account.len(),
            lacks_some: false,
        }
    }

    /// Sets whether the ids of further vendors may be missing.
    #[must_use]
    pub fn lacking_some(self, lacks_some: bool) -> Self {
        Self { lacks_some, ..self }
    }

    /// Whether an id may belong to a vendor whose ids are unknown.
    pub const fn is_incomplete(&self) -> bool {
        self.lacks_some
    }

    /// Reads a store id that a caller wrote.
    ///
    /// # Errors
    /// It violates the grammar of ids, or is a vendor's prefix without a number.
    pub fn store(&self, text: &str) -> Result<StoreId, String> {
        let id: StoreId = text.parse()?;
        match self.prefix_alone(text) {
            Some(form) => Err(format!("`{text}` is followed by a store's number, such as {}", form.example)),
            None => Ok(id),
        }
    }

    /// Why an id that is in no store directory cannot be a store's: the vendor to which its shape belongs could not
    /// have given it.
    pub(super) fn flaw(&self, id: &StoreId) -> Option<String> {
        let (_, form) = self.claimant(id.as_str(), store_form)?;
        let is_number = form.number(id.as_str()).is_some();
        (!is_number)
            .then(|| format!("`{id}` is no store's number: write {}, such as {}", form.described(), form.example))
    }

    /// The vendor's number that this id is by its shape, with its prefix.
    pub(super) fn by_shape(&self, id: &str) -> Option<(Vendor, String)> {
        if self.prefix_alone(id).is_some() {
            return None;
        }
        let (vendor, form) = self.claimant(id, store_form)?;
        Some((vendor, form.full(form.bare(id)?)))
    }

    /// The vendor of the organization that this id is by its shape, and the number without its prefix.
    pub fn organization<'a>(&self, id: &'a str) -> Option<(Vendor, &'a str)> {
        let (vendor, form) = self.claimant(id, organization_form)?;
        Some((vendor, form.number(id)?))
    }

    /// The part after the prefix, if the id is a number of this vendor; digits without their prefix count only if no
    /// other vendor comes first.
    pub(super) fn number_in<'a>(&self, (vendor, ids): Numbered, id: &'a str) -> Option<&'a str> {
        let form = &ids.form;
        let is_first = || self.of_digits(id, store_form).is_some_and(|(first, _)| first == vendor);
        form.behind_prefix(id).or_else(|| form.bare(id).filter(|_| form.prefix.is_empty() || is_first()))
    }

    /// The vendors that have a column in the store directory.
    pub fn columns(&self) -> impl Iterator<Item = Numbered> + Clone {
        self.columns.iter().copied()
    }

    /// The vendors with a column that the tenant uses, in the order of the columns.
    pub fn used_columns(&self) -> impl Iterator<Item = Numbered> {
        self.columns().filter(|(vendor, _)| self.used.contains(vendor))
    }

    /// The vendors with a column at which the tenant has an account; without any, those that it may mean.
    pub fn account_columns(&self) -> Vec<Numbered> {
        let has_account = |(vendor, _): &Numbered| self.used.iter().take(self.with_account).any(|own| own == vendor);
        let columns: Vec<Numbered> = self.columns().filter(has_account).collect();
        if columns.is_empty() { self.used_columns().collect() } else { columns }
    }

    /// The names of the columns: `id`, one for each vendor, `name`.
    pub fn column_names(&self) -> Vec<&'static str> {
        let vendors = self.columns.iter().map(|(_, ids)| ids.column.as_str());
        std::iter::once("id").chain(vendors).chain(["name"]).collect()
    }

    /// Examples of store ids, one for each vendor.
    pub fn examples(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(_, ids)| ids.form.example.as_str()).collect()
    }

    /// An example of an organization's number, without its prefix.
    pub fn organization_example(&self) -> Option<&'static str> {
        let (_, form) = self.forms(organization_form).next()?;
        form.number(&form.example)
    }

    /// A digest of everything that is found by these rows and shapes.
    pub(super) fn version_of(&self, rows: &impl Serialize) -> SettingsDigest {
        self.shapes.map_or_else(
            || SettingsDigest::of(rows),
            |shapes| SettingsDigest::of(&(SettingsDigest::of(rows).to_string(), shapes.to_string())),
        )
    }

    /// The vendor of whose ids this is only the prefix.
    fn prefix_alone(&self, id: &str) -> Option<&'static NumberForm> {
        let mut forms = self.forms(store_form).map(|(_, form)| form);
        forms.find(|form| form.prefix == id && !id.is_empty())
    }

    /// The vendor to which an id belongs by its shape.
    fn claimant(&self, id: &str, form: FormOf) -> Option<(Vendor, &'static NumberForm)> {
        let prefixed = self.forms(form).find(|(_, form)| form.behind_prefix(id).is_some());
        let others = || self.forms(form).find(|(_, form)| !form.is_digits && form.prefix.is_empty());
        prefixed.or_else(|| self.of_digits(id, form)).or_else(others)
    }

    /// The vendor to which digits without a prefix belong.
    fn of_digits(&self, id: &str, form: FormOf) -> Option<(Vendor, &'static NumberForm)> {
        self.forms(form).find(|(_, form)| form.is_digits && form.behind_prefix(id).is_none() && form.bare(id).is_some())
    }

    fn forms(&self, form: FormOf) -> impl Iterator<Item = (Vendor, &'static NumberForm)> {
        self.used.iter().filter_map(move |vendor| Some((*vendor, form(*vendor)?)))
    }
}

/// Selects a vendor's form of store ids, or of organization ids.
type FormOf = fn(Vendor) -> Option<&'static NumberForm>;

fn store_form(vendor: Vendor) -> Option<&'static NumberForm> {
    vendor.pack().store_ids.as_ref().map(|ids| &ids.form)
}

fn organization_form(vendor: Vendor) -> Option<&'static NumberForm> {
    vendor.pack().organization_ids.as_ref().map(|ids| &ids.form)
}

#[cfg(test)]
mod tests;
