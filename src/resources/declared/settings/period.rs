//! `period`, `period_in` and `period_end`: the settings of a period that callers choose.

use crate::gateway::vendor::Vendor;
use crate::resources::declared::period::{PeriodEnd, PeriodNames, PeriodUnit};
use crate::resources::declared::settings::ResourceSection;
use crate::resources::declared::settings::parameters::check_wire_name;
use crate::settings::Section;

/// Reads the vendor's names of the ends of a period, and how they are sent.
pub(super) fn read_period(
    section: &Section<'_>,
    read: &ResourceSection,
    vendor: Option<Vendor>,
) -> Option<PeriodNames> {
    for (key, is_set) in [("period_in", read.period_in.is_some()), ("period_end", read.period_end.is_some())] {
        if read.period.is_none() && is_set {
            section.problem(key, "there is no `period` that would go so");
        }
    }
    match <[String; 2]>::try_from(read.period.clone()?) {
        Ok([start, end]) => {
            check_wire_name(section, "period", &start, vendor);
            check_wire_name(section, "period", &end, vendor);
            let unit = read.period_in.unwrap_or(PeriodUnit::Seconds);
            Some(PeriodNames { start, end, unit, last: read.period_end.unwrap_or(PeriodEnd::Inclusive) })
        }
        Err(_) => {
            section
                .problem("period", "write the vendor's names of start and end, such as [\"startTime\", \"endTime\"]");
            None
        }
    }
}
