//! China Standard Time, in which both vendors read and write every date. It is UTC+8 all year.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{self, Offset};

const OFFSET: Offset = tz::offset(8);

/// The format of a date and time in both vendors' JSON.
pub const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";
const DATE: &str = "%Y-%m-%d";
const COMPACT: &str = "%Y%m%d%H%M%S";

/// China's civil time at an instant.
pub fn civil(instant: Timestamp) -> DateTime {
    OFFSET.to_datetime(instant)
}

/// The instant of a civil time in China.
pub fn instant(time: DateTime) -> Timestamp {
    // This fails only within eight hours of the ends of the calendar, where there are no figures.
    OFFSET.to_timestamp(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads `yyyyMMddHHmmss`: exactly 14 digits and a real date.
pub fn parse_compact(text: &str) -> Option<Timestamp> {
    OFFSET.to_timestamp(exactly(COMPACT, text)?).ok()
}

/// Reads `yyyy-MM-dd HH:mm:ss`.
pub fn parse_date_time(text: &str) -> Option<DateTime> {
    exactly(DATE_TIME, text)
}

/// Reads `yyyy-MM-dd`.
pub fn parse_date(text: &str) -> Option<Date> {
    Date::strptime(DATE, text).ok().filter(|date| date.strftime(DATE).to_string() == text)
}

/// Days since 1970-01-01, which stand for a date in computations of the simulated world.
pub fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

// The parser accepts signs, blanks and missing zeros; the vendors do not. Writing the value back reveals them.
fn exactly(format: &str, text: &str) -> Option<DateTime> {
    DateTime::strptime(format, text).ok().filter(|time| time.strftime(format).to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::{day_number, parse_compact, parse_date};
    use jiff::civil::date;

    #[test]
    fn a_compact_timestamp_is_read_eight_hours_ahead_of_utc() {
        let instant = parse_compact("20240101100000").unwrap();
        assert_eq!(instant.as_second(), 1_704_074_400);
    }

    #[test]
    fn only_fourteen_digits_that_make_a_real_date_are_a_timestamp() {
        for text in ["", "2024010110000", "202401011000000", "20240230100000", "20240101250000", "20240101100060"] {
            assert_eq!(parse_compact(text), None, "{text}");
        }
        for text in ["2024-01-01 100", " 0240101100000", "+0240101100000", "２０２４0101100000"] {
            assert_eq!(parse_compact(text), None, "{text}");
        }
        assert_eq!(parse_date("2024-1-1"), None);
    }

    #[test]
    fn days_are_counted_from_the_epoch() {
        assert_eq!(day_number(date(1970, 1, 2)), 1);
        assert_eq!(day_number(date(2024, 1, 1)), 19_723);
    }
}
