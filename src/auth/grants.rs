//! The stores and organizations that a token may read. A token with neither list may read all of its tenant's. If a
//! token has either list, anything on neither list is refused.

use std::collections::BTreeSet;

use crate::directory::{Directory, OrganizationId, StoreId, StoreNumbers, VendorIds};

/// The claims `stores` and `organizations`, prepared for lookups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// The limits; `None` for everything.
    limits: Option<GrantLimits>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GrantLimits {
    /// Store ids as the token lists them; the directory resolves them.
    stores: BTreeSet<StoreId>,
    /// Organization ids as the token lists them; their form determines the vendor.
    organizations: BTreeSet<String>,
}

impl Grants {
    /// Builds the grants of a token with these claims. An invalid id grants nothing.
    pub fn new(stores: Option<&[String]>, organizations: Option<&[String]>) -> Self {
        if stores.is_none() && organizations.is_none() {
            return Self { limits: None };
        }
        let (stores, organizations) = (stores.into_iter().flatten(), organizations.into_iter().flatten());
        let stores = stores.filter_map(|id| id.parse().ok()).collect();
        Self { limits: Some(GrantLimits { stores, organizations: organizations.cloned().collect() }) }
    }

    /// Whether the token may read everything of the tenant, so that data about all of it is allowed.
    pub const fn may_read_all(&self) -> bool {
        self.limits.is_none()
    }

    /// Returns the stores that may be read, by any of their ids; `None` for all.
    pub fn stores(&self) -> Option<&BTreeSet<StoreId>> {
        self.limits.as_ref().map(|limits| &limits.stores)
    }

    /// Whether this store of the directory may be read. A store has several ids, and a list may contain any of them. An
    /// id means the same in a list as in a path.
    pub fn may_read_store(&self, store: &StoreNumbers, directory: &Directory) -> bool {
        self.stores().is_none_or(|stores| stores.iter().any(|id| directory.id_of(id) == store.id))
    }

    /// Whether this organization may be read. The form of an id in the list determines its vendor.
    pub fn may_read_organization(&self, organization: &OrganizationId, ids: &VendorIds) -> bool {
        let wanted = Some((organization.vendor(), organization.number()));
        let is_wanted = |id: &String| ids.organization(id) == wanted;
        self.limits.as_ref().is_none_or(|limits| limits.organizations.iter().any(is_wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::Grants;
    use crate::directory::{Directory, OrganizationId, read};
    use crate::vendors::Vendors;

    fn grants(stores: Option<&[&str]>, organizations: Option<&[&str]>) -> Grants {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        Grants::new(stores.map(owned).as_deref(), organizations.map(owned).as_deref())
    }

    /// Checks an id in a directory where `paris-1` is `S_123456` and `SHOP001`, and `1001` is `S_9`.
    fn may_read(grants: &Grants, id: &str) -> bool {
        let rows = "id,opretail_id,oms_code,name\nparis-1,S_123456,SHOP001,\n1001,S_9,,\n";
        let ids = Vendors::default().ids();
        let directory = Directory::new(read(rows, &ids).unwrap(), &ids);
        ids.store(id).is_ok_and(|id| grants.may_read_store(&directory.find(&id), &directory))
    }

    fn may_read_organization(grants: &Grants, id: &str) -> bool {
        let vendors = Vendors::default();
        let id = OrganizationId::read(vendors.get("opretail").unwrap(), id);
        id.is_ok_and(|id| grants.may_read_organization(&id, &vendors.ids()))
    }

    #[test]
    fn a_token_without_lists_reads_everything() {
        let grants = grants(None, None);
        assert!(grants.may_read_all());
        assert!(may_read(&grants, "S_1") && may_read_organization(&grants, "O_1084"));
    }

    #[test]
    fn a_listed_store_is_found_by_any_of_its_ids_with_or_without_prefix() {
        for listed in ["S_123456", "123456", "SHOP001", "paris-1"] {
            let grants = grants(Some(&[listed, "77"]), None);
            assert!(!grants.may_read_all());
            for id in ["S_123456", "123456", "SHOP001", "paris-1", "77", "S_77"] {
                assert!(may_read(&grants, id), "{listed} {id}");
            }
            assert!(!may_read(&grants, "S_654321") && !may_read(&grants, "SHOP002"));
        }
    }

    #[test]
    fn an_id_leads_to_the_store_that_it_leads_to_in_a_path() {
        let (own, prefixed) = (grants(Some(&["1001"]), None), grants(Some(&["S_1001"]), None));
        assert!(may_read(&own, "1001") && may_read(&own, "S_9") && !may_read(&own, "S_1001"));
        assert!(may_read(&prefixed, "S_1001") && !may_read(&prefixed, "1001") && !may_read(&prefixed, "S_9"));
    }

    #[test]
    fn a_store_that_looks_like_another_vendors_code_does_not_open_it() {
        assert!(!may_read(&grants(Some(&["S_NORTH"]), None), "NORTH"));
        assert!(!may_read(&grants(Some(&["NORTH"]), None), "S_NORTH"));
    }

    #[test]
    fn a_list_of_one_kind_grants_nothing_of_the_other() {
        let (stores, organizations) = (grants(Some(&["1084"]), None), grants(None, Some(&["O_1084"])));
        assert!(may_read(&stores, "1084") && !may_read_organization(&stores, "1084"));
        assert!(may_read_organization(&organizations, "1084") && may_read_organization(&organizations, "O_1084"));
        assert!(!may_read(&organizations, "1084") && !may_read_organization(&organizations, "2"));
    }

    #[test]
    fn what_is_no_id_grants_nothing() {
        let nonsense = ["", "S_", " ", "S_123456 ", "S_1,S_2", "店"];
        let grants = grants(Some(&nonsense), Some(&["", "O_", " ", "O_1 ", "1,2"]));
        let directory = Directory::new(Vec::new(), &Vendors::default().ids());
        let mut stores = grants.stores().unwrap().iter().map(|id| directory.find(id));
        assert!(stores.all(|store| store.numbers.is_empty()), "a prefix alone leads to no store");
        for id in nonsense.iter().chain(&["S_123456", "1", "2", "S_1", "S_2", "O_", "O_1"]) {
            assert!(!may_read(&grants, id) && !may_read_organization(&grants, id), "{id:?}");
        }
    }

    #[test]
    fn an_empty_list_reads_nothing() {
        assert!(!may_read(&grants(Some(&[]), None), "S_1"));
        assert!(!may_read_organization(&grants(None, Some(&[])), "1"));
    }
}
