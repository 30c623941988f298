//! The number of visitors by hour: opening hours 10–22 with a noon and an evening peak, stronger weekends, fewer
//! visitors in the rain. Today's figures grow with the clock.

use std::ops::Range;

use jiff::Span;
use jiff::civil::{Date, DateTime};

use super::noise::between;
use super::stores::CountedStore;
use super::weather::footfall_percent;
use crate::sandbox::china_time::day_number;

/// The hours of a whole day.
pub const ALL_HOURS: Range<u32> = 0..24;
/// The opening hours of stores.
pub const BUSINESS_HOURS: Range<u32> = 10..22;

/// The first day with counts; it also bounds how much one call can request.
pub const COUNTERS_START: Date = Date::constant(2020, 1, 1);

// In permille of the day. The few before 10 and after 22 are staff and deliveries, which a counter counts, too.
const HOUR_WEIGHTS: [u64; 24] =
    [0, 0, 0, 0, 0, 0, 0, 0, 3, 9, 34, 62, 96, 84, 66, 64, 70, 86, 112, 124, 102, 64, 18, 6];
// Monday first.
const WEEKDAY_PERCENT: [u64; 7] = [82, 80, 84, 90, 108, 138, 130];
const MONTH_PERCENT: [u64; 12] = [112, 104, 94, 96, 103, 98, 101, 103, 97, 110, 106, 114];

const SECONDS_PER_HOUR: u64 = 3_600;

/// The behaviour of a store's visitors on a day.
pub struct Habits {
    /// How many of a thousand passers-by enter; never zero.
    pub enter_permille: u64,
    /// How many of a thousand visitors try something on.
    pub fitting_permille: u64,
    /// How many of a thousand visitors buy.
    pub buy_permille: u64,
    /// The amount that a buyer spends, in yuan.
    pub spend_yuan: u64,
}

/// The habits of a store's visitors on a date.
pub fn habits(store: CountedStore, date: Date) -> Habits {
    let (id, day) = (i64::from(store.id), day_number(date));
    Habits {
        enter_permille: between(70, 190, &[id, 21]) + between(0, 30, &[id, day, 31]),
        fitting_permille: between(60, 260, &[id, 22]) + between(0, 40, &[id, day, 32]),
        buy_permille: between(110, 280, &[id, 23]) + between(0, 40, &[id, day, 33]),
        spend_yuan: between(60, 220, &[id, 24]) + between(0, 25, &[id, day, 34]),
    }
}

/// The visitors from `start` up to, but not including, `end`, within the given hours of each day.
pub fn between_times(store: CountedStore, start: DateTime, end: DateTime, hours: &Range<u32>) -> u64 {
    let start = start.max(COUNTERS_START.at(0, 0, 0, 0));
    if start >= end {
        return 0;
    }
    let days = start.date().series(Span::new().days(1)).take_while(|date| *date <= end.date());
    days.map(|date| {
        let from = if date == start.date() { second_of_day(start) } else { 0 };
        let until = if date == end.date() { second_of_day(end) } else { 24 * SECONDS_PER_HOUR };
        on_day(store, date, from..until, hours)
    })
    .sum()
}

/// The visitors of the day so far.
pub fn today(store: CountedStore, now: DateTime) -> u64 {
    between_times(store, now.start_of_day(), now, &ALL_HOURS)
}

/// The visitors since Monday.
pub fn this_week(store: CountedStore, now: DateTime) -> u64 {
    let days = i64::from(now.date().weekday().to_monday_zero_offset());
    let monday = now.date().saturating_sub(Span::new().days(days));
    between_times(store, monday.at(0, 0, 0, 0), now, &ALL_HOURS)
}

/// The visitors since the first of the month.
pub fn this_month(store: CountedStore, now: DateTime) -> u64 {
    between_times(store, now.date().first_of_month().at(0, 0, 0, 0), now, &ALL_HOURS)
}

fn on_day(store: CountedStore, date: Date, seconds: Range<u64>, hours: &Range<u32>) -> u64 {
    let by_hour = by_hour(store, date);
    let from = seconds.start.max(u64::from(hours.start) * SECONDS_PER_HOUR);
    let until = seconds.end.min(u64::from(hours.end) * SECONDS_PER_HOUR);
    arrived(&by_hour, until).saturating_sub(arrived(&by_hour, from))
}

// Rounding the running total, rather than each part, makes adjoining periods add up.
fn arrived(by_hour: &[u64; 24], second: u64) -> u64 {
    (0..)
        .zip(by_hour)
        .map(|(hour, visitors)| visitors * second.saturating_sub(hour * SECONDS_PER_HOUR).min(SECONDS_PER_HOUR))
        .sum::<u64>()
        / SECONDS_PER_HOUR
}

fn by_hour(store: CountedStore, date: Date) -> [u64; 24] {
    let whole_day = whole_day(store, date);
    let mut hour = 0;
    HOUR_WEIGHTS.map(|weight| {
        hour += 1;
        if weight == 0 {
            return 0;
        }
        whole_day * weight * between(88, 112, &[i64::from(store.id), day_number(date), hour]) / 100_000
    })
}

fn whole_day(store: CountedStore, date: Date) -> u64 {
    let id = i64::from(store.id);
    let usual = between(180, 1_150, &[id, 20]);
    let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
    let day = between(91, 109, &[id, day_number(date), 30]);
    usual * WEEKDAY_PERCENT[weekday] * MONTH_PERCENT[month] / 10_000 * footfall_percent(store.city(), date) * day
        / 10_000
}

fn second_of_day(time: DateTime) -> u64 {
    let time = [(time.hour(), 3_600), (time.minute(), 60), (time.second(), 1)];
    time.iter().map(|(count, seconds)| u64::from(count.unsigned_abs()) * seconds).sum()
}

#[cfg(test)]
mod tests {
    use super::{ALL_HOURS, BUSINESS_HOURS, between_times, by_hour, this_month, this_week, today};
    use crate::sandbox::world::stores::CountedStore;
    use jiff::civil::date;

    fn store() -> CountedStore {
        CountedStore::find(123_456).unwrap()
    }

    #[test]
    fn evenings_are_busier_than_mornings_and_nights_are_empty() {
        let hours = by_hour(store(), date(2026, 11, 18));
        assert!(hours[19] > hours[15] && hours[12] > hours[10]);
        assert!(hours[..8].iter().all(|visitors| *visitors == 0));
    }

    #[test]
    fn adjoining_periods_add_up_to_the_whole() {
        let (start, middle, end) = (
            date(2026, 11, 18).at(9, 0, 0, 0),
            date(2026, 11, 20).at(13, 17, 41, 0),
            date(2026, 11, 22).at(20, 0, 0, 0),
        );
        let count = |from, until| between_times(store(), from, until, &ALL_HOURS);
        assert_eq!(count(start, middle) + count(middle, end), count(start, end));
        assert!(between_times(store(), start, end, &BUSINESS_HOURS) < count(start, end));
    }

    #[test]
    fn the_week_starts_on_monday_and_the_month_on_the_first() {
        let monday = date(2026, 6, 1).at(18, 0, 0, 0);
        assert!(today(store(), monday) > 0);
        assert_eq!(this_week(store(), monday), today(store(), monday));
        assert_eq!(this_month(store(), monday), today(store(), monday));
        let sunday = date(2026, 6, 7).at(18, 0, 0, 0);
        assert_eq!(this_week(store(), sunday), this_month(store(), sunday));
        assert!(this_week(store(), sunday) > 5 * today(store(), monday));
    }

    #[test]
    fn a_period_that_ends_before_it_starts_is_empty() {
        assert_eq!(
            between_times(store(), date(2026, 2, 2).at(0, 0, 0, 0), date(2026, 2, 1).at(0, 0, 0, 0), &ALL_HOURS),
            0
        );
    }
}
