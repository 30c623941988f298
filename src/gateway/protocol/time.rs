//! The forms in which vendors write times: Unix seconds or milliseconds, seconds since another epoch, or a pattern in
//! the gateway's zone.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// A form of `timestamp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// `unix`: seconds since 1970, or since another moment.
    Seconds {
        /// The epoch, as Unix seconds.
        epoch: i64,
    },
    /// `unix_ms`: milliseconds since 1970.
    Milliseconds,
    /// `compact`, or any pattern of `strftime`: civil time in the gateway's zone.
    Pattern(String),
}

/// `yyyyMMddHHmmss`.
pub const COMPACT: &str = "%Y%m%d%H%M%S";

impl TimeForm {
    /// Whether this is a pattern that writes a time at least to the minute and can be read back.
    pub fn is_pattern(pattern: &str) -> bool {
        const MINUTE: i64 = 60;
        // A time whose fields are all different numbers, so that none can stand for another.
        let time = Timestamp::from_second(1_330_873_569).unwrap_or_default();
        let can_be_written = strtime::format(pattern, &time.to_zoned(TimeZone::UTC)).is_ok();
        let form = Self::Pattern(pattern.to_owned());
        let read = || form.read(&form.write(time, &TimeZone::UTC), &TimeZone::UTC);
        can_be_written && read().is_some_and(|read| (time.as_second() - read.as_second()).abs() < MINUTE)
    }

    /// Writes a time in this form.
    pub fn write(&self, time: Timestamp, zone: &TimeZone) -> String {
        match self {
            Self::Seconds { epoch } => (time.as_second() - epoch).to_string(),
            Self::Milliseconds => time.as_millisecond().to_string(),
            Self::Pattern(pattern) => time.to_zoned(zone.clone()).strftime(pattern).to_string(),
        }
    }

    /// Reads a time in this form; `None` for any other text.
    pub fn read(&self, text: &str, zone: &TimeZone) -> Option<Timestamp> {
        let digits = || text.parse::<i64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        match self {
            // Until the year 5138.
            Self::Seconds { epoch } if text.len() <= 11 => Timestamp::from_second(digits()?.checked_add(*epoch)?).ok(),
            Self::Seconds { .. } => None,
            Self::Milliseconds => Timestamp::from_millisecond(digits()?).ok(),
            Self::Pattern(pattern) => {
                let broken_down = strtime::parse(pattern, text).ok()?;
                if let Ok(timestamp) = broken_down.to_timestamp() {
                    return Some(timestamp);
                }
                let civil: DateTime = broken_down.to_datetime().ok()?;
                Some(civil.to_zoned(zone.clone()).ok()?.timestamp())
            }
        }
    }
}

/// Reads a time as answers write it, in any form: Unix seconds, Unix milliseconds, or a date and a time in `zone`.
pub fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    const DIGITS_OF_SECONDS: usize = 10;
    match text.parse::<i64>() {
        Ok(number) if text.len() <= DIGITS_OF_SECONDS => Timestamp::from_second(number).ok(),
        Ok(number) => Timestamp::from_millisecond(number).ok(),
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPACT, TimeForm, moment};
    use jiff::Timestamp;
    use jiff::tz::{Offset, TimeZone};

    #[test]
    fn each_form_is_read_as_it_is_written() {
        let (zone, time) = (TimeZone::fixed(Offset::constant(8)), Timestamp::from_second(1_704_074_400).unwrap());
        let since_2012 = TimeForm::Seconds { epoch: 1_325_347_200 };
        for (form, text) in [
            (TimeForm::Seconds { epoch: 0 }, "1704074400"),
            (since_2012, "378727200"),
            (TimeForm::Milliseconds, "1704074400000"),
            (TimeForm::Pattern(COMPACT.to_owned()), "20240101100000"),
            (TimeForm::Pattern("%Y-%m-%d %H:%M:%S".to_owned()), "2024-01-01 10:00:00"),
            (TimeForm::Pattern("%Y-%m-%dT%H:%M:%S%z".to_owned()), "2024-01-01T10:00:00+0800"),
        ] {
            assert_eq!(form.write(time, &zone), text, "{form:?}");
            assert_eq!(form.read(text, &zone), Some(time), "{form:?}");
            assert_eq!(form.read("soon", &zone), None, "{form:?}");
        }
        assert_eq!(TimeForm::Seconds { epoch: 0 }.read("20240101100000", &zone), None);
    }

    #[test]
    fn a_moment_is_recognized_by_its_digits() {
        let zone = TimeZone::fixed(Offset::constant(8));
        for text in ["1616990400", "1616990400000", "2021-03-29 12:00:00", "2021-03-29T12:00:00"] {
            assert_eq!(moment(text, &zone).unwrap().as_second(), 1_616_990_400, "{text}");
        }
        assert_eq!(moment("soon", &zone), None);
    }
}
