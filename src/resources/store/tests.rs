//! Stores as the OMS may send them, and the translation of each field.

use super::{Shop, Store};
use crate::directory::Directory;
use crate::gateway::endpoint::china_standard_time;
use crate::json::object::Object;
use crate::vendors::Vendors;
use serde_json::json;

fn directory() -> Directory {
    Directory::new(Vec::new(), &Vendors::default().ids())
}

fn store(shop: &serde_json::Value) -> serde_json::Value {
    let Object(shop): Object<Shop> = serde_json::from_str(&shop.to_string()).unwrap();
    serde_json::to_value(Store::from_wire(shop, &china_standard_time(), &directory()).unwrap()).unwrap()
}

#[test]
fn every_field_of_the_vendors_page_is_mapped() {
    let page = json!({
        "shop_bn": "SHOP001", "shop_name": "测试店铺", "company_name": "测试公司", "contact_name": "张三",
        "contact_tel": "13800138000", "contact_email": "test@example.com", "address": "北京市朝阳区测试路1号",
        "status": "online", "createtime": "2024-01-01 10:00:00", "updatetime": "2024-01-02 10:00:00"
    });
    assert_eq!(
        store(&page),
        json!({
            "id": "SHOP001", "oms_code": "SHOP001", "opretail_id": null, "name": "测试店铺", "company": "测试公司",
            "contact": {"name": "张三", "phone": "13800138000", "email": "test@example.com"},
            "address": "北京市朝阳区测试路1号", "status": "online", "source": ["oms"],
            "created_at": "2024-01-01T10:00:00+08:00", "updated_at": "2024-01-02T10:00:00+08:00"
        })
    );
}

#[test]
fn what_the_gateway_did_not_give_is_null() {
    let bare =
        store(&json!({"shop_code": "A1", "shop_name": "", "status": "moved", "createtime": "0000-00-00 00:00:00"}));
    assert_eq!(bare["oms_code"], "A1");
    assert_eq!(bare["status"], "unknown");
    for field in ["name", "company", "address", "created_at", "updated_at"] {
        assert!(bare[field].is_null(), "{field}");
    }
}

#[test]
fn an_id_is_a_code_that_leads_to_the_store() {
    for code in ["SHOP001", "A.1-b_2", "s_1", &"A".repeat(32)] {
        assert_eq!(store(&json!({"shop_bn": code}))["id"], code);
    }
    let too_long = "A".repeat(33);
    for code in ["A/../x?y", "a b", "a\u{7}b", "店", "123456", "S_123456", &too_long] {
        let store = store(&json!({"shop_bn": code}));
        assert_eq!((&store["id"], &store["oms_code"]), (&json!(null), &json!(code)), "{code}");
    }
    assert_eq!(store(&json!({"shop_bn": 1}))["oms_code"], "1");
}

#[test]
fn a_boolean_or_a_list_is_no_code() {
    for code in [json!(true), json!(["A1"]), json!({}), json!(null)] {
        let nameless = json!({"shop_bn": code, "shop_name": "a"}).to_string();
        let Object(nameless): Object<Shop> = serde_json::from_str(&nameless).unwrap();
        assert!(Store::from_wire(nameless, &china_standard_time(), &directory()).is_err(), "{code}");
    }
}

#[test]
fn an_odd_value_is_null_and_the_rest_of_the_store_is_read() {
    let store = store(&json!({
        "shop_bn": "A1", "shop_name": {}, "contact_tel": [1], "status": false, "createtime": "2024-02-30 10:00:00",
        "updatetime": "2024-01-02 10:00:00"
    }));
    assert_eq!((&store["id"], &store["status"]), (&json!("A1"), &json!("unknown")));
    assert!(store["name"].is_null() && store["contact"]["phone"].is_null() && store["created_at"].is_null());
    assert_eq!(store["updated_at"], "2024-01-02T10:00:00+08:00");
}
