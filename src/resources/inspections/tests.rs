//! Rows as the gateway may send them, and what becomes of each field.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Inspection, page_from_wire};
use crate::gateway::GatewaySettings;
use crate::gateway::account::Account;
use crate::gateway::endpoint::china_standard_time;
use crate::gateway::opretail::OpRetailSettings;
use crate::gateway::opretail::sign::SignMethod;
use crate::gateway::registry::Registry;
use crate::gateway::stamps::Unique;
use crate::gateway::tenants::OpRetailAccess;

fn access() -> OpRetailAccess {
    let settings = OpRetailSettings {
        m_api: String::new(),
        cloud_api: String::new(),
        system: String::new(),
        key: String::new(),
        secret: SecretString::from("secret"),
        sign_method: SignMethod::Md5,
        unique: Unique::Nonce,
        login: None,
        enterprise_id: None,
        time_zone: china_standard_time(),
    };
    OpRetailAccess {
        account: Arc::new(Account::opretail(settings, &Registry::new(&GatewaySettings::default()))),
        enterprise_id: None,
        zone: china_standard_time(),
    }
}

fn row(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn read(value: &Value) -> Value {
    json!(Inspection::from_wire(row(value), &access()))
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
    let rounded: Value = serde_json::from_str(r#"{"id": 123456789012345678901234}"#).unwrap();
    assert_eq!(read(&rounded)["id"], Value::Null);
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
        let page = page_from_wire(data.clone()).unwrap();
        assert_eq!((page.items.len(), page.total), (1, total), "{data}");
    }
    assert_eq!(page_from_wire(json!({"rows": null, "total": 0})).unwrap().items.len(), 0);
    for data in [json!("x"), json!({"total": 1}), json!({"rows": [1]}), json!({"rows": {}})] {
        assert!(page_from_wire(data.clone()).is_none(), "{data}");
    }
}
