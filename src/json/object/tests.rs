//! Objects and lists in every shape in which a gateway sends them, with invalid values and rows among them.

use serde::Deserialize;

use super::{Object, Optional};
use crate::json::odd_values::collect;
use crate::json::{object, scalar};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default, deserialize_with = "scalar::count")]
    day_flow: Option<i64>,
    #[serde(default, rename = "type", deserialize_with = "scalar::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "object::optional")]
    part: Option<Part>,
    #[serde(default, deserialize_with = "object::one_or_many")]
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Part {
    #[serde(default, deserialize_with = "scalar::integer")]
    id: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    name: Option<String>,
}

/// The read value, and the odd values.
fn read(json: &str) -> (Option<Wire>, String) {
    let (read, odd) = collect(|| serde_json::from_str::<Object<Wire>>(json).ok().map(|Object(wire)| wire));
    let odd: Vec<String> = odd.iter().map(|(field, count)| format!("{field} {count}")).collect();
    (read, odd.join(", "))
}

fn ids(json: &str) -> (Vec<Option<i64>>, String) {
    let (read, odd) = read(&format!(r#"{{"dayFlow":1,"parts":{json}}}"#));
    (read.unwrap().parts.into_iter().map(|part| part.id).collect(), odd)
}

#[test]
fn one_documented_field_is_enough() {
    let figures = |json| read(json).0.map(|wire| (wire.day_flow, wire.kind));
    assert_eq!(figures(r#"{"dayFlow":7,"x":{}}"#), Some((Some(7), None)));
    assert_eq!(figures(r#"{"type":1}"#), Some((None, Some("1".to_owned()))));
    assert_eq!(figures(r#"{"d\u0061yFlow":null}"#), Some((None, None)));
}

#[test]
fn an_object_of_which_nothing_can_be_read_and_anything_else_is_refused() {
    for json in
        ["{}", r#"{"message":"busy"}"#, r#"{"day_flow":7}"#, r#"{"kind":1}"#, "[7,1]", "7", "null", r#"{"dayFlow":-1}"#]
    {
        assert_eq!(read(json).0, None, "{json}");
    }
}

#[test]
fn an_odd_value_is_null_and_the_rest_is_read() {
    let odd = [
        "-1",
        "1.5",
        "true",
        "{}",
        "[1]",
        "\"N/A\"",
        "\"7 people\"",
        "\"NaN\"",
        "1e400",
        "9007199254740993",
        "\"1e999\"",
        &"9".repeat(400),
        "\"\\ud800\"",
    ];
    for odd in odd {
        let (read, noted) = read(&format!(r#"{{"dayFlow":{odd},"type":"a"}}"#));
        let read = read.unwrap_or_else(|| panic!("{odd}"));
        assert_eq!((read.day_flow, read.kind.as_deref(), noted.as_str()), (None, Some("a"), "dayFlow 1"), "{odd}");
    }
}

#[test]
fn a_field_that_says_two_things_is_odd_and_one_that_says_the_same_twice_is_not() {
    let of = |json| read(json).0.map(|wire| wire.day_flow);
    assert_eq!(of(r#"{"dayFlow":7,"dayFlow":8,"type":"a"}"#), Some(None));
    assert_eq!(of(r#"{"dayFlow":7,"d\u0061yFlow":8,"type":"a"}"#), Some(None));
    assert_eq!(of(r#"{"dayFlow":7,"dayFlow":7}"#), Some(Some(7)));
    assert_eq!(of(r#"{"dayFlow":7,"x":1,"x":2}"#), Some(Some(7)), "nobody reads it");
}

#[test]
fn an_object_within_is_read_as_far_as_it_can_be() {
    for (json, name, odd) in [
        (r#"{"id":1,"name":"a"}"#, Some(Some("a")), ""),
        (r#"{"id":"x","name":"a"}"#, Some(Some("a")), "part.id 1"),
        (r#"{"id":"x"}"#, None, "part 1, part.id 1"),
        (r#"[{"id":1}]"#, None, "part 1"),
        ("7", None, "part 1"),
        (r#""sunny""#, None, "part 1"),
        (r#"{"x":1}"#, None, "part 1"),
    ] {
        let (read, noted) = read(&format!(r#"{{"dayFlow":7,"part":{json}}}"#));
        let part = read.unwrap().part;
        assert_eq!((part.as_ref().map(|part| part.name.as_deref()), noted.as_str()), (name, odd), "{json}");
    }
}

#[test]
fn phps_ways_to_write_nothing_are_nothing() {
    for nothing in ["null", "false", "\"\"", "\" \"", "[]", "[ ]", "{}"] {
        let json = format!(r#"{{"dayFlow":7,"part":{nothing},"parts":{nothing}}}"#);
        let (read, odd) = read(&json);
        let read = read.unwrap();
        assert!(read.part.is_none() && read.parts.is_empty() && odd.is_empty(), "{nothing}: {odd}");
    }
    for nothing in ["null", "false", "\"\"", "[]"] {
        let (read, odd) = read(&format!(r#"{{"dayFlow":{nothing},"type":{nothing}}}"#));
        let expected_odd = if nothing == "[]" { "dayFlow 1, type 1" } else { "" };
        assert_eq!(read.map(|read| (read.day_flow, read.kind)).unwrap_or_default(), (None, None), "{nothing}");
        assert_eq!(odd, expected_odd, "{nothing}");
        assert!(serde_json::from_str::<Optional<Wire>>(nothing).unwrap().0.is_none(), "{nothing}");
    }
    assert!(serde_json::from_str::<Optional<Wire>>("{}").is_err(), "an answer without any field is another");
}

#[test]
fn a_list_is_read_in_each_of_its_shapes() {
    for list in [
        r#"[{"id":1},{"id":2}]"#,
        r#"{"0":{"id":1},"1":{"id":2}}"#,
        r#"{"3":{"id":1},"17":{"id":2}}"#,
        r#"[[],{"id":1},null,{"id":2},7,"x",[{"id":3}],{"x":1},{"id":"x"}]"#,
    ] {
        assert_eq!(ids(list).0, [Some(1), Some(2)], "{list}");
    }
    assert_eq!(ids(r#"{"id":1}"#).0, [Some(1)], "one alone");
    assert_eq!(ids(r#"[{"id":"x","name":"a"},null]"#), (vec![None], "parts.id 1, parts[] 1".to_owned()));
    for list in ["7", r#""x""#, r#"{"0":{"id":1},"x":{"id":2}}"#, r#"{"01":{"id":1}}"#, "[null]", r#"[{"id":[]}]"#] {
        assert!(ids(list).0.is_empty() && ids(list).1.contains("parts 1"), "{list}");
    }
}

#[test]
fn rows_keep_their_places() {
    let rows = |json| {
        let mut wire = serde_json::Deserializer::from_str(json);
        object::rows(&mut wire, |part: &Part| part.id.is_some())
    };
    let places = |json| rows(json).map(|rows| rows.iter().map(Option::is_some).collect::<Vec<_>>()).ok();
    assert_eq!(places(r#"[{"id":1},null,{"name":"a"},{"id":2}]"#), Some(vec![true, false, false, true]));
    assert_eq!(places(r#"{"5":{"id":1},"7":[]}"#), Some(vec![true, false]));
    assert_eq!(places("[]"), Some(Vec::new()));
    assert_eq!((places("[null]"), places("7"), places(r#"{"id":1}"#)), (None, None, None));
}
