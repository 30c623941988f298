//! The latest purges of each tenant. A fetch that began before a purge may bring what was to be dropped, so it is held
//! against them when it lands. A purge of one store disturbs no fetch of another.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many purges of a tenant are remembered by what they were about. A fetch that has seen more of them begin counts as
/// purged: that costs one more fetch, and nobody sees what was dropped.
const REMEMBERED: usize = 256;

/// All tenants' purges.
#[derive(Default)]
pub(super) struct Purges(Mutex<HashMap<String, OfTenant>>);

#[derive(Default)]
struct OfTenant {
    /// How many there were; the number of the latest one.
    count: u64,
    latest: VecDeque<Purge>,
}

struct Purge {
    number: u64,
    /// `None` for all stores.
    stores: Option<Vec<String>>,
}

impl Purge {
    fn concerns(&self, stores: &[String]) -> bool {
        is_about(self.stores.as_deref(), stores)
    }
}

/// Whether a purge of these stores (`None` for all) is about an answer that names those. One that names no store, such as
/// a whole list, is dropped only with all.
pub(super) fn is_about(purged: Option<&[String]>, stores: &[String]) -> bool {
    purged.is_none_or(|purged| stores.iter().any(|store| purged.contains(store)))
}

impl Purges {
    /// Remembers a purge of these stores, or of all.
    pub(super) fn add(&self, tenant: &str, stores: Option<&[String]>) {
        let mut tenants = self.tenants();
        let purges = tenants.entry(tenant.to_owned()).or_default();
        purges.count += 1;
        if purges.latest.len() >= REMEMBERED {
            purges.latest.pop_front();
        }
        let stores = stores.map(<[String]>::to_vec);
        purges.latest.push_back(Purge { number: purges.count, stores });
    }

    /// How many there were so far.
    pub(super) fn count(&self, tenant: &str) -> u64 {
        self.tenants().get(tenant).map_or(0, |purges| purges.count)
    }

    /// The number of the latest one that concerns an answer about these stores, 0 if none is remembered.
    pub(super) fn latest(&self, tenant: &str, stores: &[String]) -> u64 {
        let tenants = self.tenants();
        let latest = tenants.get(tenant).and_then(|purges| purges.latest.iter().rev().find(|one| one.concerns(stores)));
        latest.map_or(0, |purge| purge.number)
    }

    /// Whether an answer about these stores, whose fetch began when there were `count` purges, may have been dropped since.
    pub(super) fn came_after(&self, count: u64, tenant: &str, stores: &[String]) -> bool {
        let tenants = self.tenants();
        let Some(purges) = tenants.get(tenant) else { return false };
        let forgotten = purges.latest.front().map_or(0, |oldest| oldest.number - 1);
        forgotten > count
            || purges.latest.iter().rev().take_while(|one| one.number > count).any(|one| one.concerns(stores))
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<String, OfTenant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Purges, REMEMBERED};

    fn stores(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_purge_concerns_answers_about_its_stores_and_a_purge_of_all_concerns_every_answer() {
        let purges = Purges::default();
        let begun = purges.count("acme");
        purges.add("acme", Some(&stores(&["a"])));
        assert!(purges.came_after(begun, "acme", &stores(&["b", "a"])));
        for untouched in [&["b"][..], &[]] {
            assert!(!purges.came_after(begun, "acme", &stores(untouched)));
            assert_eq!(purges.latest("acme", &stores(untouched)), 0);
        }
        purges.add("acme", None);
        assert!(purges.came_after(begun, "acme", &[]));
        assert_eq!((purges.latest("acme", &[]), purges.latest("zenith", &[])), (2, 0));
        assert!(!purges.came_after(purges.count("acme"), "acme", &[]));
        assert!(!purges.came_after(0, "zenith", &[]));
    }

    #[test]
    fn a_fetch_that_saw_more_purges_than_are_remembered_counts_as_purged() {
        let purges = Purges::default();
        for _ in 0..REMEMBERED {
            purges.add("acme", Some(&stores(&["a"])));
        }
        assert!(!purges.came_after(0, "acme", &stores(&["b"])));
        purges.add("acme", Some(&stores(&["a"])));
        assert!(purges.came_after(0, "acme", &stores(&["b"])));
        assert!(!purges.came_after(1, "acme", &stores(&["b"])));
    }
}
