//! Lists as the OMS may send them, and names that are not sent to it.

use super::{ShopList, ambiguous_codes, flaw_of_name, shops};
use serde_json::json;

#[test]
fn a_count_may_be_text_and_must_be_there() {
    let list = |value| shops(serde_json::from_value::<ShopList>(value).unwrap()).map(|page| page.total);
    assert_eq!(list(json!({"count": "10", "lists": []})), Some(Some(10)));
    assert_eq!(list(json!({"count": null, "lists": []})), None);
    assert!(serde_json::from_value::<ShopList>(json!({"lists": []})).is_err());
}

#[test]
fn a_code_of_two_stores_is_ambiguous_and_one_store_twice_is_not() {
    let read = |lists: serde_json::Value| {
        let list: ShopList = serde_json::from_value(json!({"count": 3, "lists": lists})).unwrap();
        ambiguous_codes(&shops(list).unwrap().items)
    };
    let [a, b] = [json!({"shop_bn": "A1", "shop_name": "a"}), json!({"shop_bn": "B2"})];
    assert_eq!(read(json!([a, b, {"shop_code": "a1", "shop_name": "b"}])), ["a1"]);
    assert!(read(json!([a, b, a])).is_empty());
}

#[test]
fn a_name_that_could_leave_its_quotes_is_refused() {
    for name in ["", "a'b", "a\"b", "a;b", "a\\b", "a\nb", &"x".repeat(65)] {
        assert!(flaw_of_name(name).is_some(), "{name}");
    }
    assert!(flaw_of_name("测试店铺 & 100%").is_none());
}
