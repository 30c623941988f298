//! Scalars in every form in which a gateway sends them, and implausible ones.

use serde::Deserialize;
use serde_json::{Number, json};

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "super::number")]
    rate: Option<Number>,
    #[serde(default, deserialize_with = "super::integer")]
    count: Option<i64>,
    #[serde(default, deserialize_with = "super::count")]
    visitors: Option<i64>,
    #[serde(default, deserialize_with = "super::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "super::code")]
    code: Option<String>,
}

fn read(json: &str) -> Wire {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_rate_is_read_in_every_form_the_gateway_sends() {
    for json in [r#"{"rate":"12.5%"}"#, r#"{"rate":"12.5"}"#, r#"{"rate":12.5}"#, r#"{"rate":" 12.5 % "}"#] {
        assert_eq!(json!(read(json).rate), json!(12.5), "{json}");
    }
    for json in [r#"{"rate":""}"#, r#"{"rate":null}"#, r#"{"rate":"--"}"#, "{}"] {
        assert_eq!(read(json).rate, None, "{json}");
    }
}

#[test]
fn a_negative_number_is_not_a_blank() {
    assert_eq!(json!(read(r#"{"rate":"-3.5","count":-4}"#).rate), json!(-3.5));
}

#[test]
fn a_whole_amount_is_written_without_a_fraction() {
    for json in [r#"{"rate":48210}"#, r#"{"rate":"48210.00"}"#, r#"{"rate":48210.0}"#] {
        assert_eq!(json!(read(json).rate).to_string(), "48210", "{json}");
    }
}

#[test]
fn a_count_is_not_negative() {
    for (json, visitors) in [("0", Some(0)), ("\"7\"", Some(7)), ("-0", Some(0)), ("\"--\"", None)] {
        assert_eq!(read(&format!("{{\"visitors\":{json}}}")).visitors, visitors, "{json}");
    }
    for json in [r#"{"visitors":-1}"#, r#"{"visitors":"-1"}"#, r#"{"visitors":-1.0}"#, r#"{"visitors":0.5}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn a_code_is_a_text_or_a_number_and_no_boolean() {
    for (json, code) in [(r#""A1""#, Some("A1")), ("7", Some("7")), ("null", None), (r#"" ""#, None)] {
        assert_eq!(read(&format!("{{\"code\":{json}}}")).code.as_deref(), code, "{json}");
    }
    for json in [r#"{"code":true}"#, r#"{"code":[]}"#, r#"{"code":123456789012345678901234}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn an_integer_is_whole() {
    assert_eq!(read(r#"{"count":"318"}"#).count, Some(318));
    assert_eq!(read(r#"{"count":318.0}"#).count, Some(318));
    for json in [r#"{"count":1.5}"#, r#"{"count":"many"}"#, r#"{"count":1e300}"#, r#"{"count":[]}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn a_count_too_large_to_be_true_is_refused() {
    for (text, number) in [("9007199254740992", 1_i64 << 53), ("-9007199254740992", -(1 << 53)), ("1e3", 1000)] {
        assert_eq!(read(&format!("{{\"count\":{text}}}")).count, Some(number));
        assert_eq!(read(&format!("{{\"count\":\"{text}\"}}")).count, Some(number));
    }
    for text in ["9007199254740993", "-9007199254740993", "9223372036854775807", "18446744073709551615", "1e16"] {
        for json in [format!("{{\"count\":{text}}}"), format!("{{\"count\":\"{text}\"}}")] {
            assert!(serde_json::from_str::<Wire>(&json).is_err(), "{json}");
        }
    }
}

#[test]
fn an_amount_too_large_to_be_true_is_refused() {
    for text in ["1e15", "-1000000000000000", "999999999999999.9"] {
        assert!(read(&format!("{{\"rate\":{text}}}")).rate.is_some(), "{text}");
        assert!(read(&format!("{{\"rate\":\"{text}%\"}}")).rate.is_some(), "{text}");
    }
    for text in ["1e300", "-1e300", "1e16", "1000000000000001", "9223372036854775808", "1e999"] {
        for json in [format!("{{\"rate\":{text}}}"), format!("{{\"rate\":\"{text}\"}}")] {
            assert!(serde_json::from_str::<Wire>(&json).is_err(), "{json}");
        }
    }
}

#[test]
fn infinity_and_words_are_not_numbers() {
    for json in [r#"{"rate":"inf"}"#, r#"{"rate":"NaN"}"#, r#"{"rate":"abc"}"#, r#"{"rate":{}}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn a_text_may_come_as_a_number() {
    assert_eq!(read(r#"{"name":7}"#).name.as_deref(), Some("7"));
    assert_eq!(read(r#"{"name":"  "}"#).name, None);
}

#[test]
fn an_id_keeps_every_digit_or_is_refused() {
    for id in ["9007199254740993", "18446744073709551615", "-9223372036854775808", "0.5"] {
        assert_eq!(read(&format!("{{\"name\":{id}}}")).name.as_deref(), Some(id));
    }
    assert_eq!(read(r#"{"name":"123456789012345678901234"}"#).name.as_deref(), Some("123456789012345678901234"));
    for json in [r#"{"name":123456789012345678901234}"#, r#"{"name":1e300}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn commas_between_thousands_are_read_and_any_others_are_no_number() {
    for (text, number) in [
        ("21,528.50", 21528.5),
        ("1,234", 1234.0),
        ("-1,234,567.8", -1_234_567.8),
        ("1,234,567.80%", 1_234_567.8),
        ("+12,345.00", 12345.0),
    ] {
        let read = super::parse_number(text).and_then(|number| number.as_f64());
        assert_eq!(read, Some(number), "{text}");
        assert_eq!(read_rate(text), Some(number), "{text}");
    }
    assert_eq!(read(r#"{"count":"1,318","visitors":"48,210,000"}"#).count, Some(1318));
    assert_eq!(json!(read(r#"{"rate":"48,210.00"}"#).rate).to_string(), "48210");
    for text in ["1,5", "12,34", "1234,567", "0,123", ",123", "1,,234", "1,234.", "1,234.5,6", "1,234e3", "1.234,50"] {
        assert_eq!(super::parse_number(text), None, "{text}");
        assert!(serde_json::from_str::<Wire>(&format!("{{\"count\":\"{text}\"}}")).is_err(), "{text}");
    }
}

fn read_rate(text: &str) -> Option<f64> {
    read(&format!("{{\"rate\":\"{text}\"}}")).rate.and_then(|rate| rate.as_f64())
}

#[test]
fn phps_false_is_nothing_and_true_is_neither_a_number_nor_a_code() {
    let nothing = read(r#"{"rate":false,"count":false,"visitors":false,"name":false,"code":false}"#);
    assert!(nothing.rate.is_none() && nothing.count.is_none() && nothing.name.is_none() && nothing.code.is_none());
    assert_eq!(read(r#"{"name":true}"#).name.as_deref(), Some("true"));
    for json in [r#"{"rate":true}"#, r#"{"count":true}"#, r#"{"code":true}"#] {
        assert!(serde_json::from_str::<Wire>(json).is_err(), "{json}");
    }
}

#[test]
fn a_flag_is_read_in_every_form_the_gateway_sends() {
    let flag = |json: &str| super::flag(&mut serde_json::Deserializer::from_str(json)).ok();
    for (json, expected) in [
        ("true", Some(true)),
        ("\"true\"", Some(true)),
        ("1", Some(true)),
        ("\"1\"", Some(true)),
        ("false", Some(false)),
        ("\"false\"", Some(false)),
        ("0", Some(false)),
        ("\"\"", None),
        ("null", None),
    ] {
        assert_eq!(flag(json), Some(expected), "{json}");
    }
    for json in ["2", "\"yes\"", "[]", "{}"] {
        assert_eq!(flag(json), None, "{json}");
    }
}
