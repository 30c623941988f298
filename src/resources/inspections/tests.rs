//! Rows as the gateway may send them, and the translation of each field.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::page;
use super::row::Inspection;
use crate::clock::Clock;
use crate::gateway::GatewaySettings;
use crate::gateway::fixtures::account;
use crate::gateway::registry::Registry;
use crate::gateway::tenants::Access;
use crate::json::odd_values::collect;

fn access() -> Access {
    Access::new(account("opretail"), &Registry::new(&GatewaySettings::default(), Clock::system()))
}

fn inspection(row: &str) -> Inspection {
    Inspection::from_wire(serde_json::from_str(row).unwrap(), &access())
}

fn read(value: &Value) -> Value {
    json!(inspection(&value.to_string()))
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

#[test]
fn every_field_of_the_prose_is_found_and_the_rest_is_passed_on() {
    let inspection = read(&json!({
        "id": 9001, "inspectorId": 7, "inspectorName": "李雷", "sourceType": "8", "createTime": "2026-11-22 10:00:00",
        "deptId": 123_456, "deptName": "南京路店", "statusName": "待整改", "status": 1, "score": "92.5",
        "checkItems": [{"itemName": "陈列"}], "deadline": "2026-11-25 10:00:00", "rewardPenaltyType": 2,
        "rewardPenaltyAmount": "100.00", "deductScore": 5, "pictures": ["https://media.example.com/1.jpg"],
        "videos": "https://media.example.com/1.mp4,https://media.example.com/2.mp4", "taskName": null, "deep": {"x": [1]}
    }));
    assert_eq!(
        inspection,
        json!({
            "id": "9001", "inspector": {"id": "7", "name": "李雷"}, "source_type": {"code": 8, "name": "on_site"},
            "created_at": "2026-11-22T10:00:00+08:00", "store": {"id": "S_123456", "name": "南京路店"},
            "status": "待整改", "score": 92.5, "check_items": [{"itemName": "陈列"}],
            "deadline": "2026-11-25T10:00:00+08:00", "reward": null, "penalty": 100, "deduction": 5,
            "photos": ["https://media.example.com/1.jpg"],
            "videos": ["https://media.example.com/1.mp4", "https://media.example.com/2.mp4"],
            "extra": {"status": 1, "taskName": null, "deep": {"x": [1]}}
        })
    );
}

#[test]
fn an_id_of_64_bits_keeps_every_digit_and_a_rounded_one_is_no_id() {
    assert_eq!(read(&json!({"id": u64::MAX}))["id"], "18446744073709551615");
    assert_eq!(json!(inspection(r#"{"id": 123456789012345678901234}"#))["id"], Value::Null);
}

#[test]
fn what_is_passed_on_has_every_digit_that_was_sent() {
    let items = r#"[{"weight":0.12345678901234567890}]"#;
    let extra = r#"{"amount":1234567890.12345678901,"number":123456789012345678901234,"rate":1.50}"#;
    let row = format!("{{\"items\":{items},{}", &extra[1..]);
    let written = serde_json::to_string(&inspection(&row)).unwrap();
    assert!(written.contains(&format!("\"check_items\":{items}")), "{written}");
    assert!(written.contains(&format!("\"extra\":{extra}")), "{written}");
}

#[test]
fn only_a_list_of_objects_is_a_list_of_what_was_checked() {
    for items in [json!([1, 2]), json!([null]), json!([[]]), json!({"a": 1}), json!("none"), json!(7)] {
        let inspection = read(&json!({"checkItems": items}));
        assert_eq!((&inspection["check_items"], &inspection["extra"]["checkItems"]), (&Value::Null, &items), "{items}");
    }
    for empty in [json!([]), json!({})] {
        assert_eq!(read(&json!({"items": empty}))["check_items"], json!([]));
    }
}

#[test]
fn an_odd_element_is_left_out_of_a_list_and_counted() {
    let (ok, url) = (json!({"itemName": "陈列"}), "https://media.example.com/1.jpg");
    for odd in [json!(null), json!(5), json!("x"), json!([]), json!(true)] {
        for items in [json!([ok, odd, ok]), json!({"0": ok, "1": odd, "7": ok})] {
            let (read, counted) = collect(|| read(&json!({"checkItems": items})));
            assert_eq!((&read["check_items"], &read["extra"]), (&json!([ok, ok]), &json!({})), "{items}");
            assert_eq!(counted.iter().collect::<Vec<_>>(), [("checkItems[]", 1)], "{items}");
        }
    }
    for odd in [json!(null), json!(5), json!(""), json!([]), json!({"url": url})] {
        for field in ["pictures", "videos"] {
            for list in [json!([url, odd, url]), json!({"0": url, "1": odd, "2": url})] {
                let (read, counted) = collect(|| read(&json!({field: list})));
                let ours = if field == "pictures" { "photos" } else { field };
                assert_eq!((&read[ours], &read["extra"]), (&json!([url, url]), &json!({})), "{list}");
                assert_eq!(counted.iter().collect::<Vec<_>>(), [(&*format!("{field}[]"), 1)], "{list}");
            }
        }
    }
    for (empty, photos) in [(json!([]), json!([])), (json!({}), json!([])), (json!(""), json!([]))] {
        let (read, counted) = collect(|| read(&json!({"pictures": empty})));
        assert_eq!((&read["photos"], &read["extra"], counted.iter().count()), (&photos, &json!({}), 0), "{empty}");
    }
}

#[test]
fn a_field_is_looked_for_under_another_name_only_where_its_first_one_is_absent() {
    let fields = [
        ("score", "score", "totalScore", json!(20)),
        ("score", "score", "point", json!(20)),
        ("id", "id", "inspectionId", json!(7)),
        ("id", "id", "taskId", json!(7)),
        ("deadline", "deadline", "endTime", json!("2026-11-25 10:00:00")),
        ("deadline", "deadline", "validTime", json!("2026-11-25 10:00:00")),
        ("created_at", "createTime", "createDate", json!("2026-11-25 10:00:00")),
        ("status", "statusName", "status", json!(1)),
        ("deduction", "deductScore", "deductPoints", json!(3)),
        ("store", "depId", "shopId", json!("123456")),
        ("inspector", "inspectorId", "userId", json!(7)),
        ("check_items", "checkItems", "items", json!([{"a": 1}])),
    ];
    for (field, first, other, value) in fields {
        for blank in [json!(null), json!(""), json!("--"), json!(false)] {
            let (inspection, odd) = collect(|| read(&json!({first: blank, other: value})));
            assert_eq!((&inspection[field], &inspection["extra"][other]), (&Value::Null, &value), "{first} {blank}");
            assert_eq!(odd.iter().count(), 0, "{first} {blank}");
        }
        let (inspection, odd) = collect(|| read(&json!({first: {"x": 1}, other: value})));
        assert_eq!((&inspection[field], &inspection["extra"][other]), (&Value::Null, &value), "{first}");
        assert_eq!(odd.iter().collect::<Vec<_>>(), [(first, 1)]);
    }
    for (field, other, value) in [
        ("score", "totalScore", json!(20)),
        ("score", "point", json!(20)),
        ("id", "taskId", json!(7)),
        ("id", "recordId", json!(7)),
        ("deadline", "endTime", json!("2026-11-25 10:00:00")),
        ("inspector", "creatorId", json!(7)),
    ] {
        let inspection = read(&json!({"sourceType": 3, other: value}));
        assert_eq!(
            (&inspection[field], &inspection["extra"][other]),
            (&Value::Null, &value),
            "it means something else"
        );
    }
    let inspection = read(&json!({"inspectionId": 7, "shopId": "123456", "status": 1, "items": [{"a": 1}]}));
    assert_eq!((&inspection["id"], &inspection["store"]["id"]), (&json!("7"), &json!("S_123456")));
    assert_eq!((&inspection["status"], &inspection["extra"]), (&json!("1"), &json!({})));
}

#[test]
fn an_amount_is_a_reward_or_a_penalty_by_its_own_type() {
    let read = |row: Value| {
        let (inspection, odd) = collect(|| read(&row));
        let odd: Vec<String> = odd.iter().map(|(field, _)| field.to_owned()).collect();
        (inspection["reward"].clone(), inspection["penalty"].clone(), inspection["extra"].clone(), odd.join(","))
    };
    let none = |extra: Value, odd: &str| (Value::Null, Value::Null, extra, odd.to_owned());
    let row = json!({"rewardPenaltyType": 1, "rewardPenaltyAmount": "50"});
    assert_eq!(read(row), (json!(50), Value::Null, json!({}), String::new()));
    let row = json!({"rewardPenaltyType": null, "rewardPunishType": 2, "rewardPunishAmount": 5});
    assert_eq!(read(row.clone()), none(row, ""), "the first type is there and says nothing");
    let row = json!({"rewardPenaltyType": "x", "rewardPenaltyAmount": 5});
    assert_eq!(read(row.clone()), none(row, "rewardPenaltyType"));
    let row = json!({"rewardPenaltyType": 2, "rewardPenaltyAmount": "much"});
    assert_eq!(read(row.clone()), none(row, "rewardPenaltyAmount"));
}

#[test]
fn what_readers_would_differ_about_is_null_and_the_rest_of_the_row_is_read() {
    let row = r#"{"id":1,"score":1e999,"status":"a","status":"b","checkItems":{"0":{"a":1.50},"1":{}},"x":"\ud800","y":2.50,"pics":["a",null,""]}"#;
    let page = format!(r#"[{row}]"#);
    let page = page::from_wire(Some(&serde_json::from_str::<Box<RawValue>>(&page).unwrap())).unwrap();
    let (inspection, odd) = collect(|| {
        page.items.into_iter().flatten().map(|page::InspectionRow(row)| Inspection::from_wire(row, &access())).next()
    });
    let written = serde_json::to_string(&inspection).unwrap();
    assert!(written.contains(r#""score":null"#) && written.contains(r#""status":null"#), "{written}");
    assert!(written.contains(r#""check_items":[{"a":1.50},{}]"#) && written.contains(r#""photos":["a"]"#), "{written}");
    assert!(written.contains(r#""extra":{"x":null,"y":2.50}"#), "{written}");
    assert!(odd.iter().any(|(field, _)| field == "score") && odd.iter().any(|(field, _)| field == "extra"), "{odd:?}");
}

#[test]
fn a_value_that_does_not_fit_is_null_and_stays_in_extra() {
    let inspection = read(&json!({
        "score": "good", "checkItems": "none", "pictures": 7, "createTime": "soon", "rewardPenaltyType": 0,
        "rewardPenaltyAmount": "0.00"
    }));
    assert!(inspection["score"].is_null() && inspection["check_items"].is_null() && inspection["reward"].is_null());
    assert_eq!(inspection["photos"], json!([]));
    for field in ["score", "checkItems", "pictures", "createTime", "rewardPenaltyType", "rewardPenaltyAmount"] {
        assert!(!inspection["extra"][field].is_null(), "{field}");
    }
}

#[test]
fn the_list_is_found_wherever_it_stands() {
    for (data, total) in [
        (json!([{"id": 1}]), None),
        (json!({"rows": [{"id": 1}], "total": 7}), Some(7)),
        (json!({"records": [{"id": 1}], "totalCount": "7"}), Some(7)),
        (json!({"list": [{"id": 1}], "count": 7}), Some(7)),
        (json!({"content": [{"id": 1}]}), None),
    ] {
        let page = page::from_wire(Some(&raw(&data))).unwrap();
        assert_eq!((page.items.len(), page.total), (1, total), "{data}");
    }
    for (data, rows) in [
        (json!({"0": {"id": 1}, "4": {"id": 2}}), [true, true].as_slice()),
        (json!({"rows": {"3": {"id": 1}, "4": null}, "total": 2}), &[true, false]),
        (
            json!({"rows": [{"id": 1}, null, 7, [], {}, "x", {"id": 2}]}),
            &[true, false, false, false, false, false, true],
        ),
        (json!({"rows": "", "total": 0}), &[]),
        (json!(""), &[]),
        (json!(false), &[]),
        (json!({}), &[]),
        (json!({"rows": {}}), &[]),
        (json!({"list": {}, "total": 0}), &[]),
    ] {
        let (page, odd) = collect(|| page::from_wire(Some(&raw(&data))).unwrap());
        assert_eq!(page.items.iter().map(Option::is_some).collect::<Vec<_>>(), rows, "{data}");
        let left_out = rows.iter().filter(|is_read| !**is_read).count();
        assert_eq!(odd.iter().map(|(_, count)| count).sum::<u64>(), left_out as u64, "{data}");
    }
    for data in
        [json!("x"), json!({"total": 1}), json!({"rows": [1]}), json!({"rows": {"a": 1}}), json!([null]), json!(7)]
    {
        assert!(page::from_wire(Some(&raw(&data))).is_none(), "{data}");
    }
}

#[test]
fn a_list_of_nothing_is_empty() {
    for data in
        [None, Some(json!([])), Some(json!({"rows": null})), Some(json!({"list": null, "rows": [], "total": 0}))]
    {
        let page = page::from_wire(data.as_ref().map(raw).as_deref()).unwrap();
        assert!(page.items.is_empty(), "{data:?}");
    }
}

#[test]
fn a_success_without_data_is_distinguished_from_an_empty_list() {
    for (data, is_given) in [
        (json!([]), true),
        (json!({"rows": []}), true),
        (json!({"rows": {}}), true),
        (json!({"rows": null, "total": 0}), true),
        (json!({"rows": "", "total": "0"}), true),
        (json!({"rows": null}), false),
        (json!({"rows": false}), false),
        (json!({"rows": null, "total": 5}), false),
        (json!(null), false),
        (json!(false), false),
        (json!(""), false),
        (json!({}), false),
    ] {
        assert_eq!(page::from_wire(Some(&raw(&data))).unwrap().is_given, is_given, "{data}");
    }
    assert!(!page::from_wire(None).unwrap().is_given);
}

#[test]
fn of_two_lists_none_is_the_one_and_a_null_is_no_list() {
    for data in [json!({"list": [], "rows": [{"id": 1}]}), json!({"records": {}, "rows": []})] {
        assert!(page::from_wire(Some(&raw(&data))).is_none(), "{data}");
    }
    let page = page::from_wire(Some(&raw(&json!({"list": null, "rows": [{"id": 1}]})))).unwrap();
    assert_eq!(page.items.len(), 1);
}

#[test]
fn a_total_that_is_none_says_nothing_and_the_rows_are_read() {
    let total = |total: &str| {
        let data = format!(r#"{{"rows":[],"total":{total}}}"#);
        page::from_wire(Some(&serde_json::from_str::<Box<RawValue>>(&data).unwrap())).map(|page| page.total)
    };
    assert_eq!(total("null"), Some(None));
    assert_eq!(total("null,\"count\":7"), Some(Some(7)));
    assert_eq!((total("7"), total("\"7\""), total("7.0")), (Some(Some(7)), Some(Some(7)), Some(Some(7))));
    for none in ["[]", "{}", "true", "-1", r#""x""#, r#""""#, "1e17", "0.5", "9007199254740993"] {
        assert_eq!(total(none), Some(None), "{none}");
    }
}
