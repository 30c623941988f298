//! Scalars in every form that a gateway sends them in, and those that cannot be true.

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
