//! Purges that invalidate shared responses. A shared response states the position up to which its replica had read the
//! journal when the fetch began; a purge after that position may concern it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::journal::Position;
use crate::purge_list::{PurgeList, Stores, is_about};

/// The purges of all tenants that this replica knows.
#[derive(Debug, Default)]
pub struct Purges(Mutex<PurgeState>);

#[derive(Debug, Default)]
struct PurgeState {
    /// The position from which purges are known.
    known_from: Position,
    /// The position up to which the journal was read.
    read_to: Position,
    /// Purges that the journal contains.
    written: PurgeList<Position>,
    /// This replica's purges that the journal does not contain yet, by tenant, with their numbers.
    unwritten: HashMap<String, Vec<(u64, Stores)>>,
}

impl Purges {
    /// Records a purge of this replica that is to be written to the journal. It may replace all queued purges of the
    /// tenant.
    pub fn add_unwritten(&self, number: u64, tenant: &str, stores: Option<&[String]>, stands_for_others: bool) {
        let mut state = self.state();
        let unwritten = state.unwritten.entry(tenant.to_owned()).or_default();
        if stands_for_others {
            unwritten.clear();
        }
        unwritten.push((number, stores.map(<[String]>::to_vec)));
    }

    /// Records that the journal now contains this replica's purge of this number.
    pub fn have_written(&self, number: u64, tenant: &str, stores: Stores, at: Position) {
        let mut state = self.state();
        state.written.add(tenant, stores, at);
        if let Some(unwritten) = state.unwritten.get_mut(tenant) {
            unwritten.retain(|(known, _)| *known != number);
        }
    }

    /// Records a purge that the journal contains, and returns whether it was new. A purge may be sent twice and read
    /// again.
    pub fn add(&self, tenant: &str, stores: Stores, at: Position) -> bool {
        self.state().written.add(tenant, stores, at)
    }

    /// Removes the purges after this position, in a journal that no longer exists. Returns their stores by tenant,
    /// where `None` stands for all stores.
    pub fn forget_behind(&self, place: Position) -> BTreeMap<String, Stores> {
        self.state().written.remove_behind(place)
    }

    /// Returns the position up to which the journal was read.
    pub fn read_to(&self) -> Position {
        self.state().read_to
    }

    /// Records that the journal was read up to this position.
    pub fn have_read_to(&self, place: Position) {
        self.state().read_to = place;
    }

    /// Records the position at which the known journal begins.
    pub fn know_from(&self, place: Position) {
        self.state().known_from = place;
    }

    /// Whether a response about these stores is still valid, if it was fetched by a replica that had read the journal
    /// up to `seen`.
    pub fn allow_response(&self, tenant: &str, stores: &[String], seen: Position) -> bool {
        let state = self.state();
        let mut unwritten = state.unwritten.get(tenant).into_iter().flatten();
        seen >= state.known_from
            && !state.written.came_after(seen, tenant, stores)
            && !unwritten.any(|(_, purged)| is_about(purged.as_deref(), stores))
    }

    fn state(&self) -> MutexGuard<'_, PurgeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Purges};
    use crate::purge_list::REMEMBERED;

    const fn at(milliseconds: u64) -> Position {
        Position { milliseconds, number: 0 }
    }

    fn stores(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn an_answer_from_before_a_purge_of_its_store_is_refused_and_a_later_one_or_another_stores_is_not() {
        let purges = Purges::default();
        purges.add("acme", Some(stores(&["a", "b"])), at(10));
        assert!(!purges.allow_response("acme", &stores(&["a"]), at(9)));
        assert!(purges.allow_response("acme", &stores(&["a"]), at(10)));
        assert!(purges.allow_response("acme", &stores(&["c"]), at(9)) && purges.allow_response("acme", &[], at(9)));
        assert!(purges.allow_response("zenith", &stores(&["a"]), at(9)));
        purges.add("acme", None, at(20));
        assert!(!purges.allow_response("acme", &[], at(19)) && purges.allow_response("acme", &[], at(20)));
    }

    #[test]
    fn our_own_purge_counts_before_it_is_written_and_once_afterwards() {
        let purges = Purges::default();
        let about = stores(&["a"]);
        purges.add_unwritten(1, "acme", Some(&about), false);
        assert!(!purges.allow_response("acme", &about, at(1000)));
        assert!(purges.add("acme", Some(about.clone()), at(5)), "another replica's");
        assert!(!purges.allow_response("acme", &about, at(1000)), "our purge is not sent yet");
        purges.have_written(1, "acme", Some(about.clone()), at(10));
        assert!(!purges.add("acme", Some(about.clone()), at(10)), "it is known");
        assert!(!purges.allow_response("acme", &about, at(9)) && purges.allow_response("acme", &about, at(10)));
    }

    #[test]
    fn purges_after_the_end_of_another_journal_are_returned_once_per_tenant() {
        let purges = Purges::default();
        purges.add("acme", Some(stores(&["a"])), at(5));
        purges.add("acme", Some(stores(&["b"])), at(11));
        purges.add("acme", Some(stores(&["c"])), at(12));
        purges.add("zenith", Some(stores(&["a"])), at(11));
        purges.add("zenith", None, at(12));
        let behind = purges.forget_behind(at(10));
        assert_eq!(behind["acme"], Some(stores(&["b", "c"])));
        assert_eq!((behind["zenith"].as_ref(), behind.len()), (None, 2));
        assert!(purges.forget_behind(at(10)).is_empty());
        assert!(!purges.allow_response("acme", &stores(&["a"]), at(4)), "what stands there is not forgotten");
        assert!(purges.allow_response("acme", &stores(&["b"]), at(5)) && purges.allow_response("zenith", &[], at(5)));
    }

    #[test]
    fn what_is_older_than_all_that_is_known_is_refused() {
        let purges = Purges::default();
        purges.know_from(at(5));
        assert!(!purges.allow_response("acme", &[], at(4)) && purges.allow_response("acme", &[], at(5)));
        for number in 0..=REMEMBERED as u64 {
            purges.add("acme", Some(stores(&["a"])), at(10 + number));
        }
        assert!(
            !purges.allow_response("acme", &stores(&["b"]), at(9))
                && purges.allow_response("acme", &stores(&["b"]), at(10))
        );
    }
}
