//! The latest purges of each tenant, in order. A response whose fetch began before a purge may be what the purge was to
//! remove, so it is compared with them. A purge of one store affects no response about another.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// The number of purges per tenant that are remembered with their stores. A response from before the oldest of them
/// counts as purged. That costs one more fetch, and no caller sees purged data.
pub const REMEMBERED: usize = 1024;

/// The purges of all tenants, each at its position in an order.
#[derive(Debug)]
pub struct PurgeList<P>(HashMap<String, TenantPurges<P>>);

#[derive(Debug, Default)]
struct TenantPurges<P> {
    /// The position of the latest purge that is no longer remembered with its stores.
    forgotten: P,
    latest: VecDeque<(P, Stores)>,
}

/// The stores of a purge; `None` for all.
pub type Stores = Option<Vec<String>>;

/// Whether a purge of these stores (`None` for all) concerns a response about the others. A response about no store,
/// such as a whole list, is removed only by a purge of all.
pub fn is_about(purged: Option<&[String]>, stores: &[String]) -> bool {
    purged.is_none_or(|purged| stores.iter().any(|store| purged.contains(store)))
}

/// Merges stores into a tenant's purged ones: searching a tenant's responses takes as long for one store as for many.
pub fn add_to(purged: &mut BTreeMap<String, Stores>, tenant: &str, stores: Stores) {
    let all = purged.entry(tenant.to_owned()).or_insert_with(|| Some(Vec::new()));
    *all = all.take().zip(stores).map(|(all, stores)| [all, stores].concat());
}

impl<P> Default for PurgeList<P> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<P: Copy + Ord + Default> PurgeList<P> {
    /// Records a purge at its position, and returns whether it was new.
    pub fn add(&mut self, tenant: &str, stores: Stores, at: P) -> bool {
        let purges = self.0.entry(tenant.to_owned()).or_default();
        if purges.latest.iter().any(|(known, _)| *known == at) {
            return false;
        }
        if purges.latest.len() >= REMEMBERED
            && let Some((oldest, _)) = purges.latest.pop_front()
        {
            purges.forgotten = purges.forgotten.max(oldest);
        }
        purges.latest.push_back((at, stores));
        true
    }

    /// Returns the position of a tenant's last purge, or the default if there was none.
    pub fn last(&self, tenant: &str) -> P {
        let last = |purges: &TenantPurges<P>| purges.latest.back().map_or(purges.forgotten, |(at, _)| *at);
        self.0.get(tenant).map(last).unwrap_or_default()
    }

    /// Returns the position of the latest purge that concerns a response about these stores, or the default if none is
    /// remembered.
    pub fn latest(&self, tenant: &str, stores: &[String]) -> P {
        let about = |purges: &TenantPurges<P>| {
            let mut latest = purges.latest.iter().rev();
            latest.find(|(_, purged)| is_about(purged.as_deref(), stores)).map(|(at, _)| *at)
        };
        self.0.get(tenant).and_then(about).unwrap_or_default()
    }

    /// Whether a response about these stores may have been purged since its fetch began at position `seen`.
    pub fn came_after(&self, seen: P, tenant: &str, stores: &[String]) -> bool {
        self.0.get(tenant).is_some_and(|purges| {
            let about = |(at, purged): &(P, Stores)| *at > seen && is_about(purged.as_deref(), stores);
            seen < purges.forgotten || purges.latest.iter().any(about)
        })
    }

    /// Removes the purges after this position, and returns their stores by tenant, where `None` stands for all stores.
    pub fn remove_behind(&mut self, place: P) -> BTreeMap<String, Stores> {
        let mut removed = BTreeMap::new();
        for (tenant, purges) in &mut self.0 {
            let (behind, earlier) = std::mem::take(&mut purges.latest).into_iter().partition(|(at, _)| *at > place);
            purges.latest = earlier;
            behind.into_iter().for_each(|(_, stores)| add_to(&mut removed, tenant, stores));
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::{PurgeList, REMEMBERED};

    fn stores(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_purge_is_about_answers_of_its_stores_and_a_purge_of_all_is_about_every_answer() {
        let mut purges = PurgeList::default();
        purges.add("acme", Some(stores(&["a"])), 1);
        assert!(purges.came_after(0, "acme", &stores(&["b", "a"])) && !purges.came_after(1, "acme", &stores(&["a"])));
        for untouched in [&["b"][..], &[]] {
            assert!(!purges.came_after(0, "acme", &stores(untouched)));
            assert_eq!(purges.latest("acme", &stores(untouched)), 0);
        }
        purges.add("acme", None, 2);
        assert!(purges.came_after(1, "acme", &[]));
        assert_eq!((purges.latest("acme", &[]), purges.latest("zenith", &[])), (2, 0));
        assert_eq!((purges.last("acme"), purges.last("zenith")), (2, 0));
        assert!(!purges.came_after(2, "acme", &[]) && !purges.came_after(0, "zenith", &[]));
    }

    #[test]
    fn an_answer_from_before_all_that_is_remembered_counts_as_purged() {
        let mut purges = PurgeList::default();
        (1..=REMEMBERED).for_each(|at| assert!(purges.add("acme", Some(stores(&["a"])), at)));
        assert!(!purges.came_after(0, "acme", &stores(&["b"])));
        assert!(!purges.add("acme", Some(stores(&["a"])), REMEMBERED), "it is known");
        purges.add("acme", Some(stores(&["a"])), REMEMBERED + 1);
        assert!(purges.came_after(0, "acme", &stores(&["b"])) && !purges.came_after(1, "acme", &stores(&["b"])));
    }
}
