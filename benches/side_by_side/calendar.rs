//! Periods to ask demographics for: any number of keys from one store. The sandbox gateway knows 61 stores of the company,
//! but answers each period to the second.

use std::cell::Cell;

use jiff::{ToSpan, Zoned, tz};

use super::load::Periods;

/// Days with periods, all of them past, so that their answers stay what they are.
const DAYS: i64 = 30;

/// Hands out periods.
pub struct Calendar {
    days: Vec<String>,
    ends: Cell<u32>,
}

impl Calendar {
    pub fn new() -> Self {
        let today: Zoned = jiff::Timestamp::now().to_zoned(tz::TimeZone::fixed(tz::offset(8)));
        let days = (2..2 + DAYS).map(|past| today.date().saturating_sub(past.days()).to_string()).collect();
        Self { days, ends: Cell::new(0) }
    }

    /// Days far enough back that everything of them has happened: from the oldest to the youngest.
    pub fn past(&self) -> (String, String) {
        (self.days[self.days.len() - 1].clone(), self.days[0].clone())
    }

    /// So many periods, which come by chance.
    pub fn by_chance(&self, count: u64) -> Periods {
        Periods { days: self.days.clone(), to: "23:59:59".to_owned(), first: 0, count, by_chance: true }
    }

    /// Periods that nobody has asked for yet.
    pub fn unheard_of(&self) -> Periods {
        let periods = self.by_chance(DAYS.cast_unsigned() * 85_000);
        Periods { to: self.new_end(), by_chance: false, ..periods }
    }

    /// An end of periods that was not used before: all of their keys are new.
    pub fn new_end(&self) -> String {
        let end = self.ends.get();
        assert!(end < 1_200, "there are no more ends of periods");
        self.ends.set(end + 1);
        format!("23:{:02}:{:02}", 39 + end / 60, end % 60)
    }
}
