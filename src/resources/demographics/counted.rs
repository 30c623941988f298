//! The parameters of demographics: the period, and which visitors count.

use crate::http::problem::ParameterErrorCode;
use crate::resources::params::kinds::{FlagKind, IntegerKind};
use crate::resources::params::{Parameter, ParameterReader, Period};

static START_HOUR: Parameter<IntegerKind> =
    Parameter::new("start_hour", "Count from this hour of each day.", IntegerKind::within(0..=24));
static END_HOUR: Parameter<IntegerKind> =
    Parameter::new("end_hour", "Count up to this hour of each day.", IntegerKind::within(0..=24));
static BUSINESS_HOURS_ONLY: Parameter<FlagKind> =
    Parameter::new("business_hours_only", "Count only while the shop is open.", FlagKind(Some(false)));

/// Which visitors are counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The period.
    pub period: Period,
    /// The first hour of each day.
    pub start_hour: Option<u32>,
    /// The last hour of each day.
    pub end_hour: Option<u32>,
    /// Whether only business hours count.
    pub business_hours_only: bool,
}

impl Counted {
    /// Reads the parameters of the query.
    pub fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let period = Period::read(reader);
        let (start_hour, end_hour) = (reader.optional(&START_HOUR), reader.optional(&END_HOUR));
        if let (Some(start), Some(end)) = (start_hour, end_hour)
            && start >= end
        {
            reader.error("start_hour", ParameterErrorCode::OutOfRange, "`start_hour` must be before `end_hour`");
        }
        let business_hours_only = reader.optional(&BUSINESS_HOURS_ONLY);
        Some(Self { period: period?, start_hour, end_hour, business_hours_only: business_hours_only? })
    }
}
