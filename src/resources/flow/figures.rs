//! The figures of a flow: what the caller gets, what the vendor sends, and the translation.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::gateway::tenants::Access;
use crate::json::{object, scalar};
use crate::resources::weather::{Weather, WireWeather};

// What the caller gets.

/// Visitors, sales and what goes with them.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowFigures)]
pub struct Figures {
    /// Visitors counted at the doors.
    visitors: Visitors,
    /// What was sold.
    sales: Sales,
    /// Of the people who passed by, how many entered, in percent.
    #[schema(example = 12.4, value_type = Option<f64>, required)]
    store_entry_rate_percent: Option<Number>,
    /// Of the visitors, how many used a fitting room, in percent.
    #[schema(example = 8.5, value_type = Option<f64>, required)]
    fitting_room_rate_percent: Option<Number>,
    /// The weather at the store.
    #[schema(required)]
    weather: Option<Weather>,
    /// Further figures that the company has configured at OPRetail.
    indicators: Vec<Indicator>,
    /// When the figures were read from the gateway.
    #[schema(example = "2026-11-22T10:00:00+08:00", format = DateTime)]
    observed_at: String,
}

/// Visitors counted at the doors.
#[derive(Serialize, ToSchema)]
pub struct Visitors {
    /// Since the shop opened today.
    #[schema(example = 318, required)]
    today: Option<i64>,
    /// Since Monday.
    #[schema(example = 1906, required)]
    this_week: Option<i64>,
    /// Since the first of the month.
    #[schema(example = 8214, required)]
    this_month: Option<i64>,
}

/// What was sold today.
#[derive(Serialize, ToSchema)]
pub struct Sales {
    /// Amount, in the company's currency.
    #[schema(example = 48210, value_type = Option<f64>, required)]
    total: Option<Number>,
    /// Amount per customer, in the company's currency.
    #[schema(example = 151, value_type = Option<f64>, required)]
    average_spend: Option<Number>,
    /// Of the visitors, how many bought something, in percent.
    #[schema(example = 21.4, value_type = Option<f64>, required)]
    purchase_rate_percent: Option<Number>,
}

/// A figure that the company has configured at OPRetail.
#[derive(Serialize, ToSchema)]
pub struct Indicator {
    /// The gateway's key.
    #[schema(example = "ENTER_RATE", required)]
    key: Option<String>,
    /// The name, in the gateway's language.
    #[schema(example = "进店率", required)]
    name: Option<String>,
    /// What kind of figure it is.
    #[schema(required)]
    kind: Option<IndicatorKind>,
    /// The figure, a number; for a ratio in percent. A text when the gateway gives no number, and `null` when it gives nothing.
    // Most client generators cannot read a union of number and text; all of them can read a value of any type.
    #[schema(example = 12.4, value_type = Value, required)]
    value: Option<IndicatorValue>,
}

/// What kind of figure an indicator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorKind {
    /// A rate in percent.
    Ratio,
    /// Anything else.
    Other,
}

/// A number, or the gateway's text if it is not a number.
#[derive(Serialize)]
#[serde(untagged)]
pub enum IndicatorValue {
    /// A number.
    Number(Number),
    /// The gateway's text.
    Text(String),
}

// What the vendor sends.

/// The figures as OPRetail sends them. Any of them may be missing.
#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct TotalData {
    #[serde(default, deserialize_with = "scalar::count")]
    day_flow: Option<i64>,
    #[serde(default, deserialize_with = "scalar::count")]
    week_flow: Option<i64>,
    #[serde(default, deserialize_with = "scalar::count")]
    month_flow: Option<i64>,
    #[serde(default, deserialize_with = "scalar::number")]
    total_sale: Option<Number>,
    #[serde(default, deserialize_with = "scalar::number")]
    expenditure: Option<Number>,
    #[serde(default, deserialize_with = "scalar::number")]
    buy_rate: Option<Number>,
    #[serde(default, deserialize_with = "scalar::number")]
    enter_rate: Option<Number>,
    #[serde(default, deserialize_with = "scalar::number")]
    fitting_rate: Option<Number>,
    #[serde(default, deserialize_with = "object::optional")]
    weather: Option<WireWeather>,
    #[serde(default, rename = "cfgData", deserialize_with = "object::one_or_many")]
    cfg_data: Vec<WireIndicator>,
}

#[derive(Deserialize)]
struct WireIndicator {
    #[serde(default, deserialize_with = "scalar::text")]
    key: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    name: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "scalar::integer")]
    kind: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    value: Option<String>,
}

// The translation.

impl Figures {
    /// Translates the figures, which were read at `observed_at`.
    pub fn from_wire(data: TotalData, access: &Access, observed_at: String) -> Self {
        Self {
            visitors: Visitors { today: data.day_flow, this_week: data.week_flow, this_month: data.month_flow },
            sales: Sales {
                total: data.total_sale,
                average_spend: data.expenditure,
                purchase_rate_percent: data.buy_rate,
            },
            store_entry_rate_percent: data.enter_rate,
            fitting_room_rate_percent: data.fitting_rate,
            weather: data.weather.map(|weather| Weather::from_wire(weather, &access.zone)),
            indicators: data.cfg_data.into_iter().map(Indicator::from).collect(),
            observed_at,
        }
    }

    /// Whether the gateway sent any figure.
    pub fn has_any(&self) -> bool {
        let Self { visitors, sales, .. } = self;
        let amounts = [&sales.total, &sales.average_spend, &sales.purchase_rate_percent];
        let rates = [&self.store_entry_rate_percent, &self.fitting_room_rate_percent];
        [visitors.today, visitors.this_week, visitors.this_month].iter().any(Option::is_some)
            || amounts.into_iter().chain(rates).any(Option::is_some)
            || self.indicators.iter().any(|indicator| indicator.value.is_some())
    }
}

impl From<WireIndicator> for Indicator {
    fn from(wire: WireIndicator) -> Self {
        let value = wire.value.map(|text| match scalar::parse_number(&text) {
            Some(number) => IndicatorValue::Number(number),
            None => IndicatorValue::Text(text),
        });
        let kind = wire.kind.map(|kind| if kind == 1 { IndicatorKind::Ratio } else { IndicatorKind::Other });
        Self { key: wire.key, name: wire.name, kind, value }
    }
}

#[cfg(test)]
mod tests {
    use super::{Indicator, TotalData};
    use crate::json::object::Object;
    use crate::json::odd_values::collect;
    use serde_json::json;

    fn read(data: &serde_json::Value) -> TotalData {
        serde_json::from_str::<Object<TotalData>>(&data.to_string()).unwrap().0
    }

    #[test]
    fn figures_are_read_as_numbers_texts_and_percents() {
        let data = read(&json!({
            "DAY_FLOW": 318, "WEEK_FLOW": "1906", "MONTH_FLOW": null, "TOTAL_SALE": 48210, "EXPENDITURE": "151",
            "BUY_RATE": "21.4%", "ENTER_RATE": "12.4", "FITTING_RATE": "--"
        }));
        assert_eq!((data.day_flow, data.week_flow, data.month_flow), (Some(318), Some(1906), None));
        assert_eq!(json!(data.buy_rate), json!(21.4));
        assert_eq!(json!(data.total_sale).to_string(), "48210");
        assert!(data.fitting_rate.is_none() && data.weather.is_none() && data.cfg_data.is_empty());
    }

    #[test]
    fn configured_figures_come_one_or_many() {
        let one = json!({"key": "k", "name": "进店率", "type": 1, "value": "12.4%"});
        assert_eq!(read(&json!({"cfgData": one})).cfg_data.len(), 1);
        assert_eq!(read(&json!({"cfgData": [one, one]})).cfg_data.len(), 2);
        assert_eq!(read(&json!({"cfgData": null})).cfg_data.len(), 0);
        let indicator = Indicator::from(read(&json!({"cfgData": one})).cfg_data.remove(0));
        assert_eq!(json!(indicator), json!({"key": "k", "name": "进店率", "kind": "ratio", "value": 12.4}));
    }

    #[test]
    fn a_figure_of_the_wrong_kind_is_no_figure_and_the_others_are() {
        let (read, odd) = collect(|| {
            read(&json!({
                "DAY_FLOW": 318, "WEEK_FLOW": "many", "MONTH_FLOW": -1, "TOTAL_SALE": "21,528.50", "EXPENDITURE": "N/A",
                "BUY_RATE": {}, "ENTER_RATE": true, "FITTING_RATE": "NaN", "WEATHER": "", "cfgData": "none"
            }))
        });
        assert_eq!((read.day_flow, read.week_flow, read.month_flow), (Some(318), None, None));
        assert_eq!(json!([read.total_sale, read.expenditure, read.buy_rate]), json!([21528.5, null, null]));
        assert!(read.enter_rate.is_none() && read.fitting_rate.is_none() && read.weather.is_none());
        let fields: Vec<&str> = odd.iter().map(|(field, _)| field).collect();
        let expected = ["BUY_RATE", "ENTER_RATE", "EXPENDITURE", "FITTING_RATE", "MONTH_FLOW", "WEEK_FLOW", "cfgData"];
        assert_eq!(fields, expected);
    }

    #[test]
    fn configured_figures_come_in_phps_shapes() {
        let [a, b] = [json!({"key": "a", "value": 1}), json!({"key": "b", "value": "2"})];
        let keys = |cfg: serde_json::Value| {
            read(&json!({"DAY_FLOW": 1, "cfgData": cfg})).cfg_data.into_iter().map(|one| one.key).collect::<Vec<_>>()
        };
        let both = [Some("a".to_owned()), Some("b".to_owned())];
        assert_eq!(keys(json!({"0": a, "1": b})), both);
        assert_eq!(keys(json!({"2": a, "9": b})), both);
        assert_eq!(keys(json!([a, null, [], {}, "x", {"unknown": 1}, b])), both);
        for none in [json!(""), json!([]), json!({}), json!(false), json!({"unknown": 1})] {
            assert!(keys(none.clone()).is_empty(), "{none}");
        }
    }

    #[test]
    fn an_answer_of_which_no_figure_can_be_read_is_none() {
        for data in [
            json!({"DAY_FLOW": {}}),
            json!({"DAY_FLOW": "many"}),
            json!({"WEEK_FLOW": -1}),
            json!({"day_flow": 3}),
            json!({}),
            json!({"WEATHER": 7}),
            json!({"WEATHER": [1]}),
            json!([]),
        ] {
            assert!(serde_json::from_str::<Object<TotalData>>(&data.to_string()).is_err(), "{data}");
        }
    }
}
