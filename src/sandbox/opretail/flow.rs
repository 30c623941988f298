//! `open.shopweb.passengerFlow.getTotalData`: visitors, sales and rates of a store or an organization, in the mixed
//! JSON types that the vendor's page documents.

use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use super::codes::ReturnCode;
use super::{Call, number};
use crate::sandbox::world::stores::CountedStore;
use crate::sandbox::world::visitors::{habits, this_month, this_week, today};
use crate::sandbox::world::weather::weather;

/// Runs the method. An unknown store is a success without data: the vendor publishes no code for it, and such gateways
/// commonly send no data.
pub fn total_data(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let subject = call.required("id", Subject::read)?;
    let with_unit = call.optional("needUnit", switch)?.unwrap_or(true);
    let stores = subject.stores(call)?;
    Ok(match stores.first() {
        None if matches!(subject, Subject::Store(_)) => Value::Null,
        first => {
            let weather_store = first.filter(|store| store.id % 6 != 5 && matches!(subject, Subject::Store(_)));
            let figures = Figures::sum(&stores, call.now);
            let weather = weather_store.map(|store| weather(store.city(), call.now.date()));
            figures.written(subject.id(), with_unit, json!(weather))
        }
    })
}

#[derive(Clone, Copy)]
enum Subject {
    Store(u32),
    Organization(u32),
}

impl Subject {
    fn read(text: &str) -> Option<Self> {
        let store = text.strip_prefix("S_").map(|id| number(id).map(Self::Store));
        store.or_else(|| text.strip_prefix("O_").map(|id| number(id).map(Self::Organization)))?
    }

    const fn id(self) -> u32 {
        match self {
            Self::Store(id) | Self::Organization(id) => id,
        }
    }

    // A store of another organization looks like an unknown store.
    fn stores(self, call: &Call<'_>) -> Result<Vec<CountedStore>, ReturnCode> {
        match self {
            Self::Store(id) => {
                let known = CountedStore::find(id).filter(|store| call.account.owns_enterprise(store.enterprise_id));
                Ok(known.into_iter().collect())
            }
            Self::Organization(id) => {
                call.must_own_enterprise(id)?;
                Ok(CountedStore::of_enterprise(id).collect())
            }
        }
    }
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

#[derive(Default)]
struct Figures {
    day: u64,
    week: u64,
    month: u64,
    passers_by: u64,
    fittings: u64,
    buyers: u64,
    sales: u64,
}

impl Figures {
    fn sum(stores: &[CountedStore], now: DateTime) -> Self {
        stores.iter().fold(Self::default(), |mut sum, store| {
            let habits = habits(*store, now.date());
            let day = today(*store, now);
            let buyers = day * habits.buy_permille / 1_000;
            sum.day += day;
            sum.week += this_week(*store, now);
            sum.month += this_month(*store, now);
            sum.passers_by += day * 1_000 / habits.enter_permille;
            sum.fittings += day * habits.fitting_permille / 1_000;
            sum.buyers += buyers;
            sum.sales += buyers * habits.spend_yuan;
            sum
        })
    }

    // The id decides in which of the vendor's many forms the values are written.
    fn written(&self, id: u32, with_unit: bool, weather: Value) -> Value {
        let rate = |part: u64, whole: u64, as_number: bool| Permille::of(part, whole).written(with_unit, as_number);
        let mut data = Map::new();
        data.insert("DAY_FLOW".to_owned(), json!(self.day));
        data.insert("WEEK_FLOW".to_owned(), json!(self.week));
        data.insert("MONTH_FLOW".to_owned(), json!(self.month));
        let sales = if id % 5 == 1 { json!(self.sales.to_string()) } else { json!(self.sales) };
        data.insert("TOTAL_SALE".to_owned(), sales);
        data.insert("EXPENDITURE".to_owned(), json!(self.sales.checked_div(self.buyers).unwrap_or_default()));
        data.insert("BUY_RATE".to_owned(), rate(self.buyers, self.day, id.is_multiple_of(2)));
        data.insert("ENTER_RATE".to_owned(), rate(self.day, self.passers_by, false));
        match id % 4 {
            0 => None,
            1 => data.insert("FITTING_RATE".to_owned(), json!("--")),
            _ => data.insert("FITTING_RATE".to_owned(), rate(self.fittings, self.day, id % 4 == 2)),
        };
        data.insert("WEATHER".to_owned(), weather);
        data.insert("cfgData".to_owned(), self.indicators(id, with_unit));
        Value::Object(data)
    }

    fn indicators(&self, id: u32, with_unit: bool) -> Value {
        let enter_rate = Permille::of(self.day, self.passers_by).written(with_unit, false);
        let enter_rate = json!({"key": "ENTER_RATE", "name": "进店率", "type": 1, "value": enter_rate});
        if id % 3 == 1 {
            return enter_rate;
        }
        let passers_by = self.passers_by.to_string();
        let buyers = self.buyers.to_string();
        json!([
            enter_rate,
            {"key": "PASS_FLOW", "name": "过店客流", "type": 0, "value": passers_by},
            {"key": "BUY_COUNT", "name": "成交笔数", "type": 0, "value": buyers},
        ])
    }
}

struct Permille(u64);

impl Permille {
    fn of(part: u64, whole: u64) -> Self {
        Self((part * 1_000).checked_div(whole).unwrap_or_default())
    }

    fn written(&self, with_unit: bool, as_number: bool) -> Value {
        let (percent, tenth) = (self.0 / 10, self.0 % 10);
        if with_unit {
            return json!(format!("{percent}.{tenth}%"));
        }
        let text = format!("{percent}.{tenth}");
        let as_number = if as_number { text.parse().ok() } else { None };
        as_number.map_or_else(|| json!(text), |value: f64| json!(value))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use crate::sandbox::testing::TestBed;

    const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

    fn count(data: &Value, field: &str) -> u64 {
        data[field].as_u64().or_else(|| data[field].as_str()?.parse().ok()).unwrap()
    }

    async fn data(bed: &TestBed, id: &str, unit: &str) -> Value {
        let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", id), ("needUnit", unit)])).await;
        assert_eq!(answer["stat"]["code"], 0, "{id}");
        answer["data"].clone()
    }

    #[actix_web::test]
    async fn todays_figures_grow_as_the_day_goes_on_and_start_again_at_midnight() {
        let bed = TestBed::start();
        let morning = data(&bed, "S_123456", "0").await;
        bed.hand.advance(Duration::from_secs(6 * 3_600));
        let afternoon = data(&bed, "S_123456", "0").await;
        for field in ["DAY_FLOW", "WEEK_FLOW", "MONTH_FLOW", "TOTAL_SALE"] {
            assert!(count(&afternoon, field) > count(&morning, field), "{field}");
        }
        bed.hand.advance(Duration::from_secs(9 * 3_600));
        let after_midnight = data(&bed, "S_123456", "0").await;
        assert_eq!(after_midnight["DAY_FLOW"], 0);
        assert_eq!(after_midnight["WEEK_FLOW"], 0, "23 November 2026 is a Monday");
        assert!(after_midnight["MONTH_FLOW"].as_u64() > afternoon["MONTH_FLOW"].as_u64());
    }

    #[actix_web::test]
    async fn an_organization_is_the_sum_of_its_stores() {
        let bed = TestBed::start();
        let organization = data(&bed, "O_1084", "0").await;
        let mut sum = 0;
        for id in (100_001..=100_060).chain([123_456]) {
            sum += data(&bed, &format!("S_{id}"), "0").await["DAY_FLOW"].as_u64().unwrap();
        }
        assert_eq!(organization["DAY_FLOW"], sum);
        assert!(sum > 0);
    }

    #[actix_web::test]
    async fn rates_carry_a_unit_unless_it_is_not_wanted() {
        let bed = TestBed::start();
        bed.hand.advance(Duration::from_secs(6 * 3_600));
        let with_unit = data(&bed, "S_123456", "1").await;
        assert!(with_unit["ENTER_RATE"].as_str().unwrap().ends_with('%'));
        assert!(with_unit["BUY_RATE"].as_str().unwrap().ends_with('%'));
        let without = data(&bed, "S_123456", "0").await;
        assert!(without["ENTER_RATE"].as_str().unwrap().parse::<f64>().unwrap() > 0.0);
        assert!(without["BUY_RATE"].as_f64().unwrap() > 0.0);
        let default = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456")])).await;
        assert_eq!(default["data"], with_unit);
    }

    #[actix_web::test]
    async fn all_the_vendors_ways_to_write_a_value_occur() {
        let bed = TestBed::start();
        let mut all = Vec::new();
        for id in 100_001..=100_060 {
            all.push(data(&bed, &format!("S_{id}"), "0").await);
        }
        let some = |found: fn(&Value) -> bool| all.iter().any(found);
        assert!(some(|data| data.get("FITTING_RATE").is_none()));
        assert!(some(|data| data["FITTING_RATE"] == "--"));
        assert!(some(|data| data["FITTING_RATE"].is_number()));
        assert!(some(|data| data["BUY_RATE"].is_string()));
        assert!(some(|data| data["TOTAL_SALE"].is_string()));
        assert!(some(|data| data["WEATHER"].is_null()));
        assert!(some(|data| data["WEATHER"]["temperature"].is_string()));
        assert!(some(|data| data["cfgData"].is_object()));
        assert!(some(|data| data["cfgData"].is_array()));
    }

    #[actix_web::test]
    async fn an_unknown_store_has_no_data_and_a_foreign_organization_is_refused() {
        let bed = TestBed::start();
        for id in ["S_999999", "S_200001"] {
            assert_eq!(data(&bed, id, "0").await, Value::Null, "{id}");
        }
        for (id, code) in
            [("O_2168", 102_005), ("O_9", 102_005), ("123456", 100_001), ("S_1,S_2", 100_001), ("", 100_001)]
        {
            let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", id)])).await;
            assert_eq!(answer["stat"]["code"], code, "{id}");
        }
    }
}
