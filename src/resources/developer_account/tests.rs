//! An account with every field that the gateway sends, and who sees its secret.

use super::{DeveloperAccount, WireAccount};
use crate::gateway::endpoint::china_standard_time;
use crate::json::object::Object;
use serde_json::{Value, json};

fn read(shows_secret: bool) -> Value {
    let wire: WireAccount = serde_json::from_value(json!({
        "id": 1, "username": "Opretail", "applicationId": "S107", "applicationKey": "S107-xxxxxxx",
        "applicationSecret": "planted", "keytype": 1, "ifexpire": "3", "expire": "2019-12-31 00:00:00",
        "enterpriseId": 1, "shopwebEnterpriseId": 1084, "switchStatus": "1", "switchTime": "",
        "developerType": 2, "supplierAccount": "xxxxxxx"
    }))
    .unwrap();
    json!(DeveloperAccount::from_wire(wire, shows_secret, &china_standard_time()))
}

#[test]
fn every_documented_field_is_mapped_and_the_secret_masked() {
    assert_eq!(
        read(false),
        json!({
            "id": 1, "username": "Opretail", "application_id": "S107", "application_key": "S107-xxxxxxx",
            "application_secret": "********", "key_type": "formal", "validity": "in_service",
            "expires_at": "2019-12-31T00:00:00+08:00", "platform_enterprise_id": 1, "business_enterprise_id": 1084,
            "enabled": true, "switched_at": null, "developer_type": "normal", "supplier_account": "xxxxxxx"
        })
    );
}

#[test]
fn the_secret_is_shown_to_who_may_see_it() {
    assert_eq!(read(true)["application_secret"], "planted");
}

#[test]
fn an_answer_without_any_field_of_an_account_is_none() {
    for data in [json!({}), json!({"message": "system busy"}), json!({"application_id": "S107"})] {
        assert!(serde_json::from_str::<Object<WireAccount>>(&data.to_string()).is_err(), "{data}");
    }
}

#[test]
fn an_odd_value_is_null_and_the_rest_of_the_account_is_read() {
    let odd = json!({"id": 1.5, "username": ["a"], "applicationSecret": {}, "expire": "2027-02-30", "keytype": true,
        "switchStatus": 1, "enterpriseId": "many"});
    let Object(wire) = serde_json::from_str::<Object<WireAccount>>(&odd.to_string()).unwrap();
    let account = json!(DeveloperAccount::from_wire(wire, true, &china_standard_time()));
    assert_eq!(account["enabled"], true);
    let nulls = ["id", "username", "application_secret", "expires_at", "key_type", "platform_enterprise_id"];
    assert!(nulls.iter().all(|field| account[field].is_null()), "{account}");
}
