//! `open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution`: gender and age of the visitors of a period, summed
//! over all requested stores.

use std::ops::Range;

use jiff::Span;
use serde_json::{Value, json};

use super::codes::ReturnCode;
use super::{Call, number};
use crate::sandbox::china_time::parse_date_time;
use crate::sandbox::world::demographics::{AGE_GROUPS, Distribution};
use crate::sandbox::world::stores::CountedStore;
use crate::sandbox::world::visitors::{ALL_HOURS, BUSINESS_HOURS, between_times};

const MALE: u8 = 1;
const FEMALE: u8 = 2;

/// Runs the method. Unknown stores count nobody; when all are unknown there is no data.
pub fn distribution(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let stores = call.required("id", store_ids)?;
    let start = call.required("stime", parse_date_time)?;
    let last = call.required("etime", parse_date_time)?;
    let hours = hours(call)?;
    if start > last {
        return Err(ReturnCode::PARAMETER_ERROR);
    }
    // `etime` is the last second of the period, and visitors after now have not come yet.
    let end = last.saturating_add(Span::new().seconds(1)).min(call.now);
    let known = stores.into_iter().filter_map(CountedStore::find);
    let known: Vec<_> = known.filter(|store| call.account.owns_enterprise(store.enterprise_id)).collect();
    if known.is_empty() {
        return Ok(Value::Null);
    }
    let mut sum = Distribution::default();
    for store in known {
        sum += Distribution::of(store, between_times(store, start, end, &hours));
    }
    Ok(written(&sum))
}

fn store_ids(text: &str) -> Option<Vec<u32>> {
    text.split(',').map(|id| number(id.strip_prefix("S_")?)).collect()
}

fn hours(call: &Call<'_>) -> Result<Range<u32>, ReturnCode> {
    let hour = |text: &str| number(text).filter(|hour| *hour <= 24);
    let start = call.optional("startHour", hour)?.unwrap_or(ALL_HOURS.start);
    let end = call.optional("endHour", hour)?.unwrap_or(ALL_HOURS.end);
    if start > end {
        return Err(ReturnCode::PARAMETER_ERROR);
    }
    let in_business_time = call.parameters.get("isOnBusinessTime") == Some("1");
    let limit = if in_business_time { BUSINESS_HOURS } else { ALL_HOURS };
    Ok(start.max(limit.start)..end.min(limit.end))
}

fn written(sum: &Distribution) -> Value {
    let ages = AGE_GROUPS.iter().zip(sum.ages);
    let ages = ages.map(|((from, to), people)| json!({"ageFrom": from, "ageTo": to, "peopleNum": people}));
    json!({
        "genderDistribution": [
            {"gender": MALE, "peopleNum": sum.male},
            {"gender": FEMALE, "peopleNum": sum.female},
        ],
        "ageDistribution": ages.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::sandbox::testing::TestBed;

    const DISTRIBUTION: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";

    async fn ask(bed: &TestBed, parameters: &[(&str, &str)]) -> Value {
        bed.call_m_api(bed.opretail(DISTRIBUTION, parameters)).await
    }

    fn people(answer: &Value, cut: &str) -> u64 {
        let groups = answer["data"][cut].as_array().unwrap();
        groups.iter().map(|group| group["peopleNum"].as_u64().unwrap()).sum()
    }

    #[actix_web::test]
    async fn gender_and_age_have_the_same_total_and_today_agrees_with_the_flow() {
        let bed = TestBed::start();
        let today = [("id", "S_123456"), ("stime", "2026-11-22 00:00:00"), ("etime", "2026-11-22 23:59:59")];
        let answer = ask(&bed, &today).await;
        let total = people(&answer, "genderDistribution");
        assert_eq!(total, people(&answer, "ageDistribution"));
        let flow = bed.opretail("open.shopweb.passengerFlow.getTotalData", &[("id", "S_123456")]);
        assert_eq!(bed.call_m_api(flow).await["data"]["DAY_FLOW"], total);
    }

    #[actix_web::test]
    async fn several_stores_give_one_sum_and_hours_narrow_it() {
        let bed = TestBed::start();
        let period = [("stime", "2026-11-09 00:00:00"), ("etime", "2026-11-15 23:59:59")];
        let with = |more: &[(&'static str, &'static str)]| [&period[..], more].concat();
        let first = people(&ask(&bed, &with(&[("id", "S_100001")])).await, "ageDistribution");
        let second = people(&ask(&bed, &with(&[("id", "S_100002")])).await, "ageDistribution");
        let both = people(&ask(&bed, &with(&[("id", "S_100001,S_100002,S_999999")])).await, "ageDistribution");
        assert_eq!(both, first + second);
        let noon = with(&[("id", "S_100001"), ("startHour", "11"), ("endHour", "14")]);
        let noon = people(&ask(&bed, &noon).await, "genderDistribution");
        let open = with(&[("id", "S_100001"), ("isOnBusinessTime", "1")]);
        let open = people(&ask(&bed, &open).await, "genderDistribution");
        assert!(0 < noon && noon < open && open < first);
    }

    #[actix_web::test]
    async fn malformed_periods_are_refused_and_unknown_stores_have_no_data() {
        let bed = TestBed::start();
        let ask = async |id, stime, etime| {
            let answer = ask(&bed, &[("id", id), ("stime", stime), ("etime", etime)]).await;
            (answer["stat"]["code"].as_i64().unwrap(), answer["data"].is_null())
        };
        assert_eq!(ask("S_999999", "2026-11-09 00:00:00", "2026-11-15 23:59:59").await, (0, true));
        assert_eq!(ask("S_100001", "2026-11-16 00:00:00", "2026-11-15 23:59:59").await, (100_001, true));
        assert_eq!(ask("S_100001", "2026-11-09", "2026-11-15").await, (100_001, true));
        assert_eq!(ask("100001", "2026-11-09 00:00:00", "2026-11-15 23:59:59").await, (100_001, true));
    }

    #[actix_web::test]
    async fn the_future_is_empty() {
        let bed = TestBed::start();
        let next_year = [("id", "S_100001"), ("stime", "2027-01-01 00:00:00"), ("etime", "9999-12-31 23:59:59")];
        assert_eq!(people(&ask(&bed, &next_year).await, "genderDistribution"), 0);
    }
}
