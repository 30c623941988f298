//! Which stores and organizations a token may read. A token with neither list may read all of its tenant's; a token with
//! either of them reads what the two list, and nothing else.

use std::collections::BTreeSet;

use crate::directory::{OrganizationId, StoreId};

/// The claims `stores` and `organizations`, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// `None` stands for everything.
    limits: Option<Limits>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Limits {
    /// OPRetail's ids without their `S_`.
    stores: BTreeSet<String>,
    /// Numbers without their `O_`.
    organizations: BTreeSet<String>,
}

impl Grants {
    /// The grants of a token with these claims. What is no id grants nothing.
    pub fn new(stores: Option<&[String]>, organizations: Option<&[String]>) -> Self {
        if stores.is_none() && organizations.is_none() {
            return Self { limits: None };
        }
        let (stores, organizations) = (stores.into_iter().flatten(), organizations.into_iter().flatten());
        let stores = stores.filter_map(|id| id.parse::<StoreId>().ok()).map(|id| bare(id.as_str(), "S_").to_owned());
        let numbers = organizations.filter_map(|id| id.parse::<OrganizationId>().ok());
        let organizations = numbers.map(|id| id.number().to_owned()).collect();
        Self { limits: Some(Limits { stores: stores.collect(), organizations }) }
    }

    /// Whether everything of the tenant may be read, so that what is about all of it is allowed.
    pub const fn may_read_all(&self) -> bool {
        self.limits.is_none()
    }

    /// The stores that may be read, OPRetail's without their `S_`; `None` stands for all.
    pub fn stores(&self) -> Option<&BTreeSet<String>> {
        self.limits.as_ref().map(|limits| &limits.stores)
    }

    /// Whether the store that goes by these ids may be read. A store has several, and a list may name any of them.
    pub fn may_read_any_of(&self, ids: &[&str]) -> bool {
        self.stores().is_none_or(|stores| ids.iter().any(|id| stores.contains(bare(id, "S_"))))
    }

    /// Whether the organization of this number, with or without its `O_`, may be read.
    pub fn may_read_organization(&self, id: &str) -> bool {
        self.limits.as_ref().is_none_or(|limits| limits.organizations.contains(bare(id, "O_")))
    }
}

/// `S_123456` and `123456` are the same store. `S_NORTH` and `NORTH` are not: the second is a code at the other vendor.
fn bare<'a>(id: &'a str, prefix: &str) -> &'a str {
    let is_number = |rest: &&str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    id.strip_prefix(prefix).filter(is_number).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::Grants;

    fn grants(stores: Option<&[&str]>, organizations: Option<&[&str]>) -> Grants {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        Grants::new(stores.map(owned).as_deref(), organizations.map(owned).as_deref())
    }

    #[test]
    fn a_token_without_lists_reads_everything() {
        let grants = grants(None, None);
        assert!(grants.may_read_all());
        assert!(grants.may_read_any_of(&["S_1"]) && grants.may_read_organization("O_1084"));
    }

    #[test]
    fn a_listed_store_is_found_by_any_of_its_ids_with_or_without_prefix() {
        let grants = grants(Some(&["S_123456", "SHOP001", "77"]), None);
        assert!(!grants.may_read_all());
        for ids in [&["S_123456"][..], &["123456"], &["S_77"], &["paris-1", "SHOP001"]] {
            assert!(grants.may_read_any_of(ids), "{ids:?}");
        }
        assert!(!grants.may_read_any_of(&["S_654321"]));
        assert!(!grants.may_read_any_of(&[]));
    }

    #[test]
    fn a_store_that_looks_like_another_vendors_code_does_not_open_it() {
        assert!(!grants(Some(&["S_NORTH"]), None).may_read_any_of(&["NORTH"]));
        assert!(!grants(Some(&["NORTH"]), None).may_read_any_of(&["S_NORTH"]));
    }

    #[test]
    fn a_list_of_one_kind_grants_nothing_of_the_other() {
        let (stores, organizations) = (grants(Some(&["1084"]), None), grants(None, Some(&["O_1084"])));
        assert!(stores.may_read_any_of(&["1084"]) && !stores.may_read_organization("1084"));
        assert!(organizations.may_read_organization("1084") && organizations.may_read_organization("O_1084"));
        assert!(!organizations.may_read_any_of(&["1084"]) && !organizations.may_read_organization("2"));
    }

    #[test]
    fn what_is_no_id_grants_nothing() {
        let nonsense = ["", "S_", " ", "S_123456 ", "S_1,S_2", "店"];
        let grants = grants(Some(&nonsense), Some(&["", "O_", " ", "O_1 ", "1,2"]));
        assert!(grants.stores().is_some_and(std::collections::BTreeSet::is_empty));
        for id in nonsense.iter().chain(&["S_123456", "1", "2", "S_1", "S_2", "O_", "O_1"]) {
            assert!(!grants.may_read_any_of(&[id]) && !grants.may_read_organization(id), "{id:?}");
        }
    }

    #[test]
    fn an_empty_list_reads_nothing() {
        assert!(!grants(Some(&[]), None).may_read_any_of(&["S_1"]));
        assert!(!grants(None, Some(&[])).may_read_organization("1"));
    }
}
