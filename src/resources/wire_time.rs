//! Times as the vendors write them (`yyyy-MM-dd HH:mm:ss` in the gateway's zone), as RFC 3339.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::params::rfc3339;

/// Reads a time; `None` for blanks of databases (`0000-00-00 00:00:00`) and anything else that is no time.
/// Whole Unix seconds and milliseconds are read too.
pub fn read(text: &str, zone: &TimeZone) -> Option<String> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let moment = from_unix(text)?;
        return Some(rfc3339(&moment.to_zoned(zone.clone())));
    }
    // One with an offset says itself which moment it is.
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(rfc3339(&moment.to_zoned(zone.clone())));
    }
    let moment: DateTime = match text.parse() {
        Ok(moment) => moment,
        Err(_) => text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
    };
    moment.to_zoned(zone.clone()).ok().map(|zoned| rfc3339(&zoned))
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
    use super::read;
    use crate::gateway::endpoint::china_standard_time;

    #[test]
    fn a_time_is_read_in_the_gateways_zone() {
        let read = |text| read(text, &china_standard_time());
        assert_eq!(read("2024-01-01 10:00:00").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        assert_eq!(read("2024-01-01").as_deref(), Some("2024-01-01T00:00:00+08:00"));
        assert_eq!(read("2024-01-01T10:00:00+02:00").as_deref(), Some("2024-01-01T16:00:00+08:00"));
        assert_eq!(read("1704074400").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        assert_eq!(read("1704074400000").as_deref(), Some("2024-01-01T10:00:00+08:00"));
        for text in ["0000-00-00 00:00:00", "soon", "12", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
