//! `open.shopweb.liveCheck.statisticsDetailPageForCustomer`: one page of an enterprise's inspections.

use serde_json::{Value, json};

use super::codes::ReturnCode;
use super::{Call, number};
use crate::sandbox::china_time::parse_date;
use crate::sandbox::world::inspections::inspections;
use crate::sandbox::world::visitors::COUNTERS_START;

const DEFAULT_PAGE_SIZE: u32 = 20;
const LARGEST_PAGE: u32 = 1_000;

/// Runs the method. Without a period it returns all inspections that are stored.
pub fn detail_page(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let enterprise_id = call.required("enterpriseId", number)?;
    let page_number = call.optional("pageNumber", positive)?.unwrap_or(1);
    let page_size = call.optional("pageSize", positive)?.unwrap_or(DEFAULT_PAGE_SIZE);
    let first = call.optional("startTime", parse_date)?.unwrap_or(COUNTERS_START);
    let last = call.optional("endTime", parse_date)?.unwrap_or(call.now.date());
    let wanted = call.optional("sourceTypes", codes)?;
    if page_size > LARGEST_PAGE || first > last {
        return Err(ReturnCode::PARAMETER_ERROR);
    }
    call.must_own_enterprise(enterprise_id)?;
    let mut found = inspections(enterprise_id, first, last, call.now);
    found.retain(|inspection| wanted.as_ref().is_none_or(|codes| codes.contains(&inspection.source_type)));
    let skipped = (page_number as usize - 1).saturating_mul(page_size as usize);
    let rows: Vec<_> = found.iter().skip(skipped).take(page_size as usize).collect();
    Ok(json!({"total": found.len(), "rows": rows}))
}

fn positive(text: &str) -> Option<u32> {
    number(text).filter(|number| *number > 0)
}

fn codes(text: &str) -> Option<Vec<u32>> {
    text.split(',').map(number).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::sandbox::testing::TestBed;

    const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";

    async fn ask(bed: &TestBed, parameters: &[(&str, &str)]) -> Value {
        bed.call_cloud_api(bed.opretail(INSPECTIONS, parameters)).await
    }

    #[actix_web::test]
    async fn pages_cover_every_inspection_once() {
        let bed = TestBed::start();
        let period = [("enterpriseId", "1084"), ("startTime", "2026-11-01"), ("endTime", "2026-11-20")];
        let all = ask(&bed, &[&period[..], &[("pageSize", "1000")]].concat()).await;
        let all = all["data"]["rows"].as_array().unwrap().clone();
        let mut paged = Vec::new();
        for page in 1.. {
            let page_number = page.to_string();
            let page = ask(&bed, &[&period[..], &[("pageNumber", page_number.as_str())]].concat()).await;
            assert_eq!(page["data"]["total"], all.len());
            let rows = page["data"]["rows"].as_array().unwrap();
            if rows.is_empty() {
                break;
            }
            assert!(rows.len() <= 20);
            paged.extend(rows.iter().cloned());
        }
        assert_eq!(paged, all);
        assert!(all.len() > 40);
        assert!(all.iter().all(|row| ("2026-11-01".."2026-11-21").contains(&row["createTime"].as_str().unwrap())));
    }

    #[actix_web::test]
    async fn source_types_narrow_the_list_and_there_is_no_5() {
        let bed = TestBed::start();
        let on_site = ask(&bed, &[("enterpriseId", "1084"), ("sourceTypes", "8,9")]).await;
        let rows = on_site["data"]["rows"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["sourceType"] == 8 || row["sourceType"] == 9));
        let none = ask(&bed, &[("enterpriseId", "1084"), ("sourceTypes", "5")]).await;
        assert_eq!(none["data"]["total"], 0);
    }

    #[actix_web::test]
    async fn the_enterprise_is_required_and_must_be_the_keys() {
        let bed = TestBed::start();
        assert_eq!(ask(&bed, &[]).await["stat"]["code"], "100001");
        assert_eq!(ask(&bed, &[("enterpriseId", "2168")]).await["stat"]["code"], "102005");
        for wrong in [("pageNumber", "0"), ("pageSize", "x"), ("startTime", "2026/11/01"), ("sourceTypes", "8;9")] {
            assert_eq!(ask(&bed, &[("enterpriseId", "1084"), wrong]).await["stat"]["code"], "100001", "{wrong:?}");
        }
    }
}
