//! Lists as the OMS may send them, and names that are not sent to it.

use super::{GatewayPage, Object, Shop, ShopList, ambiguous_codes, flaw_of_name, shops};
use serde_json::json;

fn read(list: &serde_json::Value) -> Option<GatewayPage<Option<Shop>>> {
    let Object(list) = serde_json::from_str::<Object<ShopList>>(&list.to_string()).ok()?;
    shops(list)
}

#[test]
fn a_count_may_be_text_and_must_be_there() {
    let list = |list| read(&list).map(|page| page.total);
    assert_eq!(list(json!({"count": "10", "lists": []})), Some(Some(10)));
    assert_eq!(list(json!({"count": "1,010", "lists": []})), Some(Some(1010)));
    for count in [json!(null), json!(-1), json!("many"), json!([])] {
        assert_eq!(list(json!({"count": count, "lists": []})), None, "{count}");
    }
    assert_eq!(list(json!({"lists": []})), None);
}

#[test]
fn an_odd_row_keeps_its_place_and_phps_lists_are_lists() {
    let codes = |lists| {
        let page = read(&json!({"count": 4, "lists": lists}))?;
        let code = |shop: Option<Shop>| shop.and_then(|shop| shop.code().map(str::to_owned)).unwrap_or_default();
        Some(page.items.into_iter().map(code).collect::<Vec<_>>())
    };
    let [a, b] = [json!({"shop_bn": "A1", "shop_name": []}), json!({"shop_bn": true, "shop_code": "B2"})];
    for odd in [json!(null), json!({}), json!([]), json!({"shop_name": "a"}), json!({"shop_bn": true}), json!("A1")] {
        assert_eq!(codes(json!([a, odd, b])).unwrap(), ["A1", "", "B2"], "{odd}");
    }
    assert_eq!(codes(json!({"0": a, "5": b})).unwrap(), ["A1", "B2"]);
    for none in [json!(null), json!([]), json!(""), json!(false)] {
        assert_eq!(codes(none.clone()), Some(Vec::new()), "{none}");
    }
    for other in [json!(7), json!({}), json!([null]), json!("x"), json!({"shop_bn": "A1"})] {
        assert_eq!(codes(other.clone()), None, "{other}");
    }
}

#[test]
fn a_code_of_two_stores_is_ambiguous_and_one_store_twice_is_not() {
    let read = |lists: serde_json::Value| {
        let page = read(&json!({"count": 3, "lists": lists})).unwrap();
        ambiguous_codes(&page.items.into_iter().flatten().collect::<Vec<_>>())
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
