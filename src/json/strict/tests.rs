//! Bodies that are one readable object, and bodies that only look like one.

use super::{StrictJsonError, object};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value};

fn is_read(body: &str) -> bool {
    object(body.as_bytes()).is_ok()
}

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":["#.repeat(depth), "]}".repeat(depth))
}

#[test]
fn one_object_with_anything_in_it_is_read() {
    for body in [
        "{}",
        " \r\n\t{ } \n",
        r#"{"":null,"a":[1,-2.5e3,true,"x\u0041\ud83d\ude00"],"b":{"a":{"a":{}}}}"#,
        r#"{"a":[{"k":1},{"k":2}],"k":3}"#,
        r#"{"a":18446744073709551615,"b":123456789012345678901234567890,"c":1e308}"#,
    ] {
        assert_eq!(object(body.as_bytes()).unwrap(), body);
    }
}

#[test]
fn anything_but_one_object_is_refused() {
    for body in
        ["", " ", "null", "7", "\"{}\"", "[]", "[{}]", "<html>", "{} {}", "{},", "{}\0", "{", "{\"a\"}", "{a:1}"]
    {
        assert!(!is_read(body), "{body}");
    }
}

#[test]
fn a_key_that_occurs_twice_is_refused_wherever_it_is() {
    for body in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"c":3,"a":4}"#,
        r#"{"data":{"deep":[[{"b":1,"x":{},"b":1}]]}}"#,
        r#"{"code":0,"c\u006fde":1}"#,
        r#"{"":1,"":1}"#,
    ] {
        assert!(!is_read(body), "{body}");
    }
}

#[test]
fn a_document_hidden_in_a_reserved_key_is_refused() {
    let body = r#"{"data":{"$serde_json::private::RawValue":"{\"a\":1,\"a\":2}"}}"#;
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["data"]["a"], 2, "the trick works on a value");
    assert!(!is_read(body));
    assert!(!is_read(r#"{"\u0024serde_json::private::Number":"1"}"#));
}

#[test]
fn numbers_that_overflow_are_refused() {
    for number in ["1e309", "-1e400", &"9".repeat(400), "1e99999999999999999999"] {
        assert!(!is_read(&format!("{{\"skipped\":{number}}}")), "{number}");
    }
}

#[test]
fn characters_that_json_does_not_have_are_refused() {
    for body in [
        "{\"a\":\"\u{1}\"}",
        "{\"a\u{1f}\":1}",
        "{\u{b}}",
        "{\"a\":\u{0}1}",
        "\u{feff}{}",
        "{\u{a0}}",
        r#"{"a":"\ud800"}"#,
    ] {
        assert!(!is_read(body), "{body:?}");
    }
    for body in [&b"{\"a\":\"\xff\"}"[..], b"{\"a\":\"\xed\xa0\x80\"}", b"{\"a\":\"\xe6\xb5\"}", b"\xff\xfe{\0}\0"] {
        assert!(matches!(object(body), Err(StrictJsonError::NotUtf8(_))), "{body:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    assert!(is_read(&nested(60)));
    assert!(!is_read(&nested(64)));
    assert!(!is_read(&"{\"a\":".repeat(1_000_000)));
}

#[test]
fn a_large_object_is_read_in_no_more_than_the_time_of_a_sort() {
    let keys: Vec<String> = (0..200_000).map(|number| format!("\"{number}\":0")).collect();
    let mut body = format!("{{{}", keys.join(","));
    assert!(is_read(&format!("{body}}}")));
    body.push_str(",\"77\":0}");
    assert!(!is_read(&body));
}

fn any_value() -> impl Strategy<Value = Value> {
    let number = any::<i64>().prop_map(Value::from);
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from)
    ];
    scalar.prop_recursive(4, 32, 6, |inner| {
        let object = btree_map(any::<String>(), inner.clone(), 0..6)
            .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>());
        prop_oneof![vec(inner, 0..6).prop_map(Value::from), object.prop_map(Value::from)]
    })
}

proptest! {
    #[test]
    fn what_is_written_from_a_value_is_read(
        fields in btree_map(any::<String>(), any_value(), 0..6),
        is_pretty in any::<bool>(),
    ) {
        let value: Value = fields.into_iter().collect::<Map<_, _>>().into();
        let body = if is_pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(object(body.as_bytes()).unwrap(), &body);
        let cut = body.trim_end().len() - 1;
        let cut = (0..=cut).rev().find(|cut| body.is_char_boundary(*cut)).unwrap_or_default();
        prop_assert!(!is_read(&body[..cut]));
    }

    #[test]
    fn what_is_read_is_an_object_to_any_reader(body in "[{}\\[\\]:,\"\\\\a01eE.+ -]{0,24}") {
        if is_read(&body) {
            prop_assert!(serde_json::from_str::<Value>(&body).unwrap().is_object());
        }
    }
}
