//! The weather of a city on a date: the data of `WEATHER`, and its effect on the number of visitors.

use jiff::civil::Date;
use serde::Serialize;

use super::cities::City;
use super::noise::between;
use crate::sandbox::china_time::{DATE_TIME, day_number};

/// The weather as OPRetail passes it on from a weather service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Weather {
    classify: &'static str,
    day_picture_url: String,
    night_picture_url: String,
    weather_date: String,
    temperature: String,
    weather: &'static str,
    city_id: String,
    id: i64,
    custom_icon: &'static str,
    create_date: String,
    wind: String,
}

struct Sky {
    name: &'static str,
    class: &'static str,
    footfall_percent: u64,
}

// In descending order of frequency; the last is the rarest.
const SKIES: [(u64, Sky); 5] = [
    (38, Sky { name: "晴", class: "sunny", footfall_percent: 104 }),
    (68, Sky { name: "多云", class: "cloudy", footfall_percent: 101 }),
    (84, Sky { name: "阴", class: "overcast", footfall_percent: 97 }),
    (95, Sky { name: "小雨", class: "light-rain", footfall_percent: 88 }),
    (100, Sky { name: "大雨", class: "heavy-rain", footfall_percent: 71 }),
];

// The position of each month between January (0) and July (100).
const SEASON: [i64; 12] = [0, 10, 30, 55, 76, 92, 100, 98, 80, 56, 32, 10];

/// The weather of a city on a date.
pub fn weather(city: &City, date: Date) -> Weather {
    let sky = sky(city, date);
    let (low, high) = temperatures(city, date);
    let wind = between(1, 5, &[city.weather_id, day_number(date), 12]);
    Weather {
        classify: sky.class,
        day_picture_url: format!("https://images.example.com/weather/day/{}.png", sky.class),
        night_picture_url: format!("https://images.example.com/weather/night/{}.png", sky.class),
        weather_date: date.to_string(),
        temperature: format!("{high} ~ {low}℃"),
        weather: sky.name,
        city_id: city.weather_id.to_string(),
        id: city.weather_id % 100_000 * 100_000 + day_number(date),
        custom_icon: sky.class,
        create_date: date.at(6, 0, 0, 0).strftime(DATE_TIME).to_string(),
        wind: format!("东南风{wind}级"),
    }
}

/// The share of a store's usual visitors that come in this weather, in percent.
pub fn footfall_percent(city: &City, date: Date) -> u64 {
    sky(city, date).footfall_percent
}

fn sky(city: &City, date: Date) -> &'static Sky {
    let chance = between(1, 100, &[city.weather_id, day_number(date), 10]);
    let found = SKIES.iter().find(|(up_to, _)| chance <= *up_to);
    &found.unwrap_or(&SKIES[0]).1
}

fn temperatures(city: &City, date: Date) -> (i64, i64) {
    let (january, july) = city.temperatures;
    let month = usize::from(date.month().unsigned_abs()).saturating_sub(1);
    let mean = january + (july - january) * SEASON[month] / 100;
    let shift = between(0, 6, &[city.weather_id, day_number(date), 11]).cast_signed() - 3;
    (mean + shift - 4, mean + shift + 4)
}

#[cfg(test)]
mod tests {
    use super::{footfall_percent, temperatures};
    use crate::sandbox::world::cities::city_of;
    use jiff::civil::date;

    #[test]
    fn summers_are_warmer_and_some_days_are_wet() {
        let city = city_of(1);
        assert!(temperatures(city, date(2026, 7, 15)).0 > temperatures(city, date(2026, 1, 15)).1);
        let start = date(2026, 1, 1);
        assert!(start.series(jiff::Span::new().days(1)).take(60).any(|day| footfall_percent(city, day) < 90));
    }
}
