//! `GET /stores/{store_id}/demographics`: visitors of a period by gender and age.

mod counted;
mod of_stores;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::params::{PeriodDocument, STORE};
use super::request_context::{FetchedValue, GrantedStore, RequestContext};
use super::{Policy, Resource, Route};
use crate::auth::caller::Caller;
use crate::auth::scope::DemographicsRead;
use crate::cache::{CachedResponse, Freshness};
use crate::directory::StoreId;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::{Call, Method};
use crate::http::problem::Problem;
use crate::json::object::Optional;
use crate::json::{object, scalar};
use crate::resources::vendors::opretail;
use crate::vendors::built_in_method;

pub use counted::Counted;
pub use of_stores::OF_STORES;

/// Age and gender distribution of visitors, summed over stores.
static GET_FLOW_GROUP_DISTRIBUTION: LazyLock<Method> =
    LazyLock::new(|| built_in_method("opretail", "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution"));

const POLICY: Policy =
    Policy { current: Freshness::seconds(60, 120, 3600), ended: Some(Freshness::seconds(21_600, 21_600, 86_400)) };

/// Visitors of a store by gender and age.
pub static RESOURCE: Resource = Resource {
    method: Some(&GET_FLOW_GROUP_DISTRIBUTION),
    policy: Some(POLICY),
    ..Resource::new("demographics", || {
        Route::of(
            __path_read_store_demographics,
            |reader| reader.in_path(&STORE).zip(Counted::read(reader)),
            read_store_demographics,
        )
    })
};

// What the caller gets.

/// Visitors of a period by gender and age.
#[derive(Serialize, ToSchema)]
pub struct Demographics {
    /// The stores that were counted, by the same ids as elsewhere.
    #[schema(example = json!(["S_123456"]))]
    store_ids: Vec<String>,
    /// The period that was counted.
    period: PeriodDocument,
    /// All visitors of the period; `null` when the gateway does not say how many there are.
    #[schema(example = 120, required)]
    visitors: Option<i64>,
    /// By gender.
    gender: Vec<GenderShare>,
    /// By age.
    age: Vec<AgeShare>,
}

/// Visitors of one gender.
#[derive(Serialize, ToSchema)]
pub struct GenderShare {
    /// The gender, as the gateway's cameras estimate it.
    gender: Gender,
    /// How many.
    #[schema(example = 70, required)]
    visitors: Option<i64>,
    /// Of all, in percent.
    #[schema(example = 58.3, required)]
    share_percent: Option<f64>,
}

/// A gender, as the gateway's cameras estimate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
    /// The gateway could not determine it.
    Unknown,
}

/// Visitors of one range of ages.
#[derive(Serialize, ToSchema)]
pub struct AgeShare {
    /// Youngest age in the range, in years.
    #[schema(example = 18, required)]
    from: Option<i64>,
    /// Oldest age in the range, in years; `null` where the range has no end.
    #[schema(example = 25, required)]
    to: Option<i64>,
    /// How many.
    #[schema(example = 12, required)]
    visitors: Option<i64>,
    /// Of all, in percent.
    #[schema(example = 10.0, required)]
    share_percent: Option<f64>,
}

// What the vendor sends.

/// The distribution as OPRetail sends it. An empty list, or `null` in its place, means that nobody was counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Distribution {
    #[serde(default, deserialize_with = "parts")]
    gender_distribution: Vec<Option<WireGender>>,
    #[serde(default, deserialize_with = "parts")]
    age_distribution: Vec<Option<WireAge>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGender {
    #[serde(default, deserialize_with = "scalar::integer")]
    gender: Option<i64>,
    #[serde(default, deserialize_with = "scalar::count")]
    people_num: Option<i64>,
    #[serde(default, deserialize_with = "scalar::number")]
    percentage: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAge {
    #[serde(default, deserialize_with = "scalar::count")]
    age_from: Option<i64>,
    #[serde(default, deserialize_with = "scalar::count")]
    age_to: Option<i64>,
    #[serde(default, deserialize_with = "scalar::count")]
    people_num: Option<i64>,
    #[serde(default, deserialize_with = "scalar::number")]
    percentage: Option<Number>,
}

fn parts<'de, D: Deserializer<'de>, P: DistributionPart + Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<Option<P>>, D::Error> {
    object::rows(deserializer, P::is_known)
}

/// A part of a distribution.
trait DistributionPart {
    fn people(&self) -> Option<i64>;
    fn percentage(&self) -> Option<f64>;
    /// Whether the gateway sent any of its values.
    fn is_known(&self) -> bool;
}

impl DistributionPart for WireGender {
    fn people(&self) -> Option<i64> {
        self.people_num
    }

    fn percentage(&self) -> Option<f64> {
        self.percentage.as_ref().and_then(Number::as_f64)
    }

    fn is_known(&self) -> bool {
        self.gender.is_some() || self.people_num.is_some() || self.percentage.is_some()
    }
}

impl DistributionPart for WireAge {
    fn people(&self) -> Option<i64> {
        self.people_num
    }

    fn percentage(&self) -> Option<f64> {
        self.percentage.as_ref().and_then(Number::as_f64)
    }

    fn is_known(&self) -> bool {
        let has_bounds = self.age_from.is_some() || self.age_to.is_some();
        has_bounds || self.people_num.is_some() || self.percentage.is_some()
    }
}

// The translation, both ways.

impl Counted {
    fn call(&self, stores: &[GrantedStore]) -> Call {
        let numbers: Vec<&str> = stores.iter().map(|store| store.number.as_str()).collect();
        Call::new(&GET_FLOW_GROUP_DISTRIBUTION)
            .with("id", numbers.join(","))
            .with("stime", self.period.start_second())
            .with("etime", self.period.end_second())
            .with_some("startHour", self.start_hour.map(|hour| hour.to_string()))
            .with_some("endHour", self.end_hour.map(|hour| hour.to_string()))
            .with_some("isOnBusinessTime", self.business_hours_only.then_some("1"))
    }
}

impl Demographics {
    fn from_wire(wire: Distribution, store_ids: Vec<String>, period: PeriodDocument) -> Self {
        let (genders, ages) = (wire.gender_distribution, wire.age_distribution);
        let (by_gender, by_age) = (ShareBase::of(&genders), ShareBase::of(&ages));
        Self {
            store_ids,
            period,
            visitors: by_gender.people.or(by_age.people),
            gender: genders.iter().flatten().map(|part| GenderShare::from_wire(part, &by_gender)).collect(),
            age: ages.iter().flatten().map(|part| AgeShare::from_wire(part, &by_age)).collect(),
        }
    }

    /// Whether the gateway sent any figures.
    fn has_figures(&self) -> bool {
        let of_gender = |part: &GenderShare| part.visitors.is_some() || part.share_percent.is_some();
        let of_age = |part: &AgeShare| part.visitors.is_some() || part.share_percent.is_some();
        self.gender.iter().any(of_gender) || self.age.iter().any(of_age)
    }
}

impl GenderShare {
    fn from_wire(wire: &WireGender, all: &ShareBase) -> Self {
        let gender = match wire.gender {
            Some(1) => Gender::Male,
            Some(2) => Gender::Female,
            _ => Gender::Unknown,
        };
        Self { gender, visitors: wire.people_num, share_percent: all.share(wire) }
    }
}

impl AgeShare {
    fn from_wire(wire: &WireAge, all: &ShareBase) -> Self {
        // The gateway writes 0, or nothing, where the oldest group has no end.
        let has_end = |to: &i64| *to >= wire.age_from.unwrap_or(1);
        Self {
            from: wire.age_from,
            to: wire.age_to.filter(has_end),
            visitors: wire.people_num,
            share_percent: all.share(wire),
        }
    }
}

/// The whole of which the parts of a distribution are shares.
struct ShareBase {
    /// The number of people; `None` when there are no parts, when a part lacks its number, or when the sum is
    /// implausibly large.
    people: Option<i64>,
    /// The factor that turns a `percentage` into percent; `None` when the unit is unknown. The vendor does not document
    /// the unit: parts that add up to one are fractions, if none is missing.
    percent: Option<f64>,
}

impl ShareBase {
    /// The base of these parts; a part that was skipped is `None`.
    fn of<P: DistributionPart>(parts: &[Option<P>]) -> Self {
        let counts = parts.iter().map(|part| part.as_ref().and_then(P::people));
        let people = counts.reduce(|sum, count| sum?.checked_add(count?)).flatten();
        let percentages = || parts.iter().map(|part| part.as_ref().and_then(P::percentage));
        let percent = match percentages().flatten().sum::<f64>() {
            sum if sum > 1.05 => Some(1.0),
            _ if percentages().all(|percentage| percentage.is_some()) => Some(100.0),
            _ => None,
        };
        Self { people, percent }
    }

    /// The share in percent, from the number of people, or else as the gateway sent it.
    fn share(&self, part: &impl DistributionPart) -> Option<f64> {
        if self.people.is_some() {
            return share(part.people(), self.people);
        }
        let given = (part.percentage()? * self.percent? * 10.0).round() / 10.0;
        (0.0..=100.0).contains(&given).then_some(given)
    }
}

/// A share in percent, to one decimal place.
#[expect(clippy::cast_precision_loss, reason = "a rounded percentage")]
fn share(part: Option<i64>, all: Option<i64>) -> Option<f64> {
    let (part, all) = (part?, all.filter(|all| *all > 0)?);
    Some((part as f64 * 1000.0 / all as f64).round() / 10.0)
}

// The handler.

/// Read a store's demographics
///
/// Visitors of a period by gender and age, as the cameras of OPRetail estimate them.
#[utoipa::path(
    get,
    path = "/stores/{store_id}/demographics",
    operation_id = "read_store_demographics",
    tag = "Demographics",
    responses((status = 200, description = "Visitors by gender and age", body = Demographics))
)]
async fn read_store_demographics(
    caller: Caller<DemographicsRead>,
    context: RequestContext,
    (store, counted): (StoreId, Counted),
) -> Result<HttpResponse, Problem> {
    let found = find(&caller, &context, &store, &counted).await?;
    Ok(context.reply_to_lookup(&RESOURCE, &found).await)
}

/// The demographics of a store, from the cache or the gateway.
///
/// # Errors
/// The token does not grant the store, the store has no number at OPRetail, or the gateway failed.
pub async fn find(
    caller: &Caller<DemographicsRead>,
    context: &RequestContext,
    store: &StoreId,
    counted: &Counted,
) -> Result<CachedResponse, Problem> {
    let store = context.store_at(caller, store, opretail())?;
    find_sum(caller, context, &RESOURCE, vec![store], counted).await
}

/// The demographics of these stores together, from the cache or the gateway.
async fn find_sum(
    caller: &Caller<DemographicsRead>,
    context: &RequestContext,
    resource: &'static Resource,
    stores: Vec<GrantedStore>,
    counted: &Counted,
) -> Result<CachedResponse, Problem> {
    let access = context.tenant(caller)?.access(opretail())?.clone();
    let call = counted.call(&stores);
    let (ids, numbers): (Vec<_>, Vec<_>) = stores.into_iter().map(|store| (store.id, store.number)).unzip();
    let canonical = format!("{ids:?} {}", call.canonical());
    let ended = counted.period.has_ended(context.shared().clock.now());
    let lookup = context.lookup(caller, resource, &canonical, numbers, ended)?;
    let period = counted.period.document();
    context
        .source
        .find(resource, lookup, move |gateway| async move {
            let wire: Option<Optional<Distribution>> = gateway.call(&access.account, &call).await?;
            // For a store that it does not know the gateway sends no data at all. As figures, that would be cached for
            // hours.
            let wire = wire.and_then(|Optional(wire)| wire);
            let wire =
                wire.ok_or_else(|| Error::local(opretail(), Kind::NotFound, "the gateway has no data for this id"))?;
            let demographics = Demographics::from_wire(wire, ids, period);
            // Groups with zeros mean that nobody came; an answer without any figure may as well be a mistake.
            let has_figures = demographics.has_figures();
            Ok(FetchedValue::from(demographics).without_data_if(!has_figures))
        })
        .await
}

#[cfg(test)]
mod tests;
