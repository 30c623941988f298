//! The period of a declared resource: the vendor's names of its ends, and the form in which they are sent.

use serde::Serialize;

use crate::gateway::protocol::Argument;
use crate::resources::params::Period;
use crate::settings::choices;

choices! {
    /// The form in which the ends of a period are sent.
    pub enum PeriodUnit {
        /// The date and the time, such as `2026-11-01 00:00:00`.
        Seconds = "seconds",
        /// Dates.
        Days = "days",
        /// Unix seconds.
        Unix = "unix",
        /// Unix milliseconds.
        UnixMs = "unix_ms",
        /// RFC 3339 with the offset of the gateway's zone.
        Iso = "iso",
    } else "a period goes as seconds, days, unix, unix_ms or iso"
}

choices! {
    /// Whether the end that is sent belongs to the period.
    pub enum PeriodEnd {
        /// The last second or day of the period.
        Inclusive = "inclusive",
        /// The second or day after it.
        Exclusive = "exclusive",
    } else "the end of a period goes as inclusive or exclusive"
}

/// The vendor's names of the ends of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct PeriodNames {
    pub(super) start: String,
    pub(super) end: String,
    pub(super) unit: PeriodUnit,
    pub(super) last: PeriodEnd,
}

impl PeriodNames {
    /// The period that the vendor gets: where it takes dates, whole days.
    pub(super) fn covered(&self, period: Period) -> Period {
        if self.unit == PeriodUnit::Days { period.in_whole_days() } else { period }
    }

    /// The two parameters. An inclusive end is that of its last second, in milliseconds, too; the end of whole days is their
    /// last second, so that the second after it is the next day.
    pub(super) fn arguments(&self, period: &Period) -> [Argument; 2] {
        let after = (self.last == PeriodEnd::Exclusive).then(|| period.with_next_second());
        let (period, rest) = after.as_ref().map_or((period, 999), |after| (after, 0));
        let unix = |is_ms: bool| {
            let (start, end) = period.unix_seconds();
            if is_ms { (start * 1000, end * 1000 + rest) } else { (start, end) }
        };
        let number = |(start, end): (i64, i64)| (start.to_string(), end.to_string());
        let (start, end) = match self.unit {
            PeriodUnit::Seconds => (period.start_second(), period.end_second()),
            PeriodUnit::Days => (period.start_day(), period.end_day()),
            PeriodUnit::Unix => number(unix(false)),
            PeriodUnit::UnixMs => number(unix(true)),
            PeriodUnit::Iso => {
                let written = period.document();
                (written.from, written.to)
            }
        };
        let is_json = matches!(self.unit, PeriodUnit::Unix | PeriodUnit::UnixMs);
        [(&self.start, start), (&self.end, end)].map(|(name, value)| Argument {
            name: name.clone().into(),
            value,
            is_json,
        })
    }
}
