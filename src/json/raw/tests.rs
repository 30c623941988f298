//! Which texts are one object, which shapes are lists, and what is passed on of values that readers understand
//! differently.

use super::{ObjectError, fields, harmless, items, object};
use crate::json::odd_values::collect;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use serde_json::value::RawValue;

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).unwrap()
}

#[test]
fn one_object_is_read_whatever_stands_in_its_members() {
    for body in ["{}", " \n{} ", r#"{"a":1e999,"a":2,"b":"\ud800"}"#, r#"{"$serde_json::private::RawValue":"{"}"#] {
        assert_eq!(object(body.as_bytes()), Ok(body));
    }
    for body in [
        "null",
        "7",
        "[{}]",
        "<html>",
        "{} {}",
        "{a:1}",
        "{},",
        "{}-",
        "x-",
        "{\"a\":\"\u{1}\"}",
        "\u{feff}{}",
        r#"{"a":"b"c"}"#,
    ] {
        assert_eq!(object(body.as_bytes()), Err(ObjectError::NotOneObject), "{body}");
    }
    assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(ObjectError::NotOneObject));
    assert_eq!(object(b"{\"a\":\"\xe6\xb5"), Err(ObjectError::CutShort), "a character is cut in two");
}

#[test]
fn an_object_that_ends_too_early_is_cut_short_wherever_that_is() {
    let whole = r#"{"a":[-1.5e+3,true,{"b":"c\"d\u00e9"}],"店":null}"#;
    for length in 0..whole.len() {
        assert_eq!(object(&whole.as_bytes()[..length]), Err(ObjectError::CutShort), "{length}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(object(nested(126).as_bytes()).is_ok() && object(nested(127).as_bytes()).is_err());
    assert!(object(nested(1_000_000).as_bytes()).is_err());
}

#[test]
fn a_list_is_one_in_each_of_its_shapes() {
    let items = |json| items(raw(json)).map(|items| items.iter().map(|item| item.get().to_owned()).collect::<Vec<_>>());
    for list in ["[1,2]", r#"{"0":1,"1":2}"#, r#"{"7":1,"70":2}"#] {
        assert_eq!(items(list).unwrap(), ["1", "2"], "{list}");
    }
    for nothing in ["[]", "{}", "{ }", "null", "false", "\"\""] {
        assert_eq!(items(nothing), Some(Vec::new()), "{nothing}");
    }
    for other in ["7", "true", "\"x\"", r#"{"0":1,"a":2}"#, r#"{"00":1}"#, r#"{"-1":1}"#] {
        assert_eq!(items(other), None, "{other}");
    }
}

#[test]
fn what_readers_would_differ_about_is_null_and_the_rest_stays_as_it_is_written() {
    for (given, handed_on) in [
        (r#"{"a": 1.50, "b":[123456789012345678901234]}"#, r#"{"a": 1.50, "b":[123456789012345678901234]}"#),
        (r#"{"a":1e999,"b": 1.50}"#, r#"{"a":null,"b":1.50}"#),
        (r#"{"a":1,"a":2,"b":3}"#, r#"{"a":null,"b":3}"#),
        (r#"[{"a":"\ud800","b":[1e999,2]}]"#, r#"[{"a":null,"b":[null,2]}]"#),
        (r#"{"$serde_json::private::RawValue":"{}","b":3}"#, r#"{"b":3}"#),
        ("1e999", "null"),
    ] {
        assert_eq!(harmless(raw(given), "x").get(), handed_on);
    }
}

#[test]
fn a_large_object_is_read_in_no_more_than_the_time_of_a_sort() {
    let keys: Vec<String> = (0..200_000).map(|number| format!("\"{number}\":0")).collect();
    let json = format!("{{{},\"77\":1}}", keys.join(","));
    let (fields, odd) = collect(|| fields(raw(&json), "x").unwrap());
    assert_eq!((fields.len(), fields["77"].get(), odd.iter().collect::<Vec<_>>()), (200_000, "null", vec![("x", 1)]));
}

proptest! {
    #[test]
    fn what_is_handed_on_is_understood_alike_by_all(json in "[{}\\[\\]:,\"\\\\ab1eE.+ -]{0,24}") {
        if let Ok(raw) = serde_json::from_str::<&RawValue>(&json) {
            let handed_on = harmless(raw, "x");
            prop_assert!(super::strict::is_unambiguous(handed_on.get()), "{}", handed_on.get());
            if super::strict::is_unambiguous(raw.get()) {
                prop_assert_eq!(handed_on.get(), raw.get());
            }
        }
    }
}
