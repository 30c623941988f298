//! Which stores a token may read. A token without a list may read all of its tenant's.

use std::collections::BTreeSet;

/// The `stores` claim, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Ids without their `S_`; `None` stands for all stores.
    stores: Option<BTreeSet<String>>,
}

impl Grants {
    /// The grants of a token with this `stores` claim.
    pub fn new(stores: Option<&[String]>) -> Self {
        Self { stores: stores.map(|stores| stores.iter().map(|id| bare(id).to_owned()).collect()) }
    }

    /// Whether every store of the tenant may be read, so that lists and sums over all stores are allowed.
    pub const fn may_read_all(&self) -> bool {
        self.stores.is_none()
    }

    /// The stores that may be read, without their `S_`; `None` stands for all.
    pub const fn stores(&self) -> Option<&BTreeSet<String>> {
        self.stores.as_ref()
    }

    /// Whether the store that goes by these ids may be read. A store has several, and a list may name any of them.
    pub fn may_read_any_of(&self, ids: &[&str]) -> bool {
        self.stores.as_ref().is_none_or(|stores| ids.iter().any(|id| stores.contains(bare(id))))
    }
}

/// `S_123456` and `123456` are the same store.
fn bare(id: &str) -> &str {
    id.strip_prefix("S_").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::Grants;

    #[test]
    fn a_token_without_a_list_reads_every_store() {
        let grants = Grants::new(None);
        assert!(grants.may_read_all());
        assert!(grants.may_read_any_of(&["S_1"]));
    }

    #[test]
    fn a_listed_store_is_found_by_any_of_its_ids_with_or_without_prefix() {
        let grants = Grants::new(Some(&["S_123456".to_owned(), "SHOP001".to_owned(), "77".to_owned()]));
        assert!(!grants.may_read_all());
        for ids in [&["S_123456"][..], &["123456"], &["S_77"], &["paris-1", "SHOP001"]] {
            assert!(grants.may_read_any_of(ids), "{ids:?}");
        }
        assert!(!grants.may_read_any_of(&["S_654321"]));
        assert!(!grants.may_read_any_of(&[]));
    }

    #[test]
    fn an_empty_list_reads_nothing() {
        assert!(!Grants::new(Some(&[])).may_read_any_of(&["S_1"]));
    }
}
