//! The weather that OPRetail sends along with a store's flow.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire_time::{self, WireTime};
use crate::json::scalar;

/// The weather at the store.
#[derive(Serialize, ToSchema)]
pub struct Weather {
    /// The gateway's number of this record.
    #[schema(example = 77, required)]
    id: Option<i64>,
    /// The gateway's number of the city.
    #[schema(example = "101020100", required)]
    city_id: Option<String>,
    /// The day it is for, as the gateway writes it.
    #[schema(example = "2026-11-22", required)]
    date: Option<String>,
    /// The gateway's category.
    #[schema(example = "cloudy", required)]
    category: Option<String>,
    /// In words, in the gateway's language.
    #[schema(example = "多云", required)]
    description: Option<String>,
    /// As the gateway writes it, with its unit.
    #[schema(example = "12 ~ 18℃", required)]
    temperature: Option<String>,
    /// As the gateway writes it.
    #[schema(example = "东北风3-4级", required)]
    wind: Option<String>,
    /// A picture for the day.
    #[schema(example = "https://weather.example.com/day/cloudy.png", required)]
    day_icon_url: Option<String>,
    /// A picture for the night.
    #[schema(example = "https://weather.example.com/night/cloudy.png", required)]
    night_icon_url: Option<String>,
    /// The company's own picture.
    #[schema(example = "cloudy", required)]
    custom_icon: Option<String>,
    /// When the gateway recorded it.
    #[schema(example = "2026-11-22T06:00:00+08:00", format = DateTime, required)]
    created_at: Option<String>,
}

/// The weather as OPRetail sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireWeather {
    #[serde(default, deserialize_with = "scalar::integer")]
    id: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    city_id: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    weather_date: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    classify: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    weather: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    temperature: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    wind: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    day_picture_url: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    night_picture_url: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    custom_icon: Option<String>,
    #[serde(default, deserialize_with = "wire_time::read")]
    create_date: Option<WireTime>,
}

impl Weather {
    /// Translates the weather; times are in `zone`.
    pub fn from_wire(weather: WireWeather, zone: &TimeZone) -> Self {
        Self {
            id: weather.id,
            city_id: weather.city_id,
            date: weather.weather_date,
            category: weather.classify,
            description: weather.weather,
            temperature: weather.temperature,
            wind: weather.wind,
            day_icon_url: weather.day_picture_url,
            night_icon_url: weather.night_picture_url,
            custom_icon: weather.custom_icon,
            created_at: weather.create_date.and_then(|time| time.rfc3339(zone)),
        }
    }
}
