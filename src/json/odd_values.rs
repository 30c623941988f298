//! Collects the odd values of an answer: fields whose values cannot be read, which become `null`, and rows of lists
//! that are skipped. Readers are serde's and know nothing about the call, so they note odd values for their thread, and
//! the code that reads an answer collects them. Only names from our own lists are noted, never anything that a gateway
//! wrote.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The shortest time between two warnings about the same field of the same method.
const WARNED_EVERY: Duration = Duration::from_secs(60);

thread_local! {
    static READING: RefCell<CurrentRead> = const { RefCell::new(CurrentRead { path: Vec::new(), odd: BTreeMap::new() }) };
}

struct CurrentRead {
    /// The fields around the one that is being read.
    path: Vec<&'static str>,
    odd: BTreeMap<String, u64>,
}

impl CurrentRead {
    fn name_of(&self, field: &str) -> String {
        self.path.iter().copied().chain((!field.is_empty()).then_some(field)).collect::<Vec<_>>().join(".")
    }

    fn count(&mut self, name: String) {
        *self.odd.entry(name).or_default() += 1;
    }
}

/// The number of odd values of one answer by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OddValues(BTreeMap<String, u64>);

impl OddValues {
    /// The fields, such as `WEATHER.id`, with a list with odd rows as `cfgData[]`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(field, count)| (field.as_str(), *count))
    }
}

/// Collects the odd values while `read` runs.
pub fn collect<T>(read: impl FnOnce() -> T) -> (T, OddValues) {
    /// Restores the thread's outer collection, even if `read` panics.
    struct RestoreOuter(Option<CurrentRead>);
    impl Drop for RestoreOuter {
        fn drop(&mut self) {
            if let Some(reading) = self.0.take() {
                READING.replace(reading);
            }
        }
    }
    let _outer = RestoreOuter(Some(READING.replace(CurrentRead { path: Vec::new(), odd: BTreeMap::new() })));
    let value = read();
    (value, OddValues(READING.with_borrow_mut(|reading| std::mem::take(&mut reading.odd))))
}

/// Notes that the value of this field cannot be read.
pub fn note(field: &str) {
    READING.with_borrow_mut(|reading| reading.count(reading.name_of(field)));
}

/// Notes that a row of the list in this field is skipped.
pub fn note_row(field: &str) {
    READING.with_borrow_mut(|reading| reading.count(format!("{}[]", reading.name_of(field))));
}

/// Runs `read` for the content of this field.
pub fn within<T>(field: &'static str, read: impl FnOnce() -> T) -> T {
    READING.with_borrow_mut(|reading| reading.path.push(field));
    let value = read();
    READING.with_borrow_mut(|reading| reading.path.pop());
    value
}

/// The names of the odd values so far, for the log.
pub fn names() -> String {
    READING.with_borrow(|reading| reading.odd.keys().cloned().collect::<Vec<_>>().join(", "))
}

/// The time of the last warning for each field of each method. The fields are those of our own lists, so their number
/// is bounded.
#[derive(Debug, Default)]
pub struct RecentWarnings(Mutex<HashMap<(String, String), Duration>>);

impl RecentWarnings {
    /// Whether a warning is due; if so, it counts as given.
    pub fn is_due(&self, method: &str, field: &str, now: Duration) -> bool {
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = warned.get(&(method.to_owned(), field.to_owned()));
        let is_due = last.is_none_or(|last| now.saturating_sub(*last) >= WARNED_EVERY);
        if is_due {
            warned.insert((method.to_owned(), field.to_owned()), now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::{OddValues, RecentWarnings, collect, note, note_row, within};
    use std::time::Duration;

    fn listed(odd: &OddValues) -> Vec<(&str, u64)> {
        odd.iter().collect()
    }

    #[test]
    fn fields_and_rows_are_counted_by_their_place() {
        let (value, odd) = collect(|| {
            note("DAY_FLOW");
            within("WEATHER", || note("id"));
            within("cfgData", || (0..3).for_each(|_| note_row("")));
            7
        });
        assert_eq!((value, listed(&odd)), (7, vec![("DAY_FLOW", 1), ("WEATHER.id", 1), ("cfgData[]", 3)]));
        assert_eq!(collect(|| ()).1, OddValues::default(), "the next answer begins with nothing");
    }

    #[test]
    fn an_answer_within_another_is_its_own() {
        let ((inner, ()), outer) = collect(|| {
            let ((), inner) = collect(|| note("inner"));
            (inner, note("outer"))
        });
        assert_eq!((listed(&inner), listed(&outer)), (vec![("inner", 1)], vec![("outer", 1)]));
    }

    #[test]
    fn a_field_is_warned_of_once_a_minute() {
        let (warned, at) = (RecentWarnings::default(), Duration::from_secs);
        assert!(warned.is_due("m", "a", at(0)) && warned.is_due("m", "b", at(0)) && warned.is_due("n", "a", at(0)));
        assert!(!warned.is_due("m", "a", at(59)));
        assert!(warned.is_due("m", "a", at(60)) && !warned.is_due("m", "a", at(61)));
    }
}
