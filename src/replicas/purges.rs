//! Which shared answers a purge has made worthless. An answer says up to where its replica had read the journal when the
//! fetch began; a purge that stands behind that place may have been meant to drop it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::journal::Position;

/// So many purges of a company are remembered. An older answer than the oldest of them is not trusted.
const REMEMBERED: usize = 1024;

/// The purges of all companies, as far as this replica knows.
#[derive(Debug, Default)]
pub struct Purges(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Nothing is known of what was before.
    known_from: Position,
    /// Up to where the journal was read.
    read_to: Position,
    companies: HashMap<String, OfCompany>,
}

#[derive(Debug, Default)]
struct OfCompany {
    /// Purges of before are forgotten.
    forgotten: Position,
    /// Those that stand in the journal.
    latest: VecDeque<(Position, Option<Vec<String>>)>,
    /// Our own, that do not yet.
    unwritten: Vec<Option<Vec<String>>>,
}

/// Whether a purge of these stores (`None` for all) is about an answer that names those.
fn is_about(purged: Option<&[String]>, stores: &[String]) -> bool {
    purged.is_none_or(|purged| stores.iter().any(|store| purged.contains(store)))
}

impl Purges {
    /// Remembers a purge of our own that is to be written to the journal.
    pub fn add_unwritten(&self, tenant: &str, stores: Option<&[String]>) {
        let mut state = self.state();
        state.companies.entry(tenant.to_owned()).or_default().unwritten.push(stores.map(<[String]>::to_vec));
    }

    /// Remembers a purge that stands in the journal; one of our own is no longer an unwritten one.
    pub fn add(&self, tenant: &str, stores: Option<Vec<String>>, at: Position) {
        let mut state = self.state();
        let company = state.companies.entry(tenant.to_owned()).or_default();
        if let Some(place) = company.unwritten.iter().position(|unwritten| *unwritten == stores) {
            company.unwritten.swap_remove(place);
        }
        // A purge may be told twice: by who wrote it, and by the journal.
        if company.latest.iter().any(|(known, _)| *known == at) {
            return;
        }
        if company.latest.len() >= REMEMBERED
            && let Some((oldest, _)) = company.latest.pop_front()
        {
            company.forgotten = company.forgotten.max(oldest);
        }
        company.latest.push_back((at, stores));
    }

    /// Up to where the journal was read.
    pub fn read_to(&self) -> Position {
        self.state().read_to
    }

    /// The journal was read up to here.
    pub fn have_read_to(&self, place: Position) {
        self.state().read_to = place;
    }

    /// The journal begins here, as far as anybody knows.
    pub fn know_from(&self, place: Position) {
        self.state().known_from = place;
    }

    /// Whether an answer about these stores is as good as when it was fetched, by a replica that had then read the journal
    /// up to `seen`.
    pub fn let_pass(&self, tenant: &str, stores: &[String], seen: Position) -> bool {
        let state = self.state();
        if seen < state.known_from {
            return false;
        }
        let Some(company) = state.companies.get(tenant) else { return true };
        seen >= company.forgotten
            && !company.unwritten.iter().any(|purged| is_about(purged.as_deref(), stores))
            && !company.latest.iter().any(|(at, purged)| *at > seen && is_about(purged.as_deref(), stores))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Purges, REMEMBERED};

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
        assert!(!purges.let_pass("acme", &stores(&["a"]), at(9)));
        assert!(purges.let_pass("acme", &stores(&["a"]), at(10)));
        assert!(purges.let_pass("acme", &stores(&["c"]), at(9)) && purges.let_pass("acme", &[], at(9)));
        assert!(purges.let_pass("zenith", &stores(&["a"]), at(9)));
        purges.add("acme", None, at(20));
        assert!(!purges.let_pass("acme", &[], at(19)) && purges.let_pass("acme", &[], at(20)));
    }

    #[test]
    fn our_own_purge_counts_before_it_is_written_and_once_afterwards() {
        let purges = Purges::default();
        let about = stores(&["a"]);
        purges.add_unwritten("acme", Some(&about));
        assert!(!purges.let_pass("acme", &about, at(1000)));
        purges.add("acme", Some(about.clone()), at(10));
        purges.add("acme", Some(about.clone()), at(10));
        assert!(!purges.let_pass("acme", &about, at(9)) && purges.let_pass("acme", &about, at(10)));
    }

    #[test]
    fn what_is_older_than_all_that_is_known_is_refused() {
        let purges = Purges::default();
        purges.know_from(at(5));
        assert!(!purges.let_pass("acme", &[], at(4)) && purges.let_pass("acme", &[], at(5)));
        for number in 0..=REMEMBERED as u64 {
            purges.add("acme", Some(stores(&["a"])), at(10 + number));
        }
        assert!(!purges.let_pass("acme", &stores(&["b"]), at(9)) && purges.let_pass("acme", &stores(&["b"]), at(10)));
    }
}
