//! The OMS as the vendor publishes it: what it really answered (`tests/captures/oms.json`), given again to the service.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::app::requests::NO_CACHE;
use crate::fixtures::captures::body;
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{app_before, gateway};
use crate::peers::independent_rules::Parameters;

/// The server with three shops. It filters by `shop_code`, by nothing else, and has no method for one shop.
fn published_oms() -> IndependentGateway {
    let gateway = gateway();
    gateway.answer_by("shop.get", |_| body("get"));
    gateway.answer_by("shop.getList", |asked| body(exchange(asked)));
    gateway
}

fn exchange(asked: &Parameters) -> &'static str {
    let code = asked.get("shop_code").map(String::as_str);
    match (code, asked["page_no"].as_str()) {
        (None, "1") => "list_of_three",
        (None, _) => "past_the_end",
        (Some("SHOP0002"), "1") => "by_shop_code",
        (Some(_), _) => "by_unknown_shop_code",
    }
}

fn codes(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|store| store["oms_code"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn its_stores_are_listed_with_address_contact_and_status() {
    let gateway = published_oms();
    let app = app_before(&gateway, |_| {});
    let list = app.get("/stores").await.json();
    assert_json_snapshot!("stores_of_a_published_oms", list);
}

#[actix_web::test]
async fn one_of_its_stores_is_found_although_it_has_no_method_for_one() {
    let gateway = published_oms();
    let app = app_before(&gateway, |_| {});
    for _ in 0..2 {
        let store = app.request("operator", "GET", "/stores/SHOP0002", NO_CACHE).await;
        assert_eq!((store.status, &store.json()["name"]), (200, &json!("店铺 2")), "{}", store.text());
    }
    let calls = gateway.received();
    let methods: Vec<&str> = calls.iter().map(|call| call.parameters["method"].as_str()).collect();
    assert_eq!(methods, ["shop.get", "shop.getList", "shop.getList"], "what is missing is not asked for each time");
    let unknown = app.get("/stores/NOSUCH").await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "store-not-found"));
}

#[actix_web::test]
async fn a_code_is_found_by_whichever_name_the_server_filters() {
    for setting in [None, Some("auto"), Some("shop_code"), Some("shop_bn")] {
        let gateway = published_oms();
        let app = app_before(&gateway, |setup| {
            setting.into_iter().for_each(|setting| setup.set("TENANTS__ACME__OMS__CODE_PARAMETER", setting));
        });
        let list = app.get("/stores?code=SHOP0002").await.json();
        assert_eq!((codes(&list), &list["page"]["total"]), (vec!["SHOP0002"], &json!(1)), "{setting:?}");
        let list = app.get("/stores?code=NOSUCH").await.json();
        assert_eq!((codes(&list), &list["page"]["total"]), (vec![], &json!(0)), "{setting:?}");
        assert_eq!(app.get("/stores/SHOP0002").await.json()["oms_code"], "SHOP0002", "{setting:?}");
        assert_eq!(app.get("/stores/NOSUCH").await.status, 404, "{setting:?}");
    }
}

#[actix_web::test]
async fn a_name_that_it_does_not_filter_by_is_looked_for_here_with_true_pages() {
    let gateway = published_oms();
    let app = app_before(&gateway, |_| {});
    let list = app.get("/stores?name=%20%33").await.json();
    assert_eq!((codes(&list), &list["page"]["total"]), (vec!["SHOP0003"], &json!(1)));
    let all = app.get("/stores?name=%E5%BA%97%E9%93%BA&page_size=2").await;
    assert_eq!((codes(&all.json()), &all.json()["page"]["total"]), (vec!["SHOP0001", "SHOP0003"], &json!(3)));
    assert!(all.header("link").unwrap().contains("rel=\"next\""));
    assert_eq!(codes(&app.get("/stores?name=%E5%BA%97%E9%93%BA&page_size=2&page=2").await.json()), ["SHOP0002"]);
    assert_eq!(app.get("/stores?name=zzz").await.json()["page"]["total"], 0);
}

#[actix_web::test]
async fn a_name_of_the_sandbox_is_found_in_any_case() {
    let app = TestApp::spawn();
    let of = async |name: &str| app.get(&format!("/stores?name={name}&page_size=1000")).await.json();
    let (upper, lower) = (of("SPRUCE%20HOME").await, of("spruce%20home").await);
    assert!(upper["items"].as_array().is_some_and(|items| !items.is_empty()));
    assert_eq!(upper, lower);
}

#[actix_web::test]
async fn an_empty_server_has_an_empty_list() {
    let gateway = gateway();
    let nothings = ["[]", "null", "{}", r#""""#].map(|nothing| format!(r#"{{"response":{nothing}}}"#));
    // Where nothing is counted, nobody knows the total.
    let nothings = nothings.map(|nothing| (nothing, None));
    for (data, total) in nothings.into_iter().chain([(body("none"), Some(0))]) {
        let (app, answer) = (app_before(&gateway, |_| {}), data.clone());
        gateway.answer_by("shop.getList", move |_| answer.clone());
        let list = app.request("operator", "GET", "/stores", NO_CACHE).await.json();
        assert_eq!((&list["items"], list["page"]["total"].as_i64()), (&serde_json::json!([]), total), "{data}");
    }
}
