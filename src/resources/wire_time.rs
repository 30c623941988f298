//! Reads the times of vendors (`yyyy-MM-dd HH:mm:ss` in the gateway's zone) and writes them as RFC 3339.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::Deserializer;
use serde::de::Error;

use super::params::rfc3339;
use crate::json::scalar;

/// A time as a vendor wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireTime {
    /// A civil time in the gateway's zone.
    Local(DateTime),
    /// An instant.
    Moment(Timestamp),
}

impl WireTime {
    /// Writes the time as RFC 3339 in this zone, which is the gateway's.
    pub fn rfc3339(self, zone: &TimeZone) -> Option<String> {
        let zoned = match self {
            Self::Local(time) => time.to_zoned(zone.clone()).ok()?,
            Self::Moment(moment) => moment.to_zoned(zone.clone()),
        };
        Some(rfc3339(&zoned))
    }
}

/// Reads a time, with or without quotes; blanks, including those of databases and PHP's 0, are `None`. For
/// `#[serde(default, deserialize_with = "…")]`.
///
/// # Errors
/// The value is neither a time nor a blank.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WireTime>, D::Error> {
    let is_zero = |text: &str| text.trim().bytes().all(|byte| byte == b'0');
    let text = scalar::text(deserializer)?.filter(|text| !is_database_blank(text) && !is_zero(text));
    text.map(|text| parse(&text).ok_or_else(|| D::Error::custom("expected a time"))).transpose()
}

/// Whether a text is one that databases write for no time, such as `0000-00-00 00:00:00`.
pub fn is_database_blank(text: &str) -> bool {
    text.trim().starts_with("0000-00-00")
}

/// Parses a time: a date with or without a time of day, with or without an offset, or whole Unix seconds or
/// milliseconds.
pub fn parse(text: &str) -> Option<WireTime> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return from_unix(text).map(WireTime::Moment);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(WireTime::Moment(moment));
    }
    let midnight = || text.parse::<Date>().map(|date| date.to_datetime(Time::midnight()));
    text.parse::<DateTime>().or_else(|_| midnight()).map(WireTime::Local).ok()
}

fn from_unix(digits: &str) -> Option<Timestamp> {
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, read};
    use crate::gateway::endpoint::china_standard_time;

    #[test]
    fn a_time_is_read_in_the_gateways_zone() {
        let read = |text| parse(text).and_then(|time| time.rfc3339(&china_standard_time()));
        assert_eq!(read("2024-01-01 10:00:00").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        assert_eq!(read("2024-01-01").as_deref(), Some("2024-01-01T00:00:00+08:00"));
        assert_eq!(read("2024-01-01T10:00:00+02:00").as_deref(), Some("2024-01-01T16:00:00+08:00"));
        assert_eq!(read("1704074400").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        assert_eq!(read("1704074400000").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        for text in ["0000-00-00 00:00:00", "soon", "12", "", "2024-02-30 10:00:00", "2024-01-01 25:00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_blank_is_no_time_and_a_time_that_does_not_exist_is_odd() {
        let read = |json: &str| read(&mut serde_json::Deserializer::from_str(json)).map(|time| time.is_some()).ok();
        for blank in ["null", "\"\"", "false", "\"--\"", "\"0000-00-00\"", "\"0000-00-00 00:00:00\"", "0", "\"0\""] {
            assert_eq!(read(blank), Some(false), "{blank}");
        }
        assert_eq!((read("1704074400"), read("\"2024-01-01 10:00:00\"")), (Some(true), Some(true)));
        for odd in ["\"2024-02-30\"", "\"soon\"", "true", "{}", "12", "1e400"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
