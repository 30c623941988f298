//! `open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice`: visitors of several stores in a period, store by store.
//!
//! Names and forms of the parameters come from a signed example call of the vendor. Its page about the answer is not
//! public, so this answer is only one that such a method could give: code that reads it may fail with the real one.

use std::ops::Range;

use jiff::Span;
use serde_json::{Value, json};

use super::codes::ReturnCode;
use super::{Call, number};
use crate::sandbox::china_time::parse_date_time;
use crate::sandbox::world::stores::CountedStore;
use crate::sandbox::world::visitors::{ALL_HOURS, between_times};

/// The only kind of period for which there is an example.
const WHOLE_PERIOD: u32 = 1;

/// Runs the method. Unknown stores are left out.
pub fn data_of_many_shops(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let stores = call.required("id", store_ids)?;
    let start = call.required("startTime", parse_date_time)?;
    let last = call.required("endTime", parse_date_time)?;
    let hours = hours(call)?;
    let period = call.required("timeType", number)?;
    if start > last || period != WHOLE_PERIOD {
        return Err(ReturnCode::PARAMETER_ERROR);
    }
    let end = last.saturating_add(Span::new().seconds(1)).min(call.now);
    let known = stores.into_iter().filter_map(CountedStore::find);
    let known = known.filter(|store| call.account.owns_enterprise(store.enterprise_id));
    let rows = known.map(|store| {
        // The id decides whether a count is a number or a text.
        let visitors = between_times(store, start, end, &hours);
        let visitors = if store.id.is_multiple_of(2) { json!(visitors) } else { json!(visitors.to_string()) };
        json!({"shopId": format!("S_{}", store.id), "inNum": visitors, "deviceOnline": 1})
    });
    Ok(json!({"list": rows.collect::<Vec<_>>()}))
}

fn store_ids(text: &str) -> Option<Vec<u32>> {
    text.split(',').map(|id| number(id.strip_prefix("S_")?)).collect()
}

fn hours(call: &Call<'_>) -> Result<Range<u32>, ReturnCode> {
    let hour = |text: &str| number(text).filter(|hour| *hour <= ALL_HOURS.end);
    let start = call.optional("starthour", hour)?.unwrap_or(ALL_HOURS.start);
    let end = call.optional("endhour", hour)?.unwrap_or(ALL_HOURS.end);
    if start > end { Err(ReturnCode::PARAMETER_ERROR) } else { Ok(start..end) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::sandbox::testing::TestBed;

    const MANY: &str = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice";

    async fn ask(bed: &TestBed, changed: (&str, &str)) -> Value {
        let mut parameters = vec![
            ("id", "S_123456,S_100001,S_9"),
            ("startTime", "2026-11-22 00:00:00"),
            ("endTime", "2026-11-22 23:59:59"),
            ("timeType", "1"),
        ];
        parameters.retain(|(name, _)| *name != changed.0);
        parameters.push(changed);
        bed.call_m_api(bed.opretail(MANY, &parameters)).await
    }

    #[actix_web::test]
    async fn each_known_store_has_a_row_that_agrees_with_its_flow() {
        let bed = TestBed::start();
        let answer = ask(&bed, ("starthour", "0")).await;
        let rows = answer["data"]["list"].as_array().unwrap();
        assert_eq!(rows.len(), 2, "{answer}");
        let flow = bed.opretail("open.shopweb.passengerFlow.getTotalData", &[("id", "S_123456")]);
        assert_eq!(bed.call_m_api(flow).await["data"]["DAY_FLOW"], rows[0]["inNum"]);
        assert_eq!((&rows[1]["shopId"], rows[1]["inNum"].is_string()), (&Value::from("S_100001"), true));
    }

    #[actix_web::test]
    async fn hours_narrow_it_and_what_is_malformed_is_a_parameter_error() {
        let bed = TestBed::start();
        let visitors = |answer: Value| answer["data"]["list"][0]["inNum"].as_u64().unwrap();
        let (all, early) = (ask(&bed, ("starthour", "0")).await, ask(&bed, ("endhour", "9")).await);
        assert!(visitors(all) > visitors(early));
        for wrong in [("id", "123456"), ("timeType", "2"), ("endhour", "25"), ("startTime", "2026-11-23 00:00:00")] {
            assert_eq!(ask(&bed, wrong).await["stat"]["codename"], "PARAMETER_ERROR", "{wrong:?}");
        }
    }
}
