//! Rows as the gateway may send them, and what becomes of each field.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::page;
use super::row::Inspection;
use crate::clock::Clock;
use crate::gateway::GatewaySettings;
use crate::gateway::account::Account;
use crate::gateway::endpoint::china_standard_time;
use crate::gateway::opretail::OpRetailSettings;
use crate::gateway::opretail::sign::SignMethod;
use crate::gateway::registry::Registry;
use crate::gateway::stamps::Unique;
use crate::gateway::tenants::OpRetailAccess;
use crate::json::odd_values::collect;

fn access() -> OpRetailAccess {
    let settings = OpRetailSettings {
        m_api: String::new(),
        cloud_api: String::new(),
        system: String::new(),
        key: String::new(),
        secret: SecretString::from("secret"),
        second_secret: None,
        sign_method: SignMethod::Md5,
        unique: Unique::Nonce,
        login: None,
        enterprise_id: None,
        time_zone: china_standard_time(),
    };
    OpRetailAccess {
        account: Arc::new(Account::opretail(settings, &Registry::new(&GatewaySettings::default(), Clock::system()))),
        enterprise_id: None,
        zone: china_standard_time(),
    }
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
fn an_id_of_64_bits_is_kept_digit_for_digit_and_a_rounded_one_is_no_id() {
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
    for items in [json!([1, 2]), json!([{}, null]), json!([[]]), json!({"a": 1}), json!("none"), json!(7)] {
        let inspection = read(&json!({"checkItems": items}));
        assert_eq!((&inspection["check_items"], &inspection["extra"]["checkItems"]), (&Value::Null, &items), "{items}");
    }
    assert_eq!(read(&json!({"checkItems": [1], "items": [{"a": 1}]}))["check_items"], json!([{"a": 1}]));
    assert_eq!(read(&json!({"items": []}))["check_items"], json!([]));
}

#[test]
fn a_blank_does_not_hide_the_value_under_another_name() {
    let inspection = read(&json!({"depId": null, "shopId": "123456", "statusName": "", "status": 1}));
    assert_eq!((&inspection["store"]["id"], &inspection["status"]), (&json!("S_123456"), &json!("1")));
    assert_eq!(inspection["extra"], json!({}));
}

#[test]
fn what_readers_would_differ_about_is_null_and_the_rest_of_the_row_is_read() {
    let row = r#"{"id":1,"score":1e999,"status":"a","status":"b","checkItems":{"0":{"a":1.50},"1":{}},"x":"\ud800","y":2.50,"pics":["a",null,""]}"#;
    let page = format!(r#"[{row}]"#);
    let page = page::from_wire(Some(&serde_json::from_str::<Box<RawValue>>(&page).unwrap())).unwrap();
    let (inspection, odd) =
        collect(|| page.items.into_iter().flatten().map(|page::Row(row)| Inspection::from_wire(row, &access())).next());
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
    ] {
        let (page, odd) = collect(|| page::from_wire(Some(&raw(&data))).unwrap());
        assert_eq!(page.items.iter().map(Option::is_some).collect::<Vec<_>>(), rows, "{data}");
        let left_out = rows.iter().filter(|is_read| !**is_read).count();
        assert_eq!(odd.iter().map(|(_, count)| count).sum::<u64>(), left_out as u64, "{data}");
    }
    for data in [json!("x"), json!({"total": 1}), json!({"rows": [1]}), json!({"rows": {}}), json!([null]), json!(7)] {
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
