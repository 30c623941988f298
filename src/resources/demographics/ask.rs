//! What a caller may ask of demographics: whose, and which visitors count.

use utoipa::IntoParams;

use crate::directory::StoreId;
use crate::resources::params::{Ask, Period, Reader};

/// Parts of the day that count.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the document only; `Counted` reads the values")]
pub struct HoursQuery {
    /// Count from this hour of each day.
    #[param(minimum = 0, maximum = 24)]
    start_hour: Option<u32>,
    /// Count up to this hour of each day.
    #[param(minimum = 0, maximum = 24)]
    end_hour: Option<u32>,
    /// Count only while the shop is open.
    #[param(default = false)]
    business_hours_only: Option<bool>,
}

/// What is counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// When.
    pub period: Period,
    /// From this hour of each day.
    pub start_hour: Option<u32>,
    /// Up to this hour of each day.
    pub end_hour: Option<u32>,
    /// Only while the shop is open.
    pub business_hours_only: bool,
}

impl Counted {
    /// Reads the parameters of the query.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let period = Period::read(reader);
        let start_hour = reader.integer("start_hour", &(0..=24), None);
        let end_hour = reader.integer("end_hour", &(0..=24), None);
        if let (Some(start), Some(end)) = (start_hour, end_hour)
            && start >= end
        {
            reader.error("start_hour", "`start_hour` must be before `end_hour`");
        }
        let business_hours_only = reader.flag("business_hours_only", false);
        Some(Self { period: period?, start_hour, end_hour, business_hours_only: business_hours_only? })
    }
}

/// What may be asked of a store.
#[derive(Clone, Debug)]
pub struct DemographicsAsk {
    /// The store.
    pub store: StoreId,
    /// What is counted.
    pub counted: Counted,
}

impl Ask for DemographicsAsk {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (store, counted) = (reader.store(), Counted::read(reader));
        Some(Self { store: store?, counted: counted? })
    }
}
