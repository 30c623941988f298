//! Periods: `from` and `to` as dates or instants, read in the gateway's time zone, both inclusive.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit, Zoned};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::kinds::text;
use super::parameter::{InvalidValue, Parameter, ParameterKind};
use super::reader::ParameterReader;
use crate::directory::Directory;
use crate::http::problem::ParameterErrorCode;

const LONGEST_DAYS: i64 = 366;
/// The pattern of a bound: a date, optionally with a time and its offset (RFC 3339 §5.6).
const BOUND: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
    ([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$";
const HELP: &str = "write a date such as 2026-11-01, or an RFC 3339 instant such as 2026-11-01T09:00:00+08:00, of the years 1970 to \
    9998";

static FROM: Parameter<BoundKind> = Parameter::new(
    "from",
    "First day, or first instant (RFC 3339); a date is read in the gateway's time zone. Years from 1970 to 9998. Default: today.",
    BoundKind { example: "2026-11-01" },
);
static TO: Parameter<BoundKind> = Parameter::new(
    "to",
    "Last day, or last instant (RFC 3339), itself included. Default: today. A period has at most 366 days, both ends counted.",
    BoundKind { example: "2026-11-07" },
);

/// A period in the gateway's time zone, to the second, both ends inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    from: Zoned,
    to: Zoned,
}

/// One end of a period, as the caller wrote it.
#[derive(Clone, Copy)]
enum Bound {
    Day(Date),
    Instant(Timestamp),
}

/// A parameter type: a date or an instant.
struct BoundKind {
    /// The example of the schema, which Swagger UI does not fill in.
    example: &'static str,
}

impl ParameterKind for BoundKind {
    type Value = Bound;

    fn parse(&self, text: &str, _: &Directory) -> Result<Bound, InvalidValue> {
        parse_bound(text).ok_or_else(|| HELP.into())
    }

    /// The schema with a pattern for both forms. Several generators treat a union of the two formats as an object, and
    /// send it as one.
    fn schema(&self) -> ObjectBuilder {
        text().pattern(Some(BOUND)).examples([self.example])
    }
}

impl Period {
    /// Reads `from` and `to`; the default is today.
    pub fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (from, to) = (reader.optional(&FROM), reader.optional(&TO));
        if reader.has_error(&FROM.name) || reader.has_error(&TO.name) {
            return None;
        }
        let zone = reader.zone().clone();
        let (start, end) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            _ => {
                let today = Bound::Day(reader.now().to_zoned(zone.clone()).date());
                let end = to.unwrap_or(today);
                (from.unwrap_or_else(|| earlier(end, today, &zone)), end)
            }
        };
        let Some(period) = Self::between(start, end, &zone) else {
            reader.error("from", ParameterErrorCode::Malformed, HELP);
            return None;
        };
        match period.flaw(from.is_none(), to.is_none()) {
            None => Some(period),
            Some((name, message)) => {
                reader.error(name, ParameterErrorCode::OutOfRange, message);
                None
            }
        }
    }

    fn between(from: Bound, to: Bound, zone: &TimeZone) -> Option<Self> {
        let from = match from {
            Bound::Day(date) => date.to_zoned(zone.clone()).ok()?,
            Bound::Instant(instant) => instant.to_zoned(zone.clone()),
        };
        let to = match to {
            Bound::Day(date) => date.to_datetime(Time::constant(23, 59, 59, 0)).to_zoned(zone.clone()).ok()?,
            Bound::Instant(instant) => instant.to_zoned(zone.clone()),
        };
        Some(Self { from, to })
    }

    /// The problem of the two ends together, and the parameter to blame: the one that the caller wrote.
    fn flaw(&self, from_defaulted: bool, to_defaulted: bool) -> Option<(&'static str, String)> {
        let name = if from_defaulted { "to" } else { "from" };
        if self.from > self.to {
            let other = if to_defaulted { "today, the default of `to`" } else { "`to`" };
            return Some((name, format!("`from` must not be after {other}")));
        }
        let days = self.to.date().since((Unit::Day, self.from.date())).map_or(i64::MAX, |span| span.get_days().into());
        (days >= LONGEST_DAYS).then(|| (name, format!("a period has at most {LONGEST_DAYS} days")))
    }

    /// Extends the period to whole days, for gateways that only know days.
    pub fn in_whole_days(self) -> Self {
        let days = (Bound::Day(self.from.date()), Bound::Day(self.to.date()));
        let zone = self.from.time_zone().clone();
        Self::between(days.0, days.1, &zone).unwrap_or(self)
    }

    /// The period with the second after its last one, for gateways that take the end as excluded.
    #[must_use]
    pub fn with_next_second(&self) -> Self {
        let to = self.to.saturating_add(SignedDuration::from_secs(1));
        Self { from: self.from.clone(), to }
    }

    /// Whether the period lies wholly in the past, so that its figures no longer change.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.to.timestamp() < now
    }

    /// The first second as `yyyy-MM-dd HH:mm:ss`.
    pub fn start_second(&self) -> String {
        second(&self.from)
    }

    /// The last second as `yyyy-MM-dd HH:mm:ss`.
    pub fn end_second(&self) -> String {
        second(&self.to)
    }

    /// The first day as `yyyy-MM-dd`.
    pub fn start_day(&self) -> String {
        self.from.date().to_string()
    }

    /// The last day as `yyyy-MM-dd`.
    pub fn end_day(&self) -> String {
        self.to.date().to_string()
    }

    /// The first and the last second of Unix time.
    pub fn unix_seconds(&self) -> (i64, i64) {
        (self.from.timestamp().as_second(), self.to.timestamp().as_second())
    }

    /// The period as callers read it.
    pub fn document(&self) -> PeriodDocument {
        PeriodDocument { from: rfc3339(&self.from), to: rfc3339(&self.to) }
    }
}

/// A period, both ends in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Period)]
pub struct PeriodDocument {
    /// First second.
    #[schema(example = "2026-11-01T00:00:00+08:00", format = DateTime)]
    pub from: String,
    /// Last second.
    #[schema(example = "2026-11-07T23:59:59+08:00", format = DateTime)]
    pub to: String,
}

/// Writes a time as RFC 3339 with offset, to the second.
pub fn rfc3339(moment: &Zoned) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn second(moment: &Zoned) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The default start: without `from`, a `to` in the past means that one day.
fn earlier(to: Bound, today: Bound, zone: &TimeZone) -> Bound {
    let day = |bound: Bound| match bound {
        Bound::Day(date) => date,
        Bound::Instant(instant) => instant.to_zoned(zone.clone()).date(),
    };
    Bound::Day(day(to).min(day(today)))
}

fn parse_bound(text: &str) -> Option<Bound> {
    if text.len() == "2026-11-01".len() {
        return text.parse().ok().filter(|date: &Date| in_range(*date)).map(Bound::Day);
    }
    // A `+` of an offset that was not percent-encoded arrives as a blank.
    let text = text.replace(' ', "+").to_ascii_uppercase();
    let instant: Timestamp = text.parse().ok().filter(|_| is_rfc3339(&text))?;
    in_range(instant.to_zoned(TimeZone::UTC).date()).then_some(Bound::Instant(instant))
}

/// Whether a text is valid RFC 3339. The parser accepts more: offsets beyond a day, zones in brackets, other
/// separators.
fn is_rfc3339(text: &str) -> bool {
    let (head, tail) = text.split_at_checked("2026-11-01T09:00:00".len()).unwrap_or_default();
    let offset = tail.trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
    let hours = offset.get(1..3).and_then(|hours| hours.parse::<u8>().ok());
    let offset_is_right = offset == "Z" || (offset.len() == "+08:00".len() && hours.is_some_and(|hours| hours < 24));
    head.as_bytes().get(10) == Some(&b'T') && offset_is_right
}

/// Whether the year fits into the gateways' fourteen digits and is one that shops have records of.
fn in_range(date: Date) -> bool {
    (1970..=9998).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use super::Period;
    use crate::directory::Directory;
    use crate::gateway::endpoint::china_standard_time;
    use crate::http::public_url::PublicUrl;
    use crate::resources::params::ParameterReader;
    use actix_web::dev::{Path, Url};
    use actix_web::http::header::HeaderMap;
    use jiff::Timestamp;

    const NOW: &str = "2026-11-22T02:00:00Z";

    fn ask(query: &str) -> Result<Period, (String, String)> {
        let path = Path::new(Url::new("/".parse().unwrap()));
        let zone = china_standard_time();
        let now: Timestamp = NOW.parse().unwrap();
        let (headers, directory) = (HeaderMap::new(), Directory::default());
        let reader = ParameterReader::new(&path, query, &headers, &directory, &zone, now);
        reader.parse(Period::read).result.map_err(|problem| {
            let errors = problem.document(&PublicUrl::default(), "/", "r").errors;
            assert_eq!(errors.len(), 1, "{errors:?}");
            (errors[0].parameter.clone(), errors[0].message.clone())
        })
    }

    fn seconds(query: &str) -> (String, String) {
        let period = ask(query).unwrap();
        (period.start_second(), period.end_second())
    }

    #[test]
    fn dates_are_whole_days_in_the_gateways_zone() {
        let period = ask("from=2026-11-01&to=2026-11-07").unwrap();
        assert_eq!(period.start_second(), "2026-11-01 00:00:00");
        assert_eq!(period.end_second(), "2026-11-07 23:59:59");
        assert_eq!(period.document().to, "2026-11-07T23:59:59+08:00");
    }

    #[test]
    fn instants_are_moved_into_the_gateways_zone() {
        assert_eq!(seconds("from=2026-11-01T01:00:00Z&to=2026-11-01T12:00:00%2B08:00").0, "2026-11-01 09:00:00");
        assert_eq!(seconds("from=2026-11-01T01:00:00Z&to=2026-11-01T12:00:00+08:00").1, "2026-11-01 12:00:00");
    }

    #[test]
    fn today_is_the_default_and_today_is_the_gateways() {
        assert_eq!(seconds(""), ("2026-11-22 00:00:00".to_owned(), "2026-11-22 23:59:59".to_owned()));
        assert_eq!(seconds("to=2026-11-20").0, "2026-11-20 00:00:00");
        assert_eq!(seconds("from=2026-11-20").1, "2026-11-22 23:59:59");
    }

    #[test]
    fn the_letters_of_an_instant_may_be_small() {
        assert_eq!(seconds("from=2026-11-01t01:00:00.5z&to=2026-11-02").0, "2026-11-01 09:00:00");
    }

    #[test]
    fn in_whole_days_a_moment_is_its_day() {
        let day = ask("from=2026-11-21T16:00:01Z&to=2026-11-21T16:00:02Z").unwrap().in_whole_days();
        let seconds = (day.start_second(), day.end_second());
        assert_eq!(seconds, ("2026-11-22 00:00:00".to_owned(), "2026-11-22 23:59:59".to_owned()));
        assert!(!day.has_ended(NOW.parse().unwrap()));
    }

    #[test]
    fn a_period_that_includes_now_has_not_ended() {
        let now: Timestamp = NOW.parse().unwrap();
        assert!(!ask("").unwrap().has_ended(now));
        assert!(ask("from=2026-11-01&to=2026-11-21").unwrap().has_ended(now));
    }

    #[test]
    fn wrong_periods_are_refused_by_name() {
        for (query, name) in [
            ("from=2026-11-08&to=2026-11-07", "from"),
            ("from=2026-12-01", "from"),
            ("from=2025-01-01&to=2026-01-02", "from"),
            ("from=yesterday", "from"),
            ("to=2026-02-30", "to"),
            ("to=20261101", "to"),
            ("to=2026-11-01T09:00:00", "to"),
            ("from=0001-01-01", "from"),
            ("from=", "from"),
            ("to=2026-11-01T09:00:00%2B25:00", "to"),
            ("to=2026-11-01T09:00:00%2B08:00[Asia/Shanghai]", "to"),
        ] {
            let wrong = ask(query);
            assert_eq!(wrong.as_ref().unwrap_err().0, name, "{query}: {wrong:?}");
        }
    }

    #[test]
    fn a_leap_year_fits() {
        assert!(ask("from=2024-01-01&to=2024-12-31").is_ok());
    }
}
